"""A folder of 100,000 files, and a file of 10 MB."""

from __future__ import annotations

import asyncio
from pathlib import Path

from playwright.async_api import Error, expect

from bench.interface.loading import open_file
from bench.interface.stage import Figure, Missing, Stage, start_meter, stop_meter
from bench.machine import percentile

_FOLDERS, _FILES = 100, 1000
_LARGE = 10_000_000


async def tree(stage: Stage) -> list[Figure]:
    """Show a large folder and scroll through it."""
    await asyncio.to_thread(_make_many, stage.folder / "many")
    page = await stage.open()
    rows = page.get_by_role("treeitem")
    try:
        await expect(rows.first).to_be_visible(timeout=5000)
        await page.get_by_role("treeitem", name="many").first.click()
        await page.get_by_role("treeitem", name="folder-000").first.click(timeout=10_000)
        await expect(page.get_by_role("treeitem", name="file-000").first).to_be_visible()
    except (AssertionError, Error):
        raise Missing("there is no tree of files") from None
    place = await rows.first.bounding_box()
    if place is None:
        raise Missing("the tree of files is not visible")
    await page.mouse.move(place["x"] + 40, place["y"] + 40)
    await start_meter(page)
    for _ in range(120):
        await page.mouse.wheel(0, 200)
        await asyncio.sleep(1 / 60)
    seen = await stop_meter(page)
    count, frame = await rows.count(), percentile(seen.frames, 0.95)
    return [
        Figure("tree of 100,000 files: rows", f"{count} rows", "100 rows", "46", count <= 100),
        Figure("  frame p95", f"{frame:.1f} ms", "17 ms", "16.7", frame <= 17.5),
    ]


async def large_file(stage: Stage) -> list[Figure]:
    """Open a large file and type into it."""
    line = "a line of an ordinary length, as logs have them by the million\n"
    (stage.folder / "large.log").write_text(line * (_LARGE // len(line)))
    page = await stage.open()
    took = await open_file(page, "large.log")
    await page.locator(".cm-line").first.click()
    await start_meter(page)
    for key in "typing into it " * 4:
        await page.keyboard.press("Space" if key == " " else key)
        await asyncio.sleep(0.05)
    seen = await stop_meter(page)
    # A key that took less than the clock's 16 ms is not reported.
    key_ms = percentile(seen.inputs or [16.0], 0.5)
    return [
        Figure("10 MB file: opened", f"{took:.2f} s", "1 s", "0.2 s", took <= 1),
        Figure("  a key", f"<= {key_ms:.0f} ms", "16 ms", "2 ms", key_ms <= 16),
    ]


def _make_many(folder: Path) -> None:
    for number in range(_FOLDERS):
        inner = folder / f"folder-{number:03}"
        inner.mkdir(parents=True)
        for index in range(_FILES):
            (inner / f"file-{index:03}.txt").touch()

"""What is loaded before one can work, and how long that takes."""

from __future__ import annotations

import json
import time
from typing import Any

from playwright.async_api import Error, expect

from bench.interface.stage import Figure, Missing, Stage
from codelab.web.interface import BUILT

_KB = 1024
# As web/scripts/sizes.mjs counts: of the languages one is loaded, for the file that somebody opens,
# and of the server's sentences those of one language; settings and administration are pages apart.
_APART = ("assets/language-", "assets/sentences-")
_PAGES = ("src/admin/", "src/settings/")


def closure(manifest: dict[str, Any], start: str, *, lazily: bool) -> set[str]:
    """Collect the files that a chunk brings along; with `lazily`, also what it may load later."""
    seen: set[str] = set()
    waiting, found = [start], set()
    while waiting:
        key = waiting.pop()
        chunk = manifest[key]
        apart = key.startswith(_PAGES) or chunk["file"].startswith(_APART)
        if key in seen or apart:
            continue
        seen.add(key)
        found |= {chunk["file"], *chunk.get("css", ())}
        waiting += chunk.get("imports", ())
        if lazily:
            waiting += chunk.get("dynamicImports", ())
    return found


def _kilobytes(files: set[str]) -> float:
    total = 0
    for name in files:
        packed = BUILT / f"{name}.gz"
        total += (packed if packed.exists() else BUILT / name).stat().st_size
    return total / _KB


async def sizes(stage: Stage) -> list[Figure]:
    """Add up what the browser loads, compressed as it is sent."""
    manifest = json.loads((BUILT / ".vite" / "manifest.json").read_text())
    shell = _kilobytes(closure(manifest, "index.html", lazily=False))
    whole = _kilobytes(closure(manifest, "index.html", lazily=True))
    return [
        Figure("shell, gz", f"{shell:.1f} KB", "60 KB", "21.6", shell <= 60),
        Figure("whole IDE, gz", f"{whole:.0f} KB", "350 KB", "324", whole <= 350),
    ]


async def editor_ready(stage: Stage) -> list[Figure]:
    """Load the page from nothing and open a file: until its text is there."""
    (stage.folder / "ready.py").write_text("answer = 42\n" * 200)
    page = await stage.open()
    await open_file(page, "ready.py")
    # The open tab comes back with the page.
    started = time.perf_counter()
    await page.reload()
    try:
        await expect(page.locator(".cm-content")).to_contain_text("answer = 42", timeout=10_000)
    except AssertionError:
        raise Missing("the open file does not come back after a reload") from None
    took = time.perf_counter() - started
    return [Figure("editor ready, local", f"{took:.2f} s", "1.5 s", "0.67", took <= 1.5)]


async def open_file(page: Any, name: str, within_ms: int = 10_000) -> float:
    """Open a file by some letters of its name; returns the seconds until its text is there.

    Raises:
        Missing: There is no such way, or no editor.
    """
    await expect(page.get_by_role("heading", name="CodeLab")).to_be_attached()
    try:
        await page.keyboard.press("Control+p")
        box = page.get_by_role("combobox").last
        await box.fill(name, timeout=3000)
        await expect(page.get_by_role("option").first).to_contain_text(name, timeout=10_000)
        started = time.perf_counter()
        await page.keyboard.press("Enter")
        await expect(page.locator(".cm-line").first).to_be_visible(timeout=within_ms)
    except (AssertionError, Error):
        raise Missing("no file can be opened by its name") from None
    return time.perf_counter() - started

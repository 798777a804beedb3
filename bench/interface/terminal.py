"""How fast the terminal shows what a program prints, and how soon Ctrl-C stops a flood."""

from __future__ import annotations

import re
import time

from playwright.async_api import Error, expect

from bench.interface.stage import Figure, Missing, Stage

_MB = 1_000_000
_PRINTED = 30 * _MB


async def terminal(stage: Stage) -> list[Figure]:
    """Print a large text with colours, then flood it and press Ctrl-C."""
    line = "\x1b[32mok\x1b[0m  tests/test_something.py::test_that_it_holds  0.012 s  [ 42 %]\r\n"
    (stage.folder / "printed.txt").write_text(line * (_PRINTED // len(line)))
    page = await stage.open()
    await expect(page.get_by_role("heading", name="CodeLab")).to_be_attached()
    await page.keyboard.press("Control+`")
    rows = page.get_by_role("region", name="Terminal").locator(".xterm-rows")
    try:
        await expect(rows).to_contain_text(re.compile(r"[#$]\s*$"), timeout=10_000)
    except (AssertionError, Error):
        raise Missing("there is no terminal") from None
    await page.keyboard.type("cat printed.txt; echo printed-$((40 + 2))")
    started = time.perf_counter()
    await page.keyboard.press("Enter")
    await expect(rows).to_contain_text("printed-42", timeout=60_000)
    rate = _PRINTED / _MB / (time.perf_counter() - started)

    await page.keyboard.type("yes flood")
    await page.keyboard.press("Enter")
    await expect(rows).to_contain_text("floodflood", timeout=10_000)
    await page.wait_for_timeout(2000)
    started = time.perf_counter()
    await page.keyboard.press("Control+c")
    await expect(rows).to_contain_text(re.compile(r"[#$]\s*$"), timeout=10_000)
    stopped = 1000 * (time.perf_counter() - started)
    return [
        Figure("terminal", f"{rate:.1f} MB/s", ">= 5 MB/s", "7.1", rate >= 5),
        Figure("  Ctrl-C in a flood", f"{stopped:.0f} ms", "500 ms", "-", stopped <= 500),
    ]

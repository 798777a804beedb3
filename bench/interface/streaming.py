"""An answer at 200 tokens a second while somebody types."""

from __future__ import annotations

import asyncio

from playwright.async_api import Error, Page, expect

from bench.interface.stage import (
    RATE,
    Figure,
    Missing,
    Stage,
    renderer_mib,
    start_meter,
    stop_meter,
)
from bench.machine import percentile
from tests.flows.harness import send

_LONG_MS = 50.0
_KEYS_PER_SECOND = 5


async def streaming(stage: Stage) -> list[Figure]:
    """Stream an answer into the assistant and type into its composer meanwhile."""
    session_id = await stage.ide.new_session()
    page = await stage.open(f"/s/{session_id}")
    box = page.locator("[data-region=assistant] textarea")
    try:
        await expect(box.first).to_be_visible(timeout=5000)
    except (AssertionError, Error):
        raise Missing("the assistant has no composer") from None
    async with stage.ide.user.client.socket() as socket:
        await send(socket, "chat", session_id, message="Say something long.")
        await asyncio.sleep(2)
        await box.first.focus()
        await start_meter(page)
        await _type_for(page, stage.seconds - 4)
        seen = await stop_meter(page)
    memory = await renderer_mib(stage.browser)
    long = sum(1 for frame in seen.frames if frame > _LONG_MS) / max(1, len(seen.frames))
    # A key that took less than the clock's 16 ms is not reported.
    keys = percentile(seen.inputs or [16.0], 0.95)
    tokens = RATE * stage.seconds
    rate = f"{seen.per_second:.0f} fps"
    return [
        Figure("200 tokens/s: frames", rate, ">= 50 fps", "52-57", seen.per_second >= 50),
        Figure("  frames over 50 ms", f"{long:.1%}", "2 %", "0.6-1.4 %", long <= 0.02),
        Figure("  input p95", f"{keys:.0f} ms", "100 ms", "48-64", keys <= 100),
        Figure(f"  memory, {tokens:,} tokens", f"{memory:.0f} MB", "250 MB", "191", memory <= 250),
    ]


async def _type_for(page: Page, seconds: float) -> None:
    for number in range(int(seconds * _KEYS_PER_SECOND)):
        await page.keyboard.press("abcdefgh "[number % 9])
        await asyncio.sleep(1 / _KEYS_PER_SECOND)

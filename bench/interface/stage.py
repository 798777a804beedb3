"""A server, a scripted model, Chromium, and what measures a page from inside."""

from __future__ import annotations

import os
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from playwright.async_api import Browser, CDPSession, Page, async_playwright

from tests.conftest import Stores
from tests.faults.conftest import LIMITS
from tests.flows.harness import CodeLab
from tests.model_server.process import ModelServer
from tests.web import browser as chromium
from tests.web.ide import Ide, ide_of

RATE, SECONDS = 200, 60

# Frames as the page gets them, and how long its keys took until the next one was painted.
_METER = """
() => {
  const meter = { frames: [], inputs: [] };
  let last = performance.now();
  const step = (now) => {
    meter.frames.push(now - last);
    last = now;
    if (!meter.stopped) requestAnimationFrame(step);
  };
  requestAnimationFrame(step);
  new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) {
      if (entry.name === 'keydown') meter.inputs.push(entry.duration);
    }
  }).observe({ type: 'event', durationThreshold: 16 });
  window.codelabMeter = meter;
}
"""
_STOP = """
() => {
  window.codelabMeter.stopped = true;
  return { frames: window.codelabMeter.frames.slice(1), inputs: window.codelabMeter.inputs };
}
"""


class Missing(Exception):
    """What would be measured is not in this build of the interface."""


@dataclass(frozen=True)
class Figure:
    """One line of the table.

    Args:
        name: What was measured.
        value: What it gave, in words.
        budget: What it may be at most, or must be at least.
        prototype: What the prototype gave.
        holds: Whether the budget holds.
    """

    name: str
    value: str
    budget: str
    prototype: str
    holds: bool


@dataclass(frozen=True)
class Measured:
    """What a page's meter saw: times of frames and of keys in milliseconds."""

    frames: list[float]
    inputs: list[float]

    @property
    def per_second(self) -> float:
        """How many frames there were in a second."""
        return 1000 * len(self.frames) / max(1.0, sum(self.frames))


@dataclass(frozen=True)
class Stage:
    """What a measure is given.

    Args:
        ide: The interface of a running server, with an administrator signed in.
        browser: Chromium.
        folder: Where the project is.
        seconds: How long a stream lasts.
    """

    ide: Ide
    browser: Browser
    folder: Path
    seconds: int

    async def open(self, path: str = "") -> Page:
        """Open the workbench, or a page below it."""
        return await self.ide.open(f"/w/{self.ide.workspace_id}{path}")


async def start_meter(page: Page) -> None:
    """Begin to note frames and keys."""
    await page.evaluate(_METER)


async def stop_meter(page: Page) -> Measured:
    """Return what was noted."""
    seen: dict[str, Any] = await page.evaluate(_STOP)
    return Measured(seen["frames"], seen["inputs"])


async def renderer_mib(browser: Browser) -> float:
    """Return the private memory of Chromium's largest page process."""
    session: CDPSession = await browser.new_browser_cdp_session()
    answer = await session.send("SystemInfo.getProcessInfo")
    await session.detach()
    pages = [one["id"] for one in answer["processInfo"] if one["type"] == "renderer"]
    return max(map(_anonymous_mib, pages))


def _anonymous_mib(process: int) -> float:
    for line in Path(f"/proc/{process}/status").read_text().splitlines():
        if line.startswith("RssAnon:"):
            return int(line.split()[1]) / 1024
    return 0.0


@asynccontextmanager
async def stage(seconds: int) -> AsyncIterator[Stage]:
    """Start everything, and end it."""
    program = chromium.program()
    if program is None:
        raise SystemExit(chromium.MISSING)
    with tempfile.TemporaryDirectory() as name, ModelServer() as model:
        folder = Path(name)
        project = folder / "projects" / "measured"
        project.mkdir(parents=True)
        (folder / "empty").mkdir()
        models = (
            "model_list:\n  - model_name: load\n    litellm_params:\n"
            f"      model: openai/prose-{RATE}x{RATE * seconds}\n"
            f"      api_base: {model.openai_url}\n      api_key: bench\n"
        )
        url = f"sqlite+aiosqlite:///{folder / 'codelab.db'}"
        more = {"CODELAB_WORKSPACES_ROOT": str(project.parent), "CODELAB_LOG_LEVEL": "warning"}
        settings = LIMITS | more
        server = CodeLab(
            folder, folder / "empty", Stores("embedded", url, None), models, extra=settings
        )
        await server.start()
        if (os.cpu_count() or 1) > 1:
            os.sched_setaffinity(server.pid, {0})
        try:
            async with async_playwright() as playwright:
                # The budgets are for software rendering, and for what a page really does at once.
                launched = await playwright.chromium.launch(
                    executable_path=program, args=chromium.FLAGS
                )
                async with ide_of(server, launched, model, "bench", project) as ide:
                    await ide.set_up()
                    yield Stage(ide, launched, project, seconds)
                await launched.close()
        finally:
            server.stop()

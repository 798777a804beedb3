"""The browser interface against its budgets, beside the prototype that they were made from.

    python3 dev.py bench web [--seconds N] [NAME ...]

Each measure drives the real interface in Debian's Chromium, headless and with software rendering,
against a real server and the scripted model. Without names all are measured, in less than five
minutes; a stream lasts 60 s, and any other measure that takes longer than a minute is given up.
Sizes are a matter of the build; times depend on the machine, and mean something on a quiet one.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable

from playwright.async_api import Error

from bench import machine
from bench.interface.files import large_file, tree
from bench.interface.loading import editor_ready, sizes
from bench.interface.rules import rules
from bench.interface.sessions import long_session
from bench.interface.stage import SECONDS, Figure, Missing, Stage, stage
from bench.interface.streaming import streaming
from bench.interface.terminal import terminal

Measure = Callable[[Stage], Awaitable[list[Figure]]]

MEASURES: dict[str, Measure] = {
    "sizes": sizes,
    "editor": editor_ready,
    "streaming": streaming,
    "session": long_session,
    "tree": tree,
    "large-file": large_file,
    "terminal": terminal,
    "rules": rules,
}
_LONGEST_S = 60


async def main(names: list[str], seconds: int) -> bool:
    """Measure and print; returns whether every budget holds."""
    print(machine.describe())
    print(f"{'what':<40} {'measured':>14} {'budget':>12} {'prototype':>10}")
    holds = True
    async with stage(seconds) as made:
        for name in names:
            try:
                async with asyncio.timeout(_LONGEST_S + (seconds if name == "streaming" else 0)):
                    figures = await MEASURES[name](made)
            except (Missing, AssertionError, Error, TimeoutError) as failure:
                print(f"{name:<40} NOT MEASURED: {_first_line(failure)}", flush=True)
                holds = False
                continue
            for one in figures:
                verdict = "" if one.holds else "  OVER"
                line = f"{one.name:<40} {one.value:>14} {one.budget:>12} {one.prototype:>10}"
                print(line + verdict, flush=True)
                holds = holds and one.holds
    return holds


def _first_line(failure: Exception) -> str:
    return (str(failure) or type(failure).__name__).splitlines()[0]


def chosen(words: list[str]) -> tuple[list[str], int]:
    """Read the command line."""
    seconds = SECONDS
    if "--seconds" in words:
        place = words.index("--seconds")
        seconds = int(words[place + 1])
        del words[place : place + 2]
    if unknown := [word for word in words if word not in MEASURES]:
        raise SystemExit(f"There is no measure {unknown[0]}; there are: {', '.join(MEASURES)}")
    return words or list(MEASURES), seconds


if __name__ == "__main__":
    sys.exit(0 if asyncio.run(main(*chosen(sys.argv[1:]))) else 1)

"""What the system says of a process."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

_POLL_S = 0.05


def lives(pid: int) -> bool:
    """Whether it runs; one that is dead and not yet collected does not."""
    try:
        return _fields(pid)[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def cpu_ticks(pid: int) -> int:
    """The CPU time that it has taken."""
    fields = _fields(pid)
    return int(fields[11]) + int(fields[12])


async def eventually(holds: Callable[[], bool], *, within_s: float = 15.0) -> None:
    """Wait until something holds."""
    for _ in range(round(within_s / _POLL_S)):
        if holds():
            return
        await asyncio.sleep(_POLL_S)
    raise AssertionError("it never came to hold")


async def is_idle(pid: int) -> bool:
    """Whether it takes no CPU for a moment."""
    before = cpu_ticks(pid)
    await asyncio.sleep(0.4)
    return cpu_ticks(pid) - before <= 1


def _fields(pid: int) -> list[str]:
    # The name comes before them in brackets, and may hold anything.
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()

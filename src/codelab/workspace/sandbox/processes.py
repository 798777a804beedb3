"""What the processes in a box use, and how all of them end."""

from __future__ import annotations

import os
import signal
import time
from contextlib import suppress
from pathlib import Path

import msgspec

from codelab.workspace.sandbox.confinement.tree import children_of, state_of

# Stopped, being traced, dead or gone.
_AT_REST = frozenset({"T", "t", "Z", "X", ""})
_STOP_TRIES = 50
_STOP_TRY_S = 0.001

_MEMORY = Path("/proc/meminfo")
_PAGE = os.sysconf("SC_PAGE_SIZE")


class Use(msgspec.Struct, frozen=True):
    """How many processes there are and how many bytes of memory they hold."""

    processes: int
    memory: int


def use_of(process: int, most: int) -> Use:
    """Add up a process and everything that descends from it.

    Daemons count too: in a box they become children of its first process.

    Args:
        process: The process's id.
        most: Stop counting beyond this many processes.
    """
    waiting, count, memory = [process], 0, 0
    while waiting and count <= most:
        current = waiting.pop()
        count += 1
        with suppress(OSError, ValueError, IndexError):
            statm = Path(f"/proc/{current}/statm").read_text("ascii")
            memory += int(statm.split()[1]) * _PAGE
        waiting.extend(children_of(current))
    return Use(count, memory)


def shared_memory() -> int:
    """Return the bytes of memory on this machine that processes share, or that only have a name."""
    with suppress(OSError, ValueError):
        for line in _MEMORY.read_text("ascii").splitlines():
            if line.startswith("Shmem:"):
                return int(line.split()[1]) * 1024
    return 0


def let_go_first(process: int) -> None:
    """Have the kernel end a process and its children before others when memory runs out."""
    with suppress(OSError):
        Path(f"/proc/{process}/oom_score_adj").write_text("1000", "ascii")


def kill_box(outer: int) -> None:
    """Kill a box: its first process, with which the kernel ends all others, then its parent.

    Args:
        outer: The process outside the box that started it.
    """
    # Held still first: a child that is being made while we look for it would live on.
    _signal(outer, signal.SIGSTOP)
    for _ in range(_STOP_TRIES):
        if state_of(outer) in _AT_REST:
            break
        time.sleep(_STOP_TRY_S)
    for process in [*children_of(outer), outer]:
        _signal(process, signal.SIGKILL)


def _signal(process: int, number: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        os.kill(process, number)

"""The processes that descend from one, and how all of them end."""

from __future__ import annotations

import os
import time

_STOP, _KILL = 19, 9
_DEAD = ("Z", "X", "")
_MOST = 20_000
_PASSES = 100
_CHUNK = 65_536
_PAUSE_S = 0.005


def children_of(process: int) -> list[int]:
    """List the children that all threads of a process have."""
    try:
        with os.scandir(f"/proc/{process}/task") as threads:
            names = [thread.name for thread in threads]
    except OSError:
        return []
    lists = [_read(f"/proc/{process}/task/{name}/children") for name in names]
    return [int(child) for one in lists for child in one.split()]


def descendants_of(process: int) -> list[int]:
    """List the children, their children and so on."""
    found: list[int] = []
    waiting = [process]
    while waiting and len(found) < _MOST:
        children = children_of(waiting.pop())
        found += children
        waiting += children
    return found


def tasks_of(user: int) -> int:
    """Count the processes and threads that a user has on this machine."""
    count = 0
    with os.scandir("/proc") as entries:
        for entry in entries:
            if entry.name.isdecimal():
                try:
                    if entry.stat().st_uid == user:
                        # The links of a folder: two, and one for each folder in it.
                        count += _links(f"/proc/{entry.name}/task") - 2
                except OSError:
                    continue
    return count


def state_of(process: int) -> str:
    """Return the kernel's letter for what a process does; empty where there is none."""
    return _state_in(f"/proc/{process}/stat")


def is_living(process: int) -> bool:
    """Tell whether any thread of a process lives; the first one may have ended before others."""
    try:
        with os.scandir(f"/proc/{process}/task") as threads:
            places = [f"{thread.path}/stat" for thread in threads]
    except OSError:
        return False
    return any(_state_in(place) not in _DEAD for place in places)


def _state_in(place: str) -> str:
    # The program's name stands in parentheses and may hold anything.
    fields = _read(place).rpartition(b")")[2].split()
    return fields[0].decode("ascii") if fields else ""


def kill_descendants(process: int, within_s: float = 0.1) -> bool:
    """Kill everything that descends from a process, and tell whether all of it ended.

    The process must be one to which orphans come back, or those escape.
    """
    stopped: set[int] = set()
    for _ in range(_PASSES):
        # Held still first: what is killed one by one would fork faster.
        found = [one for one in descendants_of(process) if one not in stopped]
        if not found:
            break
        for one in found:
            _signal(one, _STOP)
        stopped.update(found)
    # What holds gigabytes takes its time to go; but from now on, it does nothing any more.
    deadline = time.monotonic() + within_s
    while living := [one for one in descendants_of(process) if is_living(one)]:
        if time.monotonic() > deadline:
            return False
        for one in living:
            _signal(one, _KILL)
        time.sleep(_PAUSE_S)
    return True


def _read(path: str) -> bytes:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return b""
    pieces = []
    try:
        while piece := os.read(descriptor, _CHUNK):
            pieces.append(piece)
    except OSError:
        return b""
    finally:
        os.close(descriptor)
    return b"".join(pieces)


def _links(path: str) -> int:
    descriptor = os.open(path, os.O_PATH | os.O_CLOEXEC)
    try:
        return os.fstat(descriptor).st_nlink
    finally:
        os.close(descriptor)


def _signal(process: int, number: int) -> None:
    try:
        os.kill(process, number)
    except OSError:
        return

"""A hard bound on how many processes a box may have, where the server may make control groups.

The kernel's per-user limit does not count for root; a control group's does.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from codelab.kit.ids import new_id
from codelab.workspace.leftovers import is_older

_ROOT = Path("/sys/fs/cgroup")
_MEMBERS = "cgroup.procs"
_PREFIX = "codelab-"
# A group without members may be one that was just made, also by another server.
_LEFT_OVER_AFTER_S = 60.0

Admit = Callable[[int], None]


@contextmanager
def process_cap(most: int) -> Iterator[Admit]:
    """Make a group for one box; the yielded function puts a process, and all it starts, into it.

    Where no group can be made, nothing is bounded here and the function does nothing.
    """
    group = _make(most)
    try:
        yield (lambda process: _admit(group, process)) if group else _leave_as_it_is
    finally:
        if group:
            # Busy while a killed process is still being taken down: then it stays, empty, until
            # one of the next boxes clears it away.
            with suppress(OSError):
                group.rmdir()


def own_group(memberships: str, root: Path = _ROOT) -> Path | None:
    """Find the folder in which this process's groups with a bound on processes are made.

    Args:
        memberships: The content of /proc/self/cgroup.
        root: Where control groups are mounted.
    """
    for line in memberships.splitlines():
        _, controllers, path = line.split(":", 2)
        if "pids" in controllers.split(","):
            return root / "pids" / path.lstrip("/")
        if not controllers:
            unified = root / path.lstrip("/")
            with suppress(OSError):
                if "pids" in (unified / "cgroup.subtree_control").read_text().split():
                    return unified
    return None


def clear_leftovers(parent: Path, now: float) -> None:
    """Remove groups that nobody is in any more and that were not made just now.

    Args:
        parent: Where the groups are.
        now: Seconds since 1970.
    """
    with suppress(OSError):
        for group in parent.glob(f"{_PREFIX}*"):
            if is_older(group.name.removeprefix(_PREFIX), _LEFT_OVER_AFTER_S, now):
                # The kernel refuses this for a group with members.
                with suppress(OSError):
                    group.rmdir()


def _make(most: int) -> Path | None:
    with suppress(OSError):
        parent = own_group(Path("/proc/self/cgroup").read_text())
        if parent is None or not os.access(parent, os.W_OK):
            return None
        clear_leftovers(parent, time.time())
        group = parent / f"{_PREFIX}{new_id()}"
        group.mkdir()
        (group / "pids.max").write_text(str(most))
        return group
    return None


def _admit(group: Path, process: int) -> None:
    with suppress(OSError):
        (group / _MEMBERS).write_text(str(process))


def _leave_as_it_is(process: int) -> None:
    """Do nothing."""

"""A hard bound on how many processes a box may have, where the server may make control groups.

The kernel's per-user limit does not count for root; a control group's does.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from codelab.kit.ids import new_id

_ROOT = Path("/sys/fs/cgroup")
_MEMBERS = "cgroup.procs"

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
            # Busy while a killed process is still being taken down: then it stays, empty.
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


def _make(most: int) -> Path | None:
    with suppress(OSError):
        parent = own_group(Path("/proc/self/cgroup").read_text())
        if parent is None or not os.access(parent, os.W_OK):
            return None
        group = parent / f"codelab-{new_id()}"
        group.mkdir()
        (group / "pids.max").write_text(str(most))
        return group
    return None


def _admit(group: Path, process: int) -> None:
    with suppress(OSError):
        (group / _MEMBERS).write_text(str(process))


def _leave_as_it_is(process: int) -> None:
    """Do nothing."""

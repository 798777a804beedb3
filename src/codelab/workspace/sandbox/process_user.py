"""Which user a command runs as, where the server is root and may choose."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable
from pathlib import Path

import msgspec


class ProcessUser(msgspec.Struct, frozen=True):
    """A user and a group of this system."""

    uid: int
    gid: int


def user_for(root: Path, seen: Iterable[Path]) -> ProcessUser | None:
    """Choose the owner of a workspace's folder; none: the server's own user.

    The owner is chosen by a server that is root only, and only where everything that the command
    needs is open to that owner.

    Args:
        root: The workspace.
        seen: What the command must reach besides.
    """
    if os.geteuid() != 0:
        return None
    try:
        owner = root.stat()
    except OSError:
        return None
    user = ProcessUser(owner.st_uid, owner.st_gid)
    if user.uid == 0 or not all(may_reach(path, user) for path in (root, *seen)):
        return None
    return user


def may_reach(path: Path, user: ProcessUser) -> bool:
    """Tell whether a user may read or enter something and enter every folder above it."""
    try:
        place = path.resolve(strict=True)
        is_open = _grants(place, user, stat.S_IROTH | (stat.S_IXOTH if place.is_dir() else 0))
        return is_open and all(_grants(parent, user, stat.S_IXOTH) for parent in place.parents)
    except (OSError, RuntimeError):
        return False


def _grants(place: Path, user: ProcessUser, wanted: int) -> bool:
    found = place.stat()
    shift = 6 if found.st_uid == user.uid else 3 if found.st_gid == user.gid else 0
    return found.st_mode >> shift & wanted == wanted

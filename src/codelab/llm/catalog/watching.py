"""When a file that is being watched is to be read: once it has changed and has come to rest."""

from __future__ import annotations

from pathlib import Path

import msgspec


class Signature(msgspec.Struct, frozen=True):
    """What tells one state of a file from the next."""

    mtime_ns: int
    size: int
    inode: int


class Watched(msgspec.Struct, frozen=True):
    """What is known of a file; no signature stands for no file.

    Args:
        read: The state that has been read.
        seen: The state at the last look.
    """

    read: Signature | None
    seen: Signature | None


def look(watched: Watched, now: Signature | None) -> tuple[Watched, bool]:
    """Decide, after a look at the file, whether to read it.

    Who writes a file may need several goes, so it is read when two looks have seen it the same.
    """
    due = now == watched.seen and now != watched.read
    return Watched(now if due else watched.read, now), due


def signature_of(path: Path) -> Signature | None:
    """Look at a file; nothing if there is none."""
    try:
        found = path.stat()
    except OSError:
        return None
    return Signature(found.st_mtime_ns, found.st_size, found.st_ino)

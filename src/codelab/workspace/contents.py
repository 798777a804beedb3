"""What files held a moment ago, kept under a name that every change of the file makes another.

Kept in this process's memory, not in Redis: from there a megabyte comes back several times slower
than from the disk's own cache.
"""

from __future__ import annotations

import asyncio
import os

import msgspec

from codelab.kit.cache import Cache
from codelab.workspace.text import decode, digest_of, encoding_of

KEEP_S = 300.0
MEMORY_BYTES = 64 * 1024 * 1024

# Clocks of file systems tick in steps, so two changes may carry the same time. Only what has been
# left alone for longer than any step is kept.
_SETTLED_NS = 2_000_000_000
_DIGEST = 64
# Decoding more than this would hold up the event loop.
_DECODED_HERE = 256 * 1024


class Stamp(msgspec.Struct, frozen=True):
    """One state of one file: any change of it has another one."""

    device: int
    inode: int
    size: int
    modified_ns: int
    changed_ns: int
    mode: int


class Text(msgspec.Struct, frozen=True):
    """A file's text, the digest of its bytes, their number and encoding; is it protected?"""

    text: str
    digest: str
    size: int
    encoding: str
    read_only: bool


class Contents:
    """Keeps the bytes of files for five minutes and counts how often they were asked for again.

    Args:
        cache: Where they are kept.
    """

    def __init__(self, cache: Cache) -> None:
        self._cache = cache
        self._hits = 0
        self._misses = 0

    def looked_up(self) -> tuple[int, int]:
        """Return how often a file was found here, and how often not."""
        return self._hits, self._misses

    async def find(self, workspace: str, stamp: Stamp, path: str) -> Text | None:
        """Return what the file in this state holds, or none.

        Args:
            workspace: The root of the workspace.
            stamp: The state of a file that its reader may open.
            path: The file, for what is said about it.
        """
        kept = await self._cache.get(_key(workspace, stamp))
        if kept is None:
            self._misses += 1
            return None
        self._hits += 1
        digest, data = kept[:_DIGEST].decode("ascii"), kept[_DIGEST:]
        if len(data) <= _DECODED_HERE:
            return _text(data, digest, stamp, path)
        return await asyncio.to_thread(_text, data, digest, stamp, path)

    async def keep(self, workspace: str, stamp: Stamp, data: bytes, digest: str) -> None:
        """Keep the bytes of a file that were read in this state."""
        await self._cache.put(_key(workspace, stamp), digest.encode("ascii") + data, KEEP_S)

    async def close(self) -> None:
        """Forget everything."""
        await self._cache.close()


def stamp_of(status: os.stat_result) -> Stamp:
    """Return the state that an open file is in."""
    return Stamp(
        device=status.st_dev,
        inode=status.st_ino,
        size=status.st_size,
        modified_ns=status.st_mtime_ns,
        changed_ns=status.st_ctime_ns,
        mode=status.st_mode & 0o7777,
    )


def is_settled(before: Stamp, after: Stamp, now_ns: int) -> bool:
    """Tell whether what was read between two looks at a file belongs to its state for certain."""
    return before == after and now_ns - before.changed_ns > _SETTLED_NS


def text_of(data: bytes, stamp: Stamp, path: str) -> Text:
    """Decode the bytes of a file in this state.

    Raises:
        NotText: They are no text.
    """
    return _text(data, digest_of(data), stamp, path)


def is_read_only(mode: int) -> bool:
    """Tell whether somebody has taken everybody's permission to write to a file."""
    return not mode & 0o222


def _text(data: bytes, digest: str, stamp: Stamp, path: str) -> Text:
    text = decode(data, path)
    return Text(text, digest, len(data), encoding_of(data), is_read_only(stamp.mode))


def _key(workspace: str, stamp: Stamp) -> str:
    parts = msgspec.structs.astuple(stamp)
    return f"{workspace}\0{' '.join(map(str, parts))}"

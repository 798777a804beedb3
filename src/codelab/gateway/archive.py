"""A zip archive that is sent while it is written, so that it is never whole in memory."""

from __future__ import annotations

import asyncio
import zipfile
from collections.abc import AsyncIterator, Mapping

from codelab.kit.clock import utc_now

_PIECE_BYTES = 64 * 1024


class _Outlet:
    """What the archive is written to: it keeps only what has not been sent yet."""

    def __init__(self) -> None:
        self._written = bytearray()

    def write(self, data: bytes) -> int:
        """Take what the archive writes."""
        self._written += data
        return len(data)

    def flush(self) -> None:
        """Keep nothing back."""

    def close(self) -> None:
        """Stay open: what was written has yet to be taken."""

    def take(self) -> bytes:
        """Return what was written since the last time."""
        taken = bytes(self._written)
        self._written.clear()
        return taken


async def archive(files: Mapping[str, AsyncIterator[bytes]]) -> AsyncIterator[bytes]:
    """Write an archive and return it piece by piece.

    Args:
        files: The content of each file, by name; read one after the other.
    """
    outlet = _Outlet()
    with zipfile.ZipFile(outlet, "w") as written:
        for name, pieces in files.items():
            entry = zipfile.ZipInfo(name, utc_now().timetuple()[:6])
            entry.compress_type = zipfile.ZIP_DEFLATED
            with written.open(entry, "w", force_zip64=True) as file:
                async for piece in _gathered(pieces):
                    # Compressing takes milliseconds, in which others' tokens would wait.
                    await asyncio.to_thread(file.write, piece)
                    yield outlet.take()
    yield outlet.take()


async def _gathered(pieces: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    waiting = bytearray()
    async for piece in pieces:
        waiting += piece
        if len(waiting) >= _PIECE_BYTES:
            yield bytes(waiting)
            waiting.clear()
    yield bytes(waiting)

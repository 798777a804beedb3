"""A pair of pseudo-terminal ends: the program has one, the server reads and writes the other."""

from __future__ import annotations

import asyncio
import fcntl
import os
import struct
import termios
from collections.abc import Callable
from typing import Annotated

import msgspec

_CHUNK = 16_384
_BATCH = 65_536
# What prints more than this at once prints more soon: many small pieces cost more than a pause.
_MUCH = 4000
_PAUSE_S = 0.004
_UNWATCHED_PAUSE_S = 0.02

Cells = Annotated[int, msgspec.Meta(ge=1, le=1000)]


class Size(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How many characters a terminal shows: columns and rows."""

    cols: Cells = 80
    rows: Cells = 24


class PseudoTerminal:
    """Reads what a program prints, piece by piece and never faster than it is taken.

    Args:
        size: How large it is at first.
        take: Takes what was printed.
    """

    def __init__(self, size: Size, take: Callable[[bytes], None]) -> None:
        self._take = take
        self._loop = asyncio.get_running_loop()
        # The other end stays open here too, so that ours is never at an end before the box is.
        self._ours, self._theirs = os.openpty()
        os.set_blocking(self._ours, False)
        self.place = os.ttyname(self._theirs)
        self.watched = False
        self._held = True
        self._pause: asyncio.TimerHandle | None = None
        self._waiting = bytearray()
        self.resize(size)

    @property
    def waiting_bytes(self) -> int:
        """How much was typed that the program has not taken."""
        return len(self._waiting)

    def resize(self, size: Size) -> None:
        """Tell the program how much is shown."""
        if self._ours >= 0:
            packed = struct.pack("HHHH", size.rows, size.cols, 0, 0)
            fcntl.ioctl(self._ours, termios.TIOCSWINSZ, packed)

    def hold(self) -> None:
        """Read no more: sooner or later the program has to wait."""
        if not self._held:
            self._held = True
            self._stop_reading()

    def go_on(self) -> None:
        """Read again."""
        if self._held and self._ours >= 0:
            self._held = False
            self._loop.add_reader(self._ours, self._read)

    def write(self, data: bytes) -> None:
        """Type something; what the program doesn't take yet waits here."""
        if self._ours < 0:
            return
        was_idle = not self._waiting
        self._waiting += data
        if was_idle:
            self._write()

    def drain(self) -> None:
        """Take what was printed and not read when the program ended."""
        if self._ours >= 0:
            self._stop_reading()
            while self._read_batch():
                pass

    def close(self) -> None:
        """Give both ends back."""
        if self._ours < 0:
            return
        self._stop_reading()
        self._loop.remove_writer(self._ours)
        os.close(self._ours)
        os.close(self._theirs)
        self._ours = -1
        self._waiting.clear()

    def _read(self) -> None:
        if self._read_batch() >= _MUCH and not self._held:
            self._loop.remove_reader(self._ours)
            pause_s = _PAUSE_S if self.watched else _UNWATCHED_PAUSE_S
            self._pause = self._loop.call_later(pause_s, self._read_on)

    def _read_on(self) -> None:
        self._pause = None
        self._loop.add_reader(self._ours, self._read)

    def _read_batch(self) -> int:
        pieces = bytearray()
        while len(pieces) < _BATCH:
            try:
                piece = os.read(self._ours, _CHUNK)
            except OSError:
                break
            pieces += piece
        if pieces:
            self._take(bytes(pieces))
        return len(pieces)

    def _stop_reading(self) -> None:
        if self._pause:
            self._pause.cancel()
            self._pause = None
        self._loop.remove_reader(self._ours)

    def _write(self) -> None:
        while self._waiting:
            try:
                written = os.write(self._ours, self._waiting[:_CHUNK])
            except BlockingIOError:
                self._loop.add_writer(self._ours, self._write)
                return
            except OSError:
                written = len(self._waiting)
            del self._waiting[:written]
        self._loop.remove_writer(self._ours)

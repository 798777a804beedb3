"""What a terminal printed, bounded; every byte has a number, so that nothing is shown twice."""

from __future__ import annotations

_SLACK = 256 * 1024
_LONGEST_LINE = 4096


class Scrollback:
    """The newest bytes of an endless stream.

    Args:
        most: How many bytes are kept at least, once there were as many.
    """

    def __init__(self, most: int) -> None:
        self.start = 0
        self._most = most
        self._kept = bytearray()

    @property
    def end(self) -> int:
        """The number that the next byte will have."""
        return self.start + len(self._kept)

    def append(self, data: bytes) -> None:
        """Keep more, and forget the oldest."""
        self._kept += data
        excess = len(self._kept) - self._most
        if excess > _SLACK:
            # From the beginning of a line on: half a letter or half a colour would be shown.
            line = self._kept.find(b"\n", excess, excess + _LONGEST_LINE) + 1
            gone = line or excess
            del self._kept[:gone]
            self.start += gone

    def read(self, offset: int, most: int) -> bytes:
        """Return what follows a byte that is kept.

        Args:
            offset: The number of the first byte.
            most: How many at most.
        """
        place = offset - self.start
        return bytes(self._kept[place : place + most])

    def place_for(self, offset: int) -> int:
        """Return where a reader goes on who has everything before this byte.

        Where that is not kept, or is no place in this stream, it is the start.
        """
        return offset if self.start <= offset <= self.end else self.start

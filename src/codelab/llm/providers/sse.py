"""Events out of bytes that are cut anywhere: server-sent ones, or a line each."""

from __future__ import annotations

from collections.abc import Callable

_DATA = b"data:"
# Small pieces of JSON take twenty times their length once they are objects.
_MOST_BYTES = 4 * 1024 * 1024


class EventTooLarge(Exception):
    """A server sends an event without end."""


class LineDecoder:
    """Splits a body into lines and hands each on at once, empty ones left out.

    Args:
        on_line: Takes a line without its end.
    """

    def __init__(self, on_line: Callable[[bytes], None]) -> None:
        self._on_line = on_line
        self._rest: list[bytes] = []
        self._held = 0

    def feed(self, data: bytes) -> None:
        """Take a piece of the body.

        Raises:
            EventTooLarge: A line is larger than 4 MiB.
        """
        first, *lines = data.split(b"\n")
        self._rest.append(first)
        self._held += len(first)
        for line in lines:
            self.end()
            self._rest, self._held = [line], len(line)
        if self._held > _MOST_BYTES:
            raise EventTooLarge

    def end(self) -> None:
        """Take the end of the body; a last line without its end counts."""
        line = b"".join(self._rest).strip()
        self._rest, self._held = [], 0
        if line:
            self._on_line(line)


class SseDecoder:
    """Splits a body into events and hands the data of each on at once.

    Lines end in LF or CRLF. Comments and fields other than `data` are skipped.

    Args:
        on_data: Takes an event's data.
    """

    def __init__(self, on_data: Callable[[bytes], None]) -> None:
        self._on_data = on_data
        self._rest: list[bytes] = []
        self._unended = 0
        self._pieces: list[bytes] = []
        self._held = 0

    def feed(self, data: bytes) -> None:
        """Take a piece of the body.

        Raises:
            EventTooLarge: An event is larger than 4 MiB.
        """
        lines = data.split(b"\n")
        rest = lines.pop()
        if lines and self._rest:
            lines[0] = self._join(lines[0])
        for line in lines:
            self._take(line)
        if rest:
            self._rest.append(rest)
            self._unended += len(rest)
        if self._unended + self._held > _MOST_BYTES:
            raise EventTooLarge

    def end(self) -> None:
        """Take the end of the body; an event that lacks only its empty line counts."""
        if self._rest:
            self._take(self._join(b""))
        self._take(b"")

    def _join(self, last: bytes) -> bytes:
        line = b"".join([*self._rest, last])
        self._rest, self._unended = [], 0
        return line

    def _take(self, line: bytes) -> None:
        if line.endswith(b"\r"):
            line = line[:-1]
        if line.startswith(_DATA):
            self._pieces.append(line[6:] if line[5:6] == b" " else line[5:])
            self._held += len(line)
        elif not line and self._pieces:
            pieces, self._pieces, self._held = self._pieces, [], 0
            self._on_data(pieces[0] if len(pieces) == 1 else b"\n".join(pieces))

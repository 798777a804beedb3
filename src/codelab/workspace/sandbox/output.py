"""What a command printed, bounded while it comes: the head and the tail are kept."""

from __future__ import annotations

import codecs
from collections import deque
from collections.abc import Callable

HEAD = TAIL = 23_950
_SHOWN_LIVE = 200_000


class Transcript:
    """Collects output; characters, not bytes, so that no letter is cut in half.

    Args:
        on_output: Takes each piece while it comes, up to a bound.
        head: How many characters of the beginning are kept.
        tail: How many of the end.
    """

    def __init__(
        self, on_output: Callable[[str], None] | None = None, *, head: int = HEAD, tail: int = TAIL
    ) -> None:
        self.received = 0
        self._on_output = on_output
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._head_room, self._tail_room = head, tail
        self._head: list[str] = []
        self._tail: deque[str] = deque()
        self._tail_length = 0
        self._live_room = _SHOWN_LIVE
        self._dropped = 0

    @property
    def truncated(self) -> bool:
        """Whether something in the middle was left out."""
        return self._dropped > 0

    def feed(self, data: bytes, *, final: bool = False) -> None:
        """Take the next bytes."""
        self.received += len(data)
        text = self._decoder.decode(data, final)
        if text:
            self._keep(text)
            self._show(text)

    def text(self) -> str:
        """Return what was kept, with a note where something is missing."""
        head, tail = "".join(self._head), "".join(self._tail)
        if not self._dropped:
            return head + tail
        return f"{head}\n… {self._dropped} characters left out …\n{tail}"

    def _keep(self, text: str) -> None:
        if self._head_room:
            self._head.append(text[: self._head_room])
            text, self._head_room = text[self._head_room :], max(0, self._head_room - len(text))
        if not text:
            return
        self._tail.append(text)
        self._tail_length += len(text)
        while self._tail_length > self._tail_room:
            excess = self._tail_length - self._tail_room
            oldest = self._tail.popleft()
            if len(oldest) > excess:
                self._tail.appendleft(oldest[excess:])
            gone = min(len(oldest), excess)
            self._tail_length -= gone
            self._dropped += gone

    def _show(self, text: str) -> None:
        if self._on_output is None or not self._live_room:
            return
        self._on_output(text[: self._live_room])
        self._live_room = max(0, self._live_room - len(text))
        if not self._live_room:
            self._on_output("\n… more output, not shown while it runs …\n")


class Capture(Transcript):
    """Keeps the first bytes of an output as they are.

    Args:
        most: How many.
    """

    def __init__(self, most: int) -> None:
        super().__init__(head=0, tail=0)
        self._most = most
        self._pieces: list[bytes] = []

    @property
    def truncated(self) -> bool:
        """Whether the end was left out."""
        return self.received > self._most

    @property
    def data(self) -> bytes:
        """Return what was kept."""
        return b"".join(self._pieces)

    def feed(self, data: bytes, *, final: bool = False) -> None:
        """Take the next bytes."""
        self._pieces.append(data[: max(0, self._most - self.received)])
        self.received += len(data)

    def text(self) -> str:
        """Return what was kept as text."""
        return self.data.decode("utf-8", "replace")

"""Pieces of text on their way out: one by one while the process is idle, together under load."""

from __future__ import annotations

from collections.abc import Callable

from codelab.gateway.encoding import Item, pieces
from codelab.sessions.events import TokenStreamed, ToolOutputStreamed

Streamed = TokenStreamed | ToolOutputStreamed
Key = tuple[str, bool]

_WINDOW_S = 0.1


class Pace:
    """Says how long a piece may wait for company, from how many there were lately.

    Args:
        idle_rate: Pieces a second, of the whole process, up to which none waits.
        full_rate: Pieces a second from which each waits for `longest_s`.
        longest_s: The longest wait.
    """

    def __init__(
        self, *, idle_rate: float = 1000, full_rate: float = 3000, longest_s: float = 0.045
    ) -> None:
        self._idle = idle_rate * _WINDOW_S
        self._span = (full_rate - idle_rate) * _WINDOW_S
        self._longest_s = longest_s
        self._since = 0.0
        self._count = 0
        self._before = 0.0

    def count(self, now: float) -> float:
        """Count one more piece and return its wait in seconds; `now` never goes back."""
        elapsed = now - self._since
        if elapsed >= _WINDOW_S:
            self._before = self._count * _WINDOW_S / elapsed
            self._since, self._count = now, 0
        self._count += 1
        excess = max(self._before, self._count) - self._idle
        if excess <= 0:
            return 0.0
        return min(1.0, excess / self._span) * self._longest_s


class _Piece:
    """Text that waits: the first event, and what came after it without a gap."""

    __slots__ = ("end", "event", "texts")

    def __init__(self, event: Streamed) -> None:
        self.event = event
        self.texts = [event.text]
        self.end = _end(event)

    def join(self, event: Streamed) -> None:
        self.texts.append(event.text)
        self.end = _end(event)

    def items(self) -> list[Item]:
        return pieces(self.event, "".join(self.texts))


class TokenBuffer:
    """Lets pieces wait, in order, and hands them out; one ticker serves all sessions.

    Args:
        deliver: Takes a session's id and a frame.
        clock: Seconds that never go back.
        call_later: Calls back after a number of seconds.
        pace: How long pieces wait.
    """

    def __init__(
        self,
        deliver: Callable[[str, Item], None],
        *,
        clock: Callable[[], float],
        call_later: Callable[[float, Callable[[], None]], object],
        pace: Pace | None = None,
    ) -> None:
        self._deliver = deliver
        self._clock = clock
        self._call_later = call_later
        self._pace = pace or Pace()
        self._waiting: dict[str, dict[Key, _Piece]] = {}
        self._armed = False

    def add(self, event: Streamed) -> None:
        """Hand a piece out at once, or let it wait for the ticker."""
        wait_s = self._pace.count(self._clock())
        waiting = self._waiting.get(event.session_id)
        key = _key(event)
        piece = waiting.get(key) if waiting else None
        if piece is not None:
            if piece.end == _start(event):
                piece.join(event)
                return
            self.flush(event.session_id)
        if not wait_s or _start(event) == 0:
            for item in pieces(event, event.text):
                self._deliver(event.session_id, item)
            return
        self._waiting.setdefault(event.session_id, {})[key] = _Piece(event)
        if not self._armed:
            self._armed = True
            self._call_later(wait_s, self._tick)

    def flush(self, session_id: str) -> None:
        """Hand out what waits for this session, in the order it began to wait."""
        waiting = self._waiting.pop(session_id, None)
        if waiting:
            for piece in waiting.values():
                for item in piece.items():
                    self._deliver(session_id, item)

    def _tick(self) -> None:
        self._armed = False
        for session_id in tuple(self._waiting):
            self.flush(session_id)


def _key(event: Streamed) -> Key:
    if isinstance(event, TokenStreamed):
        return event.message_id, event.reasoning
    return event.call_id, False


def _start(event: Streamed) -> int:
    # A tool's output is not numbered: each piece continues the one before.
    return event.offset if isinstance(event, TokenStreamed) else -1


def _end(event: Streamed) -> int:
    return event.offset + len(event.text) if isinstance(event, TokenStreamed) else -1

"""One signed-in socket: who it is, what it watches, what it was answered."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from codelab.auth.api import Principal
from codelab.gateway.closing import CloseCode
from codelab.gateway.encoding import Item
from codelab.gateway.outbox import Outbox
from codelab.gateway.watching import Watch
from codelab.kit.clock import utc_now

MAX_WATCHES = 200
MAX_BAD_FRAMES = 100
_REMEMBERED_ANSWERS = 256

Mark = tuple[str | None, str | int]


class Connection:
    """The state of one socket.

    Args:
        principal: Who has signed in.
        outbox: Where frames go.
    """

    def __init__(self, principal: Principal, outbox: Outbox) -> None:
        self.principal = principal
        self.outbox = outbox
        self.watches: dict[str, Watch] = {}
        self._answers: dict[Mark, str] = {}
        self._bad_frames = 0
        self._expiry: asyncio.TimerHandle | None = None
        self.sign_in(principal)

    def deliver(self, item: Item) -> None:
        """Send a session's frame."""
        self.outbox.send(item.frame)

    def send(self, frame: str) -> None:
        """Send a frame that belongs to no session."""
        self.outbox.send(frame)

    async def drained(self) -> None:
        """Wait until the client has taken what it was sent."""
        await self.outbox.drained()

    def sign_in(self, principal: Principal) -> None:
        """Go on as this principal until its token ends."""
        self.principal = principal
        self._stop_expiry()
        if principal.token_expires_at is not None:
            left_s = (principal.token_expires_at - utc_now()).total_seconds()
            expire: Callable[[CloseCode], None] = self.outbox.close
            loop = asyncio.get_running_loop()
            self._expiry = loop.call_later(max(0.0, left_s), expire, CloseCode.TOKEN_EXPIRED)

    def answered(self, mark: Mark) -> str | None:
        """Return the answer that a frame with the same `id` was given."""
        return self._answers.get(mark)

    def remember(self, mark: Mark, answer: str) -> None:
        """Keep an answer for the case that the same frame comes again."""
        self._answers[mark] = answer
        if len(self._answers) > _REMEMBERED_ANSWERS:
            del self._answers[next(iter(self._answers))]

    def count_frame(self, *, good: bool) -> None:
        """Close the connection of a client that sends nothing but nonsense."""
        self._bad_frames = 0 if good else self._bad_frames + 1
        if self._bad_frames >= MAX_BAD_FRAMES:
            self.outbox.close(CloseCode.TOO_MANY_BAD_FRAMES)

    def end(self) -> None:
        """Stop what goes on in its name."""
        self._stop_expiry()

    def _stop_expiry(self) -> None:
        if self._expiry is not None:
            self._expiry.cancel()
            self._expiry = None

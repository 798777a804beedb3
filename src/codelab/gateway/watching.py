"""One client's watch on one session: the log and the live stream as one sequence of frames."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Protocol

import structlog

from codelab.auth.api import Principal
from codelab.gateway.encoding import Item, stored
from codelab.gateway.joining import Join
from codelab.kit.errors import CodeLabError, NotFound
from codelab.sessions.events import Entry

_SMALL_PAGE, _LARGE_PAGE = 20, 500
_LIGHT_PAGE_CHARACTERS = 256 * 1024
_RETRY_S = 1.0
_log = structlog.get_logger(__name__)


class Log(Protocol):
    """Where the durable frames are read from."""

    async def entries(
        self, principal: Principal, session_id: str, after_seq: int = 0, limit: int = 1000
    ) -> list[Entry]:
        """Return a page of the session's log after a number."""


class Sink(Protocol):
    """Where a watch's frames go; it never makes the sender wait."""

    def deliver(self, item: Item) -> None:
        """Take a frame."""

    async def drained(self) -> None:
        """Wait until the client has taken what it was sent."""


class Watch:
    """A client's place in a session.

    Args:
        session_id: The session.
        principal: Whose session it must be.
        sink: Where the frames go.
        log: Where missed frames are read from.
        texts: Gives the text so far of the messages being streamed, as frames.
    """

    def __init__(
        self,
        session_id: str,
        principal: Principal,
        sink: Sink,
        log: Log,
        texts: Callable[[str], Sequence[Item]],
    ) -> None:
        self.session_id = session_id
        self.principal = principal
        self.join = Join()
        self._sink = sink
        self._log = log
        self._texts = texts
        self._opened = False
        self._reading: asyncio.Task[None] | None = None

    def live(self, item: Item) -> None:
        """Take a frame as it happens."""
        if self.join.live(item):
            self._sink.deliver(item)
        elif self._opened and self.join.holding:
            self._read()

    def open_after(self, cursor: int, *, complete: bool = False) -> None:
        """Let frames out, from the one that follows `cursor`.

        Args:
            cursor: The last frame that the client has.
            complete: Whether everything after it has come live, so that the log need not be read.
        """
        self._stop_reading()
        self.join.reset(cursor)
        self._opened = True
        if complete:
            self._release(())
        else:
            self._read(first=True)

    def check(self, head: int) -> None:
        """Read the log if it reaches further than what has come."""
        if self._opened and self.join.lacks(head):
            self._read()

    def close(self) -> None:
        """End the watch."""
        self._opened = False
        self._stop_reading()

    def _read(self, *, first: bool = False) -> None:
        if self._reading is None:
            self._reading = asyncio.create_task(self._catch_up(first))

    def _stop_reading(self) -> None:
        if self._reading is not None:
            self._reading.cancel()
            self._reading = None

    async def _catch_up(self, first: bool) -> None:
        while self.join.holding:
            try:
                await self._replay()
            except NotFound:
                # The session was deleted: nothing more will come.
                return
            except Exception as error:
                # Whatever it is, giving up would leave the client waiting for ever.
                _log.warning(
                    "watch_read_failed",
                    session_id=self.session_id,
                    error_type=type(error).__name__,
                    exc_info=not isinstance(error, CodeLabError),
                )
                await asyncio.sleep(_RETRY_S)
                continue
            texts = self._texts(self.session_id) if first else ()
            first = False
            self._release(texts)
        self._reading = None

    def _release(self, texts: Sequence[Item]) -> None:
        for item in texts:
            if self.join.shows(item):
                self._sink.deliver(item)
        for item in self.join.release({item.key for item in texts}):
            self._sink.deliver(item)
        if self.join.holding and self._reading is None:
            self._read()

    async def _replay(self) -> None:
        size = _SMALL_PAGE
        while True:
            page = await self._log.entries(self.principal, self.session_id, self.join.cursor, size)
            characters = 0
            for entry in page:
                item = stored(self.session_id, entry)
                characters += len(item.frame)
                if self.join.stored(item):
                    self._sink.deliver(item)
            if len(page) < size:
                return
            # The client's own pace is the replay's pace: nothing piles up for a slow one.
            await self._sink.drained()
            light = characters < _LIGHT_PAGE_CHARACTERS
            size = min(size * 2, _LARGE_PAGE) if light else _SMALL_PAGE

"""An answer on its way to one HTTP client, as fast as that client reads and no faster."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from codelab.kit.errors import CodeLabError
from codelab.llm.surface.chat import AnswerWriter
from codelab.sdk.model import Completion, Delta

_MOST_WAITING_BYTES = 4 * 1024 * 1024


class StreamedAnswer:
    """Events that wait for the client; whatever waits goes out in one write.

    A client that leaves, or lets more than 4 MiB wait, ends the model's call.

    Args:
        writer: Writes the events.
    """

    def __init__(self, writer: AnswerWriter) -> None:
        self._writer = writer
        self._waiting = bytearray()
        self._changed = asyncio.Event()
        self._work: asyncio.Future[Completion] | None = None

    def follow(self, work: asyncio.Future[Completion]) -> None:
        """Stream this call, whose deltas go to `add`."""
        self._work = work
        work.add_done_callback(lambda done: self._changed.set())

    def add(self, delta: Delta) -> None:
        """Take a piece of the answer."""
        if not self._waiting:
            self._changed.set()
        self._waiting += self._writer.piece(delta)
        if len(self._waiting) > _MOST_WAITING_BYTES and self._work is not None:
            self._work.cancel()

    async def began(self) -> None:
        """Wait for the first piece, or for the end.

        Raises:
            CodeLabError: The call failed before it began.
        """
        await self._changed.wait()
        if self._work is not None and self._work.done() and not self._waiting:
            self._work.result()

    async def frames(self) -> AsyncIterator[bytes]:
        """Yield what waits, again and again, until the answer's end."""
        work = self._work
        if work is None:
            return
        try:
            yield self._writer.start()
            while True:
                await self._changed.wait()
                self._changed.clear()
                ended = work.done()
                if self._waiting:
                    waiting, self._waiting = bytes(self._waiting), bytearray()
                    yield waiting
                if ended:
                    yield self._ending(work)
                    return
        finally:
            work.cancel()

    def _ending(self, work: asyncio.Future[Completion]) -> bytes:
        if work.cancelled():
            return b""
        error = work.exception()
        if error is None:
            return self._writer.end(work.result())
        if isinstance(error, CodeLabError):
            return self._writer.failure(error)
        raise error

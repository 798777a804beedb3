"""An answer on its way to one HTTP client, as fast as that client reads and no faster."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Protocol

from codelab.kit.errors import CodeLabError
from codelab.llm.errors import ModelInterrupted
from codelab.sdk.model import Completion, Delta

_MOST_WAITING_BYTES = 4 * 1024 * 1024


class ReaderTooSlow(CodeLabError):
    """A client did not read its answer as fast as it came."""

    code = "reader_too_slow"
    title = "The answer was read too slowly"
    status = 408


class EventWriter(Protocol):
    """Writes the events of one stream, in their order."""

    def start(self) -> bytes:
        """Write what opens the stream."""

    def piece(self, delta: Delta) -> bytes:
        """Write a piece of the answer."""

    def end(self, completion: Completion) -> bytes:
        """Write what ends the stream."""

    def failure(self, error: CodeLabError) -> bytes:
        """Write what ends a stream that broke off."""


class StreamedAnswer:
    """Events that wait for the client; whatever waits goes out in one write.

    A client that leaves, or lets more than 4 MiB wait, ends the model's call.

    Args:
        writer: Writes the events.
    """

    def __init__(self, writer: EventWriter) -> None:
        self._writer = writer
        self._waiting = bytearray()
        self._opened = False
        self._ended_for: CodeLabError | None = None
        self._changed = asyncio.Event()
        self._work: asyncio.Future[Completion] | None = None

    def follow(self, work: asyncio.Future[Completion]) -> None:
        """Stream this call, whose deltas go to `add`."""
        self._work = work
        work.add_done_callback(lambda done: self._changed.set())

    def add(self, delta: Delta) -> None:
        """Take a piece of the answer."""
        waiting = self._waiting
        if not waiting:
            self._changed.set()
            self._open()
        waiting += self._writer.piece(delta)
        if len(waiting) > _MOST_WAITING_BYTES and self._work is not None:
            most = _MOST_WAITING_BYTES // 1024**2
            said = f"The answer was cut off: more than {most} MiB waited to be read."
            self.end(ReaderTooSlow(said))

    def end(self, reason: CodeLabError) -> None:
        """End the call, unless it has ended; the client is told why."""
        if self._work is not None and not self._work.done():
            self._ended_for = self._ended_for or reason
            self._work.cancel()

    async def began(self) -> None:
        """Wait for the first piece, or for the end.

        Raises:
            CodeLabError: The call failed before it began.
        """
        await self._changed.wait()
        work = self._work
        if work is not None and work.done() and not self._waiting:
            if work.cancelled():
                raise self._why_cut()
            work.result()

    async def frames(self) -> AsyncIterator[bytes]:
        """Yield what waits, again and again, until the answer's end."""
        work = self._work
        if work is None:
            return
        try:
            while True:
                await self._changed.wait()
                self._changed.clear()
                ended = work.done()
                if ended:
                    self._open()
                    self._waiting += self._ending(work)
                waiting = bytes(self._waiting)
                self._waiting.clear()
                yield waiting
                if ended:
                    return
        finally:
            work.cancel()

    def _open(self) -> None:
        if not self._opened:
            self._opened = True
            self._waiting += self._writer.start()

    def _ending(self, work: asyncio.Future[Completion]) -> bytes:
        if work.cancelled():
            return self._writer.failure(self._why_cut())
        error = work.exception()
        if error is None:
            return self._writer.end(work.result())
        if isinstance(error, CodeLabError):
            return self._writer.failure(error)
        raise error

    def _why_cut(self) -> CodeLabError:
        return self._ended_for or ModelInterrupted(
            "The server ended the answer before it was whole."
        )

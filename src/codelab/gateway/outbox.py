"""What waits to be sent to one client: bounded, written straight through while nothing waits."""

from __future__ import annotations

import asyncio
import types
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine, Generator
from typing import Any

from codelab.gateway.closing import CloseCode

MAX_BYTES = 4 * 1024 * 1024
MAX_FRAMES = 10_000
STALLED_S = 30.0
_CLOSING_S = 5.0
# The server says by the first that the client has gone, and by the second that the server itself
# has closed the connection; a client that takes nothing is the third.
_GONE = (OSError, RuntimeError, TimeoutError)

Send = Callable[[Any], Awaitable[None]]


class Outbox:
    """Sends text frames in order without ever making the sender wait.

    While the client keeps up, a frame goes through the server's own `send` at once, without a
    task switch; when that would block, the frames queue up and a writer task takes over. Past the
    bound, or when nothing moves for `stalled_s`, the client is given up.

    Args:
        send: The server's `send`.
        give_up: Called once when the connection is of no more use.
    """

    def __init__(
        self,
        send: Send,
        give_up: Callable[[], None],
        *,
        max_bytes: int = MAX_BYTES,
        max_frames: int = MAX_FRAMES,
        stalled_s: float = STALLED_S,
    ) -> None:
        self.closed: CloseCode | None = None
        self._send = send
        self._give_up = give_up
        self._max_bytes = max_bytes
        self._max_frames = max_frames
        self._stalled_s = stalled_s
        self._queue: deque[str] = deque()
        self._bytes = 0
        self._blocked: Awaitable[None] | None = None
        self._writer: asyncio.Task[None] | None = None
        self._drained = asyncio.Event()
        self._drained.set()

    @property
    def waiting_bytes(self) -> int:
        """How much waits for the client, roughly."""
        return self._bytes

    def send(self, frame: str) -> None:
        """Send a frame, now or as soon as the client reads."""
        if self.closed is not None:
            return
        if self._writer is None:
            self._write_through({"type": "websocket.send", "text": frame})
            return
        self._queue.append(frame)
        self._bytes += len(frame)
        if self._bytes > self._max_bytes or len(self._queue) > self._max_frames:
            self.close(CloseCode.TOO_SLOW)

    def close(self, code: CloseCode) -> None:
        """Close the connection after what is being written; what waits is dropped if too much."""
        if self.closed is not None:
            return
        self.closed = code
        self._drained.clear()
        if code is CloseCode.TOO_SLOW:
            self._queue.clear()
            self._bytes = 0
        if self._writer is None:
            self._writer = asyncio.create_task(self._write())

    async def drained(self) -> None:
        """Wait until nothing waits any more, not even the close."""
        await self._drained.wait()

    async def finish(self) -> None:
        """Let the writer end, because the client has gone."""
        self.closed = self.closed or CloseCode.FAILED
        if self._writer is not None:
            self._writer.cancel()
            await asyncio.gather(self._writer, return_exceptions=True)
        self._drained.set()

    def _write_through(self, message: dict[str, Any]) -> None:
        sending = self._send(message)
        if not isinstance(sending, Coroutine):
            self._blocked = sending
        else:
            try:
                waited_for = sending.send(None)
            except StopIteration:
                return
            except _GONE:
                self._lost()
                return
            self._blocked = _rest(sending, waited_for)
        self._drained.clear()
        self._writer = asyncio.create_task(self._write())

    async def _write(self) -> None:
        try:
            async with asyncio.timeout(self._stalled_s) as stalled:
                loop = asyncio.get_running_loop()
                if self._blocked is not None:
                    await self._blocked
                    self._blocked = None
                while self._queue:
                    stalled.reschedule(loop.time() + self._stalled_s)
                    frame = self._queue.popleft()
                    self._bytes -= len(frame)
                    await self._send({"type": "websocket.send", "text": frame})
                if self.closed is not None:
                    stalled.reschedule(loop.time() + _CLOSING_S)
                    await self._close(self.closed)
                    self._drained.set()
                    return
            self._writer = None
            self._drained.set()
        except _GONE:
            self._lost()

    async def _close(self, code: CloseCode) -> None:
        await self._send({"type": "websocket.close", "code": int(code), "reason": code.reason})

    def _lost(self) -> None:
        self.closed = self.closed or CloseCode.TOO_SLOW
        self._queue.clear()
        self._bytes = 0
        self._drained.set()
        self._give_up()


@types.coroutine
def _rest(sending: Coroutine[Any, Any, None], waited_for: Any) -> Generator[Any, Any, None]:
    # What `sending` waits for was made in this event loop: whichever task goes on with it may
    # wait for the same thing.
    while True:
        try:
            try:
                answer = yield waited_for
            except BaseException as error:
                waited_for = sending.throw(error)
            else:
                waited_for = sending.send(answer)
        except StopIteration:
            return

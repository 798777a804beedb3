"""What a client sends over its socket."""

from __future__ import annotations

import asyncio
from typing import Any

from litestar.types import Receive


class Inbox:
    """What a client sends. Waiting can be ended from outside; what is being done cannot."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._waiting: asyncio.Timeout | None = None
        self._ended = False

    async def next(self, *, within_s: float | None = None) -> str | bytes | None:
        """Return the next message; none when the client has gone or was given up.

        Raises:
            TimeoutError: Nothing came in time.
        """
        if self._ended:
            return None
        try:
            async with asyncio.timeout(within_s) as self._waiting:
                message: Any = await self._receive()
        except TimeoutError:
            if self._ended:
                return None
            raise
        finally:
            self._waiting = None
        if message["type"] == "websocket.disconnect":
            return None
        text: str | None = message.get("text")
        return text if text is not None else message.get("bytes") or b""

    def end(self) -> None:
        """Wait no more."""
        self._ended = True
        if self._waiting is not None and not self._waiting.expired():
            self._waiting.reschedule(asyncio.get_running_loop().time())

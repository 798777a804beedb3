"""Limits for how long a model may be silent."""

from __future__ import annotations

import asyncio

from codelab.llm.errors import ModelTimeout
from codelab.sdk.model import Completion, Delta, ModelClient, ModelRequest, OnDelta


class TimeLimited:
    """Gives up on a model that does not start, or stops in the middle.

    Args:
        client: The client that does the work.
        first_token_s: How long the first piece may take.
        idle_s: How long each further piece may take.
    """

    def __init__(self, client: ModelClient, first_token_s: float, idle_s: float) -> None:
        self._client = client
        self._first_token_s = first_token_s
        self._idle_s = idle_s

    async def stream(self, request: ModelRequest, on_delta: OnDelta) -> Completion:
        """Run the request.

        Raises:
            ModelTimeout: The model was silent for too long.
        """
        watch = _Watch(self._first_token_s, self._idle_s)

        def heard(delta: Delta) -> None:
            watch.heard_at = watch.now()
            on_delta(delta)

        try:
            async with asyncio.timeout(None) as limit:
                watch.start(limit)
                return await self._client.stream(request, heard)
        except TimeoutError:
            if not limit.expired():
                raise
            if watch.heard_at is None:
                silence = f"did not start to answer within {self._first_token_s:g} s"
            else:
                silence = f"stopped in the middle of its answer for {self._idle_s:g} s"
            raise ModelTimeout(f"{request.model} {silence}.") from None
        finally:
            watch.stop()


class _Watch:
    """Looks at the clock now and then, so that a piece costs no timer."""

    def __init__(self, first_s: float, idle_s: float) -> None:
        loop = asyncio.get_running_loop()
        self.now = loop.time
        self.heard_at: float | None = None
        self._call_at = loop.call_at
        self._started_at = loop.time()
        self._first_s = first_s
        self._idle_s = idle_s
        self._timer: asyncio.TimerHandle | None = None
        self._limit: asyncio.Timeout | None = None

    def start(self, limit: asyncio.Timeout) -> None:
        """Watch until `stop`; when time is up the limit expires."""
        self._limit = limit
        self._look()

    def stop(self) -> None:
        """Watch no more."""
        if self._timer is not None:
            self._timer.cancel()

    def _look(self) -> None:
        heard_at = self.heard_at
        due = self._started_at + self._first_s if heard_at is None else heard_at + self._idle_s
        if due <= self.now() and self._limit is not None:
            self._limit.reschedule(self.now())
        else:
            self._timer = self._call_at(due, self._look)

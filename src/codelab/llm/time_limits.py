"""Limits for how long a model may be silent, and how long it may answer."""

from __future__ import annotations

import asyncio
import math

import msgspec

from codelab.llm.errors import AnswerTimeout, ModelTimeout
from codelab.llm.providers.embeddings import INPUT
from codelab.sdk.model import Completion, Delta, ModelClient, ModelRequest, OnDelta


class TimeLimits(msgspec.Struct, frozen=True, kw_only=True):
    """How long a model may take, in seconds.

    Args:
        first_token_s: To the first piece of an answer.
        idle_s: To each further piece.
        answer_s: To the end of an answer, however steadily it comes.
        embedding_s: To the vectors of a request: they come all at once, and no piece before.
    """

    first_token_s: float = 30.0
    idle_s: float = 60.0
    answer_s: float = 1200.0
    embedding_s: float = 120.0


class TimeLimited:
    """Gives up on a model that does not start, stops in the middle, or comes to no end.

    Args:
        client: The client that does the work.
        limits: How long that may take.
    """

    def __init__(self, client: ModelClient, limits: TimeLimits) -> None:
        self._client = client
        self._limits = limits
        self._of_vectors = msgspec.structs.replace(
            limits, first_token_s=limits.embedding_s, answer_s=math.inf
        )

    async def stream(self, request: ModelRequest, on_delta: OnDelta) -> Completion:
        """Run the request.

        Raises:
            ModelTimeout: The model was silent for too long.
            AnswerTimeout: Its answer did not come to an end.
        """
        limits = self._limits if INPUT not in request.options else self._of_vectors
        watch = _Watch(limits)

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
        finally:
            watch.stop()
            # It knows the task, whose error may know this frame: they would keep each other.
            del limit
        # Not in the other error's place: that one knows the task, too.
        raise watch.failure(request.model)


class _Watch:
    """Looks at the clock now and then, so that a piece costs no timer."""

    def __init__(self, limits: TimeLimits) -> None:
        loop = asyncio.get_running_loop()
        self.now = loop.time
        self.heard_at: float | None = None
        self._call_at = loop.call_at
        self._started_at = loop.time()
        self._limits = limits
        self._timer: asyncio.TimerHandle | None = None
        self._limit: asyncio.Timeout | None = None

    def start(self, limit: asyncio.Timeout) -> None:
        """Watch until `stop`; when time is up the limit expires."""
        self._limit = limit
        self._look()

    def stop(self) -> None:
        """Watch no more."""
        self._limit = None
        if self._timer is not None:
            self._timer.cancel()

    def failure(self, model: str) -> ModelTimeout:
        """Say what took too long, once the limit has expired."""
        limits = self._limits
        if self._silent_until() >= self._started_at + limits.answer_s:
            return AnswerTimeout(
                f"{model} was still answering after {limits.answer_s:g} s and was cut off."
            )
        if self.heard_at is None:
            return ModelTimeout(
                f"{model} did not start to answer within {limits.first_token_s:g} s."
            )
        return ModelTimeout(f"{model} stopped in the middle of its answer for {limits.idle_s:g} s.")

    def _silent_until(self) -> float:
        """Return until when the model may be silent."""
        if self.heard_at is None:
            return self._started_at + self._limits.first_token_s
        return self.heard_at + self._limits.idle_s

    def _look(self) -> None:
        due = min(self._silent_until(), self._started_at + self._limits.answer_s)
        if due <= self.now() and self._limit is not None:
            self._limit.reschedule(self.now())
        else:
            self._timer = self._call_at(due, self._look)

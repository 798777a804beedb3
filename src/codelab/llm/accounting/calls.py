"""One call from its start to its record."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

import msgspec

from codelab.kit.errors import CodeLabError
from codelab.llm.accounting.estimates import estimate_usage, weight
from codelab.llm.accounting.missing_counts import fill_in
from codelab.llm.accounting.money import whole
from codelab.llm.errors import ModelInterrupted, ModelTimeout
from codelab.llm.events import ModelCalled
from codelab.llm.fallback import Attempt
from codelab.llm.sound_usage import bounded_cost, sound
from codelab.sdk.model import Completion, Delta, ModelRequest, OnDelta, Usage


class Attribution(msgspec.Struct, frozen=True, kw_only=True):
    """On whose account a call is made; everything is empty for a service's own calls."""

    user_id: str = ""
    session_id: str = ""
    turn_id: str = ""
    agent: str = ""


class CallRecord:
    """What is noted of a call while it runs.

    Args:
        request: What was asked for.
        attribution: On whose account.
        on_delta: The caller's own.
        cost: Computes the cost of a usage of a model.
    """

    def __init__(
        self,
        request: ModelRequest,
        attribution: Attribution,
        on_delta: OnDelta,
        cost: Callable[[str, Usage], float],
    ) -> None:
        self.attribution = attribution
        self._request = request
        self._on_delta = on_delta
        self._cost = cost
        self._started_at = time.monotonic()
        self._first_at: float | None = None
        self._written = 0
        # Models that failed, and how: the failures themselves would keep all that led to them.
        self._tried: list[tuple[str, str]] = []
        # Whether the latest attempt has its row in the table of usage.
        self.is_noted = False

    def begin(self, request: ModelRequest) -> None:
        """Begin an attempt: what was noted of one before it is over."""
        self._request = request
        self._first_at, self._written, self.is_noted = None, 0, False

    def take(self, delta: Delta) -> None:
        """Take a piece and hand it on, signs of life left out."""
        if self._first_at is None:
            self._first_at = time.monotonic()
        text, reasoning = delta.text, delta.reasoning
        if text or reasoning:
            self._written += weight(text) + weight(reasoning)
            self._on_delta(delta)

    def failed_attempt(self, attempt: Attempt) -> None:
        """Note a model that failed."""
        self._tried.append((attempt.model, attempt.failure.code))

    def complete(self, completion: Completion) -> Completion:
        """Return the answer with its cost, and its usage estimated where no sound one was sent."""
        usage = sound(completion.usage)
        if completion.from_cache:
            return msgspec.structs.replace(completion, usage=usage)
        calls = sum(weight(call.name + call.arguments) for call in completion.tool_calls)
        usage = fill_in(usage, self._request, self._written + calls)
        cost = usage.cost_usd or self._cost(completion.model, usage)
        usage = msgspec.structs.replace(usage, cost_usd=whole(bounded_cost(cost)))
        return msgspec.structs.replace(completion, usage=usage)

    def cost_something(self, error: BaseException) -> bool:
        """Tell whether the latest attempt is to be paid for although it failed.

        A provider counts what it has read once it works on it, whether or not anybody waits for
        the answer; it counts nothing where it has refused.
        """
        gave_up = isinstance(error, asyncio.CancelledError | ModelTimeout | ModelInterrupted)
        return self._first_at is not None or gave_up

    def finished(self, completion: Completion, provider: str) -> ModelCalled:
        """Describe a call that went well."""
        event = self._event(completion.model, provider, completion.usage, error_code="")
        return msgspec.structs.replace(event, from_cache=completion.from_cache)

    def broken_off(
        self, error: BaseException, provider: str, cost_usd: float | None = None
    ) -> ModelCalled:
        """Describe an attempt that failed and cost something: what was sent and written.

        Args:
            error: Why it failed.
            provider: Who runs the model.
            cost_usd: What it is taken to have cost; without it that is reckoned.
        """
        model = self._request.model
        usage = estimate_usage(self._request, self._written)
        if cost_usd is None:
            cost_usd = bounded_cost(self._cost(model, usage))
        usage = msgspec.structs.replace(usage, cost_usd=whole(cost_usd))
        return self._event(model, provider, usage, error_code=code_of(error))

    def failed(self, error: BaseException, provider: Callable[[str], str]) -> ModelCalled:
        """Describe a call that failed and cost nothing; `provider` tells who runs a model."""
        model = self._tried[-1][0] if self._tried else self._request.model
        return self._event(model, provider(model), Usage(), error_code=code_of(error))

    def _event(self, model: str, provider: str, usage: Usage, *, error_code: str) -> ModelCalled:
        first = self._first_at
        self.is_noted = True
        return ModelCalled(
            session_id=self.attribution.session_id,
            user_id=self.attribution.user_id,
            turn_id=self.attribution.turn_id,
            agent=self.attribution.agent,
            model=model,
            provider=provider,
            usage=usage,
            first_token_ms=None if first is None else round((first - self._started_at) * 1000),
            duration_ms=round((time.monotonic() - self._started_at) * 1000),
            ok=not error_code,
            error_code=error_code,
            # Each once, as the message has it.
            tried=tuple(dict.fromkeys(f"{model}: {code}" for model, code in self._tried)),
        )


def code_of(error: BaseException) -> str:
    """Return the code of what ended a call."""
    if isinstance(error, asyncio.CancelledError):
        return "cancelled"
    return error.code if isinstance(error, CodeLabError) else "internal"

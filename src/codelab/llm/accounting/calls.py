"""One call from its start to its record."""

from __future__ import annotations

import time
from collections.abc import Callable

import msgspec

from codelab.llm.accounting.usage import estimate_usage
from codelab.llm.events import ModelCalled
from codelab.llm.fallback import Attempt
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
        self._request = request
        self._attribution = attribution
        self._on_delta = on_delta
        self._cost = cost
        self._started_at = time.monotonic()
        self._first_at: float | None = None
        self._written = 0
        self._attempts: list[Attempt] = []

    def take(self, delta: Delta) -> None:
        """Take a piece and hand it on, signs of life left out."""
        if self._first_at is None:
            self._first_at = time.monotonic()
        text, reasoning = delta.text, delta.reasoning
        if text or reasoning:
            self._written += len(text) + len(reasoning)
            self._on_delta(delta)

    def failed_attempt(self, attempt: Attempt) -> None:
        """Note a model that failed."""
        self._attempts.append(attempt)

    def complete(self, completion: Completion) -> Completion:
        """Return the answer with its usage estimated where it was not sent, and its cost."""
        usage = completion.usage
        if not usage.input_tokens and not usage.output_tokens:
            calls = sum(len(call.name) + len(call.arguments) for call in completion.tool_calls)
            usage = estimate_usage(self._request, self._written + calls)
        if not usage.cost_usd and not completion.from_cache:
            cost = self._cost(completion.model, usage)
            usage = msgspec.structs.replace(usage, cost_usd=cost)
        return msgspec.structs.replace(completion, usage=usage)

    def finished(self, completion: Completion, provider: str) -> ModelCalled:
        """Describe a call that went well."""
        event = self._event(completion.model, provider, completion.usage, error_code="")
        return msgspec.structs.replace(event, from_cache=completion.from_cache)

    def failed(self, error_code: str, provider: str) -> ModelCalled:
        """Describe a call that did not; what was written until then has cost something."""
        model = self._attempts[-1].model if self._attempts else self._request.model
        usage = Usage()
        if self._first_at is not None:
            usage = estimate_usage(self._request, self._written)
            usage = msgspec.structs.replace(usage, cost_usd=self._cost(model, usage))
        return self._event(model, provider, usage, error_code=error_code)

    def _event(self, model: str, provider: str, usage: Usage, *, error_code: str) -> ModelCalled:
        first = self._first_at
        return ModelCalled(
            session_id=self._attribution.session_id,
            user_id=self._attribution.user_id,
            turn_id=self._attribution.turn_id,
            agent=self._attribution.agent,
            model=model,
            provider=provider,
            usage=usage,
            first_token_ms=None if first is None else round((first - self._started_at) * 1000),
            duration_ms=round((time.monotonic() - self._started_at) * 1000),
            ok=not error_code,
            error_code=error_code,
            tried=tuple(f"{one.model}: {one.failure.code}" for one in self._attempts),
        )

"""What follows when a model fails: the decision, pure, and the client that acts on it."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Sequence

import msgspec

from codelab.kit.errors import CodeLabError
from codelab.llm.errors import (
    ContextTooLong,
    ModelError,
    ModelFailed,
    ModelRateLimited,
    ModelUnreachable,
    NoModelAvailable,
)
from codelab.sdk.model import Completion, Delta, ModelClient, ModelRequest, OnDelta

# What may well work a moment later. A timeout is none of these: the time is gone.
_PASSING = (ModelRateLimited, ModelUnreachable, ModelFailed)


class RetryPolicy(msgspec.Struct, frozen=True, kw_only=True):
    """How patient to be with one model.

    Args:
        retries: How often the same model is asked again.
        first_pause_s: The pause before the first retry; it doubles each time.
        longest_pause_s: The longest pause, and the longest Retry-After that is waited for.
    """

    retries: int = 2
    first_pause_s: float = 0.5
    longest_pause_s: float = 10.0


class Retry(msgspec.Struct, frozen=True):
    """Ask the same model again."""

    after_s: float


class NextModel(msgspec.Struct, frozen=True):
    """Ask the next model of the chain."""


class GiveUp(msgspec.Struct, frozen=True):
    """Tell the caller."""


def decide(
    failure: CodeLabError, *, attempt: int, started: bool, has_next: bool, policy: RetryPolicy
) -> Retry | NextModel | GiveUp:
    """Decide what follows a failure.

    Args:
        failure: What went wrong.
        attempt: How often this model has been asked, from 1.
        started: Whether a part of an answer has been shown: another model's must not be mixed in.
        has_next: Whether the chain has a further model.
        policy: How patient to be.
    """
    if started or isinstance(failure, ContextTooLong) or not isinstance(failure, ModelError):
        return GiveUp()
    pause = min(policy.first_pause_s * 2 ** (attempt - 1), policy.longest_pause_s)
    if failure.retry_after_s is not None:
        pause = failure.retry_after_s
    patient = attempt <= policy.retries and pause <= policy.longest_pause_s
    if isinstance(failure, _PASSING) and patient:
        return Retry(pause)
    return NextModel() if has_next else GiveUp()


class Attempt(msgspec.Struct, frozen=True):
    """A model that was asked, and how it failed."""

    model: str
    failure: CodeLabError


class WithFallback:
    """Asks the models of a chain, one after the other, until one answers.

    Args:
        client: The client that asks.
        chain: The models, the preferred one first.
        policy: How patient to be with each.
        on_failed: Told of each failed attempt.
    """

    def __init__(
        self,
        client: ModelClient,
        chain: Sequence[str],
        policy: RetryPolicy,
        on_failed: Callable[[Attempt], None],
    ) -> None:
        self._client = client
        self._chain = chain
        self._policy = policy
        self._on_failed = on_failed

    async def stream(self, request: ModelRequest, on_delta: OnDelta) -> Completion:
        """Run the request.

        Raises:
            NoModelAvailable: None of the models answered.
            ModelError: The only model, or one in the middle of its answer, failed.
        """
        started = False

        def pass_on(delta: Delta) -> None:
            nonlocal started
            started = True
            on_delta(delta)

        attempts: list[Attempt] = []
        place, attempt = 0, 1
        while True:
            name = self._chain[place]
            try:
                asked = msgspec.structs.replace(request, model=name)
                return await self._client.stream(asked, pass_on)
            except CodeLabError as failure:
                attempts.append(Attempt(name, failure))
                self._on_failed(attempts[-1])
                step = decide(
                    failure,
                    attempt=attempt,
                    started=started,
                    has_next=place + 1 < len(self._chain),
                    policy=self._policy,
                )
                if isinstance(step, GiveUp):
                    raise _outcome(attempts, started=started) from failure
            if isinstance(step, Retry):
                attempt += 1
                # A little chance keeps many callers from coming back at the same moment.
                await asyncio.sleep(step.after_s * _jitter())
            else:
                place, attempt = place + 1, 1


def _jitter() -> float:
    return 1 + secrets.randbelow(200) / 1000


def _outcome(attempts: Sequence[Attempt], *, started: bool) -> CodeLabError:
    """Return what the caller is told."""
    last = attempts[-1].failure
    names = dict.fromkeys(attempt.model for attempt in attempts)
    asked_to_change = isinstance(last, ContextTooLong) or not isinstance(last, ModelError)
    if started or asked_to_change or (len(names) == 1 and not last.retryable):
        return last
    latest = {attempt.model: attempt.failure for attempt in attempts}
    tried = " ".join(f"{name}: {failure.message}" for name, failure in latest.items())
    waits = [f.retry_after_s for f in latest.values() if f.retry_after_s is not None]
    return NoModelAvailable(
        f"No model is available at the moment. Tried: {tried}",
        retry_after_s=min(waits) if waits else None,
    )

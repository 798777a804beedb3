"""What follows when a model fails: the decision, pure, and the client that acts on it."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

import msgspec

from codelab.kit.clock import utc_now
from codelab.kit.errors import CodeLabError
from codelab.llm.circuit import Permit
from codelab.llm.circuits import Circuits
from codelab.llm.errors import (
    ContextTooLong,
    ModelError,
    ModelFailed,
    ModelRateLimited,
    ModelResting,
    ModelTimeout,
    ModelUnreachable,
    NoModelAvailable,
)
from codelab.llm.met_limits import MetLimits
from codelab.sdk.model import Completion, Delta, ModelClient, ModelRequest, OnDelta

# What may well work a moment later. A timeout is none of these: the time is gone.
_PASSING = (ModelRateLimited, ModelUnreachable, ModelFailed)


class RetryPolicy(msgspec.Struct, frozen=True, kw_only=True):
    """How patient to be with one model.

    Args:
        retries: How often the same model is asked again.
        first_pause_s: The pause before the first retry; it doubles each time.
        longest_pause_s: The longest pause, and the longest Retry-After that is waited for in
            silence.
        pause_before_next_s: The same where the chain has a further model to ask instead, or
            somebody can be told of a longer wait.
        longest_wait_s: How long, in all, a call waits for providers that limit requests, where
            nothing else can answer and somebody is told of the wait.
    """

    retries: int = 2
    first_pause_s: float = 0.5
    longest_pause_s: float = 10.0
    pause_before_next_s: float = 2.0
    longest_wait_s: float = 90.0


class Retry(msgspec.Struct, frozen=True):
    """Ask the same model again."""

    after_s: float


class NextModel(msgspec.Struct, frozen=True):
    """Ask the next model of the chain."""


class GiveUp(msgspec.Struct, frozen=True):
    """Tell the caller."""


def decide(
    failure: CodeLabError,
    *,
    attempt: int,
    started: bool,
    has_next: bool,
    policy: RetryPolicy,
    stands_in: bool = False,
) -> Retry | NextModel | GiveUp:
    """Decide what follows a failure.

    Args:
        failure: What went wrong.
        attempt: How often this model has been asked, from 1.
        started: Whether a part of an answer has been shown: another model's must not be mixed in.
        has_next: Whether the chain has a further model.
        policy: How patient to be.
        stands_in: Whether the model is asked in the preferred one's place.
    """
    if started or _is_for_the_caller(failure, stands_in=stands_in):
        return GiveUp()
    longest = policy.pause_before_next_s if has_next else policy.longest_pause_s
    pause = min(policy.first_pause_s * 2 ** (attempt - 1), longest)
    pause = max(pause, failure.retry_after_s or 0.0)
    patient = attempt <= policy.retries and pause <= longest
    if isinstance(failure, _PASSING) and patient:
        return Retry(pause)
    return NextModel() if has_next else GiveUp()


class Attempt(msgspec.Struct, frozen=True):
    """A model that was asked and failed, or was passed over since it had just failed."""

    model: str
    failure: CodeLabError


class Waiting(msgspec.Struct, frozen=True, kw_only=True):
    """Why an answer takes longer than usual.

    Args:
        model: The model that will be asked, or is asked now.
        reason: What has happened, in a sentence.
        until: When it will be asked; none when that is now.
    """

    model: str
    reason: str
    until: datetime | None = None


OnWaiting = Callable[[Waiting], None]


class WithFallback:
    """Asks the models of a chain, one after the other, until one answers.

    A model that rests is passed over. When all rest, the first of those that rest by our own
    caution is asked all the same, once, and by a few calls at a time: nobody is refused while a
    call might work, and a provider that is down is not overrun. What a provider has asked us to
    wait for, and the turn of those few, is waited for only when somebody is told.

    The request fits the preferred model, as far as is known. Where it is too long for one that
    stands in for it, only those after that one are asked whose window is longer.

    Args:
        client: The client that asks.
        chain: The models, the preferred one first.
        policy: How patient to be with each.
        circuits: Knows which models rest.
        window: Returns the size of a model's window in tokens.
        on_failed: Told of each failed attempt.
        on_waiting: Told why it takes longer; without it a call does not wait for limits to end.
    """

    def __init__(
        self,
        client: ModelClient,
        chain: Sequence[str],
        policy: RetryPolicy,
        circuits: Circuits,
        window: Callable[[str], int],
        on_failed: Callable[[Attempt], None],
        on_waiting: OnWaiting | None = None,
    ) -> None:
        self._client = client
        self._chain = chain
        self._policy = policy
        self._circuits = circuits
        self._window = window
        self._on_failed = on_failed
        self._on_waiting = on_waiting
        self._attempts: list[Attempt] = []
        self._tried: dict[str, None] = {}
        self._has_waited = False
        self._failed: set[str] = set()
        self._crowded: set[str] = set()
        self._limits = MetLimits(policy.first_pause_s, policy.longest_pause_s)
        # What the latest of those that stand in has said, if the request was too long for it.
        self._overflow: ContextTooLong | None = None

    async def stream(self, request: ModelRequest, on_delta: OnDelta) -> Completion:
        """Run the request.

        Raises:
            NoModelAvailable: None of the models answered.
            ContextTooLong: It is too long for the model that would answer, which the error names.
            ModelError: The only model, or one in the middle of its answer, failed.
        """
        now = asyncio.get_running_loop().time
        patient_until = now() + (self._policy.longest_wait_s if self._on_waiting else 0.0)
        while True:
            self._attempts = []
            completion = await self._ask_in_turn(request, on_delta)
            if completion is not None:
                return completion
            if self._overflow is not None:
                raise self._overflow
            name, wait_s = self._next_end_of_a_rest()
            if not name or now() + wait_s > patient_until:
                raise _outcome(self._attempts)
            await self._wait(name, wait_s * _jitter())

    async def _ask_in_turn(self, request: ModelRequest, on_delta: OnDelta) -> Completion | None:
        """Go through the chain once; none when nothing answered."""
        asked = False
        left = list(self._chain)
        while left:
            name = left.pop(0)
            met = self._limits.of(name)
            if met and self._limits.rest_s(name):
                self._attempts.append(Attempt(name, met.failure))
                continue
            permit = self._circuits.seek(name)
            if permit is None:
                self._pass_over(name)
                continue
            asked = True
            completion = await self._ask(name, permit, request, on_delta, has_next=bool(left))
            if completion is not None:
                return completion
            if self._overflow is not None:
                left = self._longer(left, self._overflow)
        look = self._circuits.look
        cautious = [name for name in self._chain if not look(name).told]
        # Whoever waits already leaves it to the trial of one: many may wait for the same model.
        if asked or not cautious or self._has_waited:
            return None
        permit = self._circuits.insist(cautious[0])
        if permit is None:
            self._leave_to_others(cautious[0])
            return None
        return await self._ask(cautious[0], permit, request, on_delta, has_next=False)

    async def _ask(
        self,
        name: str,
        permit: Permit,
        request: ModelRequest,
        on_delta: OnDelta,
        *,
        has_next: bool,
    ) -> Completion | None:
        """Ask one model, several times if its failures pass; none when the next one's turn is."""
        self._tell_of_lost_time(name)
        # Whoever waits for a limit asks once each time.
        attempt = 1 + (self._policy.retries if self._limits.of(name) else 0)
        while True:
            again = name in self._failed
            one = _Attempting(name, permit, self._circuits, on_delta, again=again)
            try:
                completion = await one.run(self._client, request)
                return msgspec.structs.replace(completion, tried=tuple(self._tried))
            except CodeLabError as failure:
                self._failed.add(name)
                self._limits.note(name, failure)
                self._note(Attempt(name, failure))
                step = decide(
                    failure,
                    attempt=attempt,
                    started=one.started,
                    # A longer pause is one that somebody is told of.
                    has_next=has_next or self._on_waiting is not None,
                    policy=self._policy,
                    stands_in=(stands_in := name != self._chain[0]),
                )
                if one.started or _is_for_the_caller(failure, stands_in=stands_in):
                    # Its traceback leads here: what we keep of it would keep all of the turn.
                    self._attempts.clear()
                    raise
                if isinstance(failure, ContextTooLong):
                    self._overflow = failure
                if not isinstance(step, Retry) or permit is Permit.INSISTED:
                    return None
            # Others have failed too, or a limit is reached: one more request makes it worse.
            if self._circuits.rest_s(name) > step.after_s:
                return None
            await asyncio.sleep(step.after_s * _jitter())
            next_permit = self._circuits.seek(name)
            if next_permit is None:
                return None
            attempt, permit = attempt + 1, next_permit

    def _longer(self, names: Sequence[str], overflow: ContextTooLong) -> list[str]:
        """Return the models that may take what was too long for one."""
        refused = overflow.limit_tokens or self._window(overflow.model)
        return [name for name in names if self._window(name) > refused]

    def _next_end_of_a_rest(self) -> tuple[str, float]:
        """Return the model whose rest ends first, of those worth waiting for, and in how long.

        These are the ones whose provider limits requests, and those that too many others ask.
        """
        look, met = self._circuits.look, self._limits.of
        worth = [n for n in self._chain if look(n).limited or n in self._crowded or met(n)]
        if not worth:
            return "", 0.0
        first = min(worth, key=self._rest_s)
        # Not at once, even where a provider says so: others have heard the same.
        return first, max(self._rest_s(first), self._policy.first_pause_s)

    def _rest_s(self, name: str) -> float:
        return max(self._circuits.rest_s(name), self._limits.rest_s(name))

    async def _wait(self, name: str, wait_s: float) -> None:
        self._has_waited = True
        if self._on_waiting is not None:
            met = self._limits.of(name)
            reason = self._circuits.look(name).reason or (met.failure.message if met else "")
            until = utc_now() + timedelta(seconds=wait_s)
            self._on_waiting(Waiting(model=name, reason=reason, until=until))
        await asyncio.sleep(wait_s)

    def _pass_over(self, name: str) -> None:
        circuit, rest_s = self._circuits.look(name), self._circuits.rest_s(name)
        said = f"{circuit.reason} It is tried again in {max(1, round(rest_s))} s."
        told_s = rest_s if circuit.told else None
        self._note(Attempt(name, ModelResting(said, retry_after_s=told_s)))

    def _leave_to_others(self, name: str) -> None:
        self._crowded.add(name)
        rest_s = self._circuits.rest_s(name)
        said = f"{self._circuits.look(name).reason} Others ask already whether it is well again."
        self._attempts.append(Attempt(name, ModelResting(said, retry_after_s=rest_s)))

    def _note(self, attempt: Attempt) -> None:
        attempt.failure.__traceback__ = None
        self._attempts.append(attempt)
        self._tried[f"{attempt.model}: {attempt.failure.code}"] = None
        self._on_failed(attempt)

    def _tell_of_lost_time(self, name: str) -> None:
        last = self._attempts[-1].failure if self._attempts else None
        if isinstance(last, ModelTimeout) and self._on_waiting is not None:
            self._on_waiting(Waiting(model=name, reason=last.message))


class _Attempting:
    """One call of one model, whose circuit is told how it goes."""

    def __init__(
        self, name: str, permit: Permit, circuits: Circuits, on_delta: OnDelta, *, again: bool
    ) -> None:
        self.started = False
        self._again = again
        self._name = name
        self._permit = permit
        self._circuits = circuits
        self._on_delta = on_delta

    async def run(self, client: ModelClient, request: ModelRequest) -> Completion:
        """Call the model."""
        asked = msgspec.structs.replace(request, model=self._name)
        try:
            completion = await client.stream(asked, self._take)
        except CodeLabError as failure:
            if isinstance(failure, ModelError):
                failure.model = self._name
                failure.begun_by = self._name if self.started else ""
            self._circuits.failed(self._name, self._permit, failure, repeated=self._again)
            raise
        except BaseException:
            self._circuits.released(self._name, self._permit)
            raise
        finally:
            self._circuits.left(self._name, self._permit)
        self._circuits.succeeded(self._name, self._permit)
        return completion

    def _take(self, delta: Delta) -> None:
        if not self.started:
            self.started = True
            self._circuits.began(self._name, self._permit)
        self._on_delta(delta)


def _jitter() -> float:
    # A little chance keeps many callers from coming back at the same moment.
    return 1 + secrets.randbelow(200) / 1000


def _is_for_the_caller(failure: CodeLabError, *, stands_in: bool) -> bool:
    """Tell whether only the caller can help: no other model is to be asked."""
    if isinstance(failure, ContextTooLong):
        return not stands_in
    return not isinstance(failure, ModelError)


def _outcome(attempts: Sequence[Attempt]) -> CodeLabError:
    """Return what the caller is told when no model has answered."""
    last = attempts[-1].failure
    latest = {attempt.model: attempt.failure for attempt in attempts}
    if len(latest) == 1 and not last.retryable:
        return last
    tried = " ".join(f"{name}: {failure.message}" for name, failure in latest.items())
    waits = [f.retry_after_s for f in latest.values() if f.retry_after_s is not None]
    return NoModelAvailable(
        f"No model is available at the moment. Tried: {tried}",
        retry_after_s=min(waits) if waits else None,
    )

"""What follows a failure."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codelab.kit.errors import CodeLabError, RateLimited
from codelab.llm.circuit import CircuitPolicy, Permit
from codelab.llm.circuits import MOST_INSISTED, Circuits
from codelab.llm.errors import (
    ContextTooLong,
    ModelAuthFailed,
    ModelError,
    ModelFailed,
    ModelInterrupted,
    ModelMissing,
    ModelRateLimited,
    ModelRefused,
    ModelTimeout,
    ModelUnreachable,
    NoModelAvailable,
)
from codelab.llm.fallback import (
    Attempt,
    GiveUp,
    NextModel,
    OnWaiting,
    Retry,
    RetryPolicy,
    Waiting,
    WithFallback,
    decide,
)
from codelab.sdk.model import Completion, Delta, ModelRequest, OnDelta

POLICY = RetryPolicy(retries=2, first_pause_s=0.5, longest_pause_s=10)
CONDITIONS: list[type[CodeLabError]] = [
    ContextTooLong,
    ModelAuthFailed,
    ModelFailed,
    ModelInterrupted,
    ModelMissing,
    ModelRateLimited,
    ModelRefused,
    ModelTimeout,
    ModelUnreachable,
    RateLimited,
]
FAILURES = st.builds(
    lambda kind, wait: kind("No.", retry_after_s=wait),
    st.sampled_from(CONDITIONS),
    st.none() | st.floats(0, 1000),
)


@given(FAILURES, st.integers(1, 5), st.booleans(), st.booleans(), st.booleans())
def test_the_decision_keeps_its_promises(
    failure: CodeLabError, attempt: int, started: bool, has_next: bool, stands_in: bool
) -> None:
    step = decide(
        failure,
        attempt=attempt,
        started=started,
        has_next=has_next,
        policy=POLICY,
        stands_in=stands_in,
    )
    if started or (isinstance(failure, ContextTooLong) and not stands_in):
        assert step == GiveUp()
    if isinstance(step, Retry):
        assert failure.retryable
        assert attempt <= POLICY.retries
        assert step.after_s <= POLICY.longest_pause_s
        assert failure.retry_after_s is None or step.after_s >= failure.retry_after_s
    if isinstance(step, NextModel):
        assert has_next
    if isinstance(step, GiveUp) and isinstance(failure, ModelError) and not started:
        assert not has_next or (isinstance(failure, ContextTooLong) and not stands_in)


@pytest.mark.parametrize(
    ("failure", "attempt", "expected"),
    [
        (ModelFailed("No."), 1, Retry(0.5)),
        (ModelFailed("No."), 2, Retry(1.0)),
        (ModelFailed("No."), 3, NextModel()),
        (ModelRateLimited("No.", retry_after_s=2), 1, Retry(2)),
        (ModelRateLimited("No.", retry_after_s=0), 1, Retry(0.5)),
        (ModelRateLimited("No.", retry_after_s=9), 1, NextModel()),
        (ModelUnreachable("No."), 1, Retry(0.5)),
        (ModelTimeout("No."), 1, NextModel()),
        (ModelAuthFailed("No."), 1, NextModel()),
        (ContextTooLong("No."), 1, GiveUp()),
    ],
)
def test_the_decision_by_example(failure: CodeLabError, attempt: int, expected: object) -> None:
    step = decide(failure, attempt=attempt, started=False, has_next=True, policy=POLICY)
    assert step == expected


def test_the_last_of_a_chain_is_waited_for_longer() -> None:
    failure = ModelRateLimited("No.", retry_after_s=9)
    step = decide(failure, attempt=1, started=False, has_next=False, policy=POLICY)
    assert step == Retry(9)


class Scripted:
    """Answers or fails, one after the other; what it is asked is kept."""

    def __init__(self, *steps: str | CodeLabError) -> None:
        self.steps = list(steps)
        self.asked: list[str] = []

    async def stream(self, request: ModelRequest, on_delta: OnDelta) -> Completion:
        self.asked.append(request.model)
        step = self.steps.pop(0)
        if isinstance(step, CodeLabError):
            if isinstance(step, ModelInterrupted):
                on_delta(Delta("Half"))
            raise step
        on_delta(Delta(step))
        return Completion(model=request.model, text=step)


def circuits(first_pause_s: float = 5.0) -> Circuits:
    return Circuits(CircuitPolicy(first_pause_s=first_pause_s), lambda name: name)


async def run(
    client: Scripted,
    *chain: str,
    known: Circuits | None = None,
    on_waiting: OnWaiting | None = None,
    windows: Mapping[str, int] | None = None,
) -> tuple[Completion, list[Attempt]]:
    attempts: list[Attempt] = []
    policy = RetryPolicy(retries=1, first_pause_s=0.001, longest_pause_s=1, longest_wait_s=2)
    window = (windows or {}).__getitem__
    with_fallback = WithFallback(
        client, chain, policy, known or circuits(), window, attempts.append, on_waiting
    )
    request = ModelRequest(model=chain[0], messages=())
    return await with_fallback.stream(request, lambda delta: None), attempts


async def test_each_model_is_asked_in_turn() -> None:
    client = Scripted(
        ModelFailed("No."), ModelFailed("No."), ModelTimeout("No."), ModelAuthFailed("No."), "Yes."
    )
    completion, attempts = await run(client, "a", "b", "c", "d")
    assert client.asked == ["a", "a", "b", "c", "d"]
    assert (completion.model, completion.text) == ("d", "Yes.")
    assert completion.tried == ("a: model_failed", "b: model_timeout", "c: model_auth_failed")
    assert [attempt.model for attempt in attempts] == ["a", "a", "b", "c"]


async def test_one_model_s_own_refusal_is_told_as_it_is() -> None:
    with pytest.raises(ModelAuthFailed):
        await run(Scripted(ModelAuthFailed("The key.")), "a")


async def test_nothing_follows_an_answer_that_has_begun() -> None:
    client = Scripted(ModelInterrupted("Off."), "Other.")
    with pytest.raises(ModelInterrupted) as caught:
        await run(client, "a", "b")
    assert caught.value.begun_by == "a"
    assert client.asked == ["a"]


WINDOWS = {"a": 100, "b": 8, "c": 8, "d": 16, "e": 16}


async def test_what_is_too_long_for_the_preferred_model_is_the_caller_s_to_shorten() -> None:
    client = Scripted(ContextTooLong("Too long."), "From d.")
    with pytest.raises(ContextTooLong) as caught:
        await run(client, "b", "d", windows=WINDOWS)
    assert (caught.value.model, client.asked) == ("b", ["b"])


async def test_what_is_too_long_for_one_that_stands_in_goes_to_a_longer_window() -> None:
    client = Scripted(ModelTimeout("No."), ContextTooLong("Too long."), "From d.")
    completion, _ = await run(client, "a", "b", "c", "d", windows=WINDOWS)
    assert client.asked == ["a", "b", "d"]
    assert completion.tried == ("a: model_timeout", "b: context_too_long")


@pytest.mark.parametrize(
    ("chain", "steps", "longest"),
    [
        ("abc", [ContextTooLong("b.")], "b"),
        ("abcde", [ContextTooLong("b."), ContextTooLong("d.")], "d"),
        # Nobody with a longer window answers: it is b's window that counts.
        ("abcde", [ContextTooLong("b."), ModelTimeout("No."), ModelTimeout("No.")], "b"),
        # What the provider says goes before what is known.
        ("abcde", [ContextTooLong("b.", limit_tokens=20)], "b"),
        ("abc", [ContextTooLong("b.", limit_tokens=6), ContextTooLong("c.")], "c"),
    ],
)
async def test_without_a_longer_window_it_is_shortened_for_the_one_that_would_answer(
    chain: str, steps: list[CodeLabError], longest: str
) -> None:
    client = Scripted(ModelTimeout("No."), *steps)
    with pytest.raises(ContextTooLong) as caught:
        await run(client, *chain, windows=WINDOWS)
    assert caught.value.model == longest
    assert not client.steps


async def test_the_shortest_wait_is_told_when_nothing_answers() -> None:
    client = Scripted(
        ModelRateLimited("Not now.", retry_after_s=90), ModelRateLimited("No.", retry_after_s=30)
    )
    with pytest.raises(NoModelAvailable) as caught:
        await run(client, "a", "b")
    assert caught.value.retry_after_s == 30
    assert caught.value.message == (
        "No model is available at the moment. Tried: a: Not now. b: No."
    )


async def test_a_model_that_rests_is_passed_over() -> None:
    known = circuits()
    await run(Scripted(ModelAuthFailed("The key."), "From b."), "a", "b", known=known)
    client = Scripted("From b.")
    completion, attempts = await run(client, "a", "b", known=known)
    assert client.asked == ["b"]
    assert completion.tried == ("a: model_resting",)
    assert attempts[0].failure.message == "The key. It is tried again in 30 s."


async def test_a_user_is_not_refused_by_our_caution_alone() -> None:
    known = circuits()
    for name in ("a", "b"):
        known.failed(name, Permit.CLOSED, ModelAuthFailed("The key."))
    client = Scripted("Mended.")
    completion, _ = await run(client, "a", "b", known=known)
    assert (client.asked, completion.text) == (["a"], "Mended.")
    assert known.rest_s("a") == 0


async def test_what_a_provider_has_asked_for_is_honoured() -> None:
    known = circuits()
    known.failed("a", Permit.CLOSED, ModelRateLimited("Not now.", retry_after_s=50))
    client = Scripted()
    with pytest.raises(NoModelAvailable) as caught:
        await run(client, "a", known=known)
    assert client.asked == []
    assert 49 < (caught.value.retry_after_s or 0) <= 50


async def test_a_limit_is_waited_for_when_somebody_is_told() -> None:
    client = Scripted(
        ModelRateLimited("Not now.", retry_after_s=0.3), ModelRateLimited("No."), "Here."
    )
    told: list[Waiting] = []
    known = circuits(first_pause_s=0.2)
    completion, attempts = await run(client, "a", known=known, on_waiting=told.append)
    assert completion.text == "Here."
    assert [(one.model, one.reason) for one in told] == [("a", "No.")]
    assert len(attempts) == 2


async def test_a_limit_without_an_end_is_asked_again_before_another_model_is() -> None:
    known = circuits()
    completion, _ = await run(Scripted(ModelRateLimited("No."), "From a."), "a", "b", known=known)
    assert (completion.model, known.rest_s("a")) == ("a", 0)


async def test_one_call_waits_for_a_limit_at_its_own_pace_and_closes_nothing_to_others() -> None:
    known, client = circuits(), Limited(0.3)
    told: list[Waiting] = []
    completion, _ = await run(client, "a", known=known, on_waiting=told.append)
    assert completion.text == "Here."
    # Twice without a pause worth telling of; then each is twice as long as the one before.
    assert 4 <= len(client.asked) <= 11
    assert {one.reason for one in told} == {"Not now."}
    assert len(told) == len(client.asked) - 1
    assert known.rest_s("a") == 0


async def test_who_waits_for_one_model_leaves_another_alone_as_long_as_it_asks() -> None:
    down = ModelFailed("Come back later.", retry_after_s=3)
    client = Scripted(down, *[ModelRateLimited("No.")] * 2, "From b.")
    completion, _ = await run(client, "a", "b", on_waiting=lambda waiting: None)
    assert client.asked == ["a", "b", "b", "b"]
    assert completion.tried == ("a: model_failed", "b: model_rate_limited")


async def test_a_limit_that_ends_too_late_is_told_at_once() -> None:
    client = Scripted(ModelRateLimited("Not now.", retry_after_s=3))
    told: list[Waiting] = []
    with pytest.raises(NoModelAvailable) as caught:
        await run(client, "a", on_waiting=told.append)
    assert (caught.value.retry_after_s, told) == (3, [])


class Limited(Scripted):
    """Takes no requests until its time has come, and does not say when that is."""

    def __init__(self, for_s: float) -> None:
        super().__init__()
        self.until = time.monotonic() + for_s

    async def stream(self, request: ModelRequest, on_delta: OnDelta) -> Completion:
        if time.monotonic() < self.until:
            self.asked.append(request.model)
            raise ModelRateLimited("Not now.")
        return Completion(model=request.model, text="Here.")


async def test_of_many_that_wait_one_asks_at_a_time() -> None:
    known, client = circuits(first_pause_s=0.1), Limited(0.6)
    told: list[Waiting] = []
    waiting = (run(client, "a", known=known, on_waiting=told.append) for _ in range(20))
    answers = await asyncio.gather(*waiting)
    assert [completion.text for completion, _ in answers] == ["Here."] * 20
    # Each has asked when it came, and once more; then one at a time after 0.1, 0.2 and 0.4 s.
    assert len(client.asked) <= 20 * 2 + 4


async def test_lost_time_is_told() -> None:
    told: list[Waiting] = []
    slow = ModelTimeout("a did not start to answer within 30 s.")
    await run(Scripted(slow, "Here."), "a", "b", on_waiting=told.append)
    assert told == [Waiting(model="b", reason=slow.message)]


async def test_one_call_at_a_time_is_the_trial() -> None:
    known = circuits(first_pause_s=0.01)
    known.failed("a", Permit.CLOSED, ModelRateLimited("Not now.", retry_after_s=0.01))
    await asyncio.sleep(0.02)
    client = Held()
    trial = asyncio.create_task(run(client, "a", "b", known=known))
    await client.reached.wait()
    other, _ = await run(Scripted("From b."), "a", "b", known=known)
    assert other.tried == ("a: model_resting",)
    trial.cancel()
    await asyncio.gather(trial, return_exceptions=True)
    # A trial that was cancelled has found out nothing: the next call is it.
    completion, _ = await run(Scripted("From a."), "a", "b", known=known)
    assert completion.model == "a"


class Busy(Scripted):
    """Takes a moment for each request; counts how many it has at a time."""

    def __init__(self, failure: CodeLabError | None = None) -> None:
        super().__init__()
        self.failure = failure
        self.running = self.most = 0

    async def stream(self, request: ModelRequest, on_delta: OnDelta) -> Completion:
        self.asked.append(request.model)
        self.running += 1
        self.most = max(self.most, self.running)
        await asyncio.sleep(0.05)
        self.running -= 1
        if self.failure:
            raise self.failure
        return Completion(model=request.model, text="Here.")


def opened(first_pause_s: float = 5.0) -> Circuits:
    known = circuits(first_pause_s)
    for _ in range(3):
        known.failed("a", Permit.CLOSED, ModelFailed("It is down."))
    return known


async def test_one_call_s_retries_do_not_close_a_model_to_others() -> None:
    known = circuits()
    with pytest.raises(NoModelAvailable):
        await run(Scripted(*[ModelFailed("No.")] * 2), "a", known=known)
    assert known.rest_s("a") == 0
    assert known.look("a").weight == 1


async def test_nobody_repeats_what_fails_for_all() -> None:
    known, client = circuits(), Busy(ModelFailed("It is down."))
    calls = (run(client, "a", known=known) for _ in range(100))
    outcomes = await asyncio.gather(*calls, return_exceptions=True)
    assert all(isinstance(one, NoModelAvailable) for one in outcomes)
    assert len(client.asked) == 100


async def test_a_model_that_rests_is_asked_once_and_by_a_few_at_a_time() -> None:
    known, client = opened(), Busy(ModelFailed("It is down."))
    calls = (run(client, "a", known=known) for _ in range(100))
    outcomes = await asyncio.gather(*calls, return_exceptions=True)
    assert len(client.asked) == client.most == MOST_INSISTED
    waits = [one.retry_after_s for one in outcomes if isinstance(one, NoModelAvailable)]
    assert len(waits) == 100
    assert sum(wait is not None and 4 < wait <= 5 for wait in waits) == 100 - MOST_INSISTED
    # Their places are free again.
    await run(Scripted("Well again."), "a", known=known)
    assert known.rest_s("a") == 0


async def test_a_turn_waits_for_those_few_and_its_user_sees_it() -> None:
    known, client = opened(first_pause_s=0.2), Busy()
    told: list[Waiting] = []
    turns = (run(client, "a", known=known, on_waiting=told.append) for _ in range(20))
    answers = await asyncio.gather(*turns)
    assert [completion.text for completion, _ in answers] == ["Here."] * 20
    assert len(told) == 20 - MOST_INSISTED
    assert {(one.model, one.until is None) for one in told} == {("a", False)}


async def test_whoever_gives_up_insisting_leaves_the_place_to_another() -> None:
    known = opened()
    for _ in range(MOST_INSISTED + 1):
        client = Held()
        insisting = asyncio.create_task(run(client, "a", known=known))
        await asyncio.wait_for(client.reached.wait(), 10)
        insisting.cancel()
        await asyncio.gather(insisting, return_exceptions=True)


class Held(Scripted):
    """Answers nothing until it is cancelled."""

    def __init__(self) -> None:
        super().__init__()
        self.reached = asyncio.Event()

    async def stream(self, request: ModelRequest, on_delta: OnDelta) -> Completion:
        self.reached.set()
        return await asyncio.Future[Completion]()


SOON = st.builds(
    lambda kind, wait: kind("No.", retry_after_s=wait),
    st.sampled_from([ModelAuthFailed, ModelFailed, ModelInterrupted, ModelRateLimited]),
    st.none() | st.floats(0, 0.002),
)
STEPS = st.lists(st.none() | SOON, max_size=12)


@given(STEPS, st.integers(1, 3))
async def test_whatever_fails_there_is_an_answer_or_one_sentence(
    steps: list[CodeLabError | None], length: int
) -> None:
    chain = ("a", "b", "c")[:length]
    client = Scripted(*(step or "Yes." for step in steps), *["Yes."] * 40)
    known = circuits(first_pause_s=0.001)
    try:
        completion, attempts = await run(client, *chain, known=known)
    except CodeLabError as error:
        assert error.message
    else:
        assert completion.model == client.asked[-1]
        assert [one.model for one in attempts] == client.asked[:-1]
    # Nobody is asked more often than the policy says, and nobody out of turn.
    assert len(client.asked) <= 2 * length
    assert client.asked == sorted(client.asked)

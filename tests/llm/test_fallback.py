"""What follows a failure."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codelab.kit.errors import CodeLabError, RateLimited
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
    Retry,
    RetryPolicy,
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


@given(FAILURES, st.integers(1, 5), st.booleans(), st.booleans())
def test_the_decision_keeps_its_promises(
    failure: CodeLabError, attempt: int, started: bool, has_next: bool
) -> None:
    step = decide(failure, attempt=attempt, started=started, has_next=has_next, policy=POLICY)
    if started or isinstance(failure, ContextTooLong):
        assert step == GiveUp()
    if isinstance(step, Retry):
        assert failure.retryable
        assert attempt <= POLICY.retries
        assert step.after_s <= POLICY.longest_pause_s
        assert failure.retry_after_s is None or step.after_s >= failure.retry_after_s
    if isinstance(step, NextModel):
        assert has_next
    if isinstance(step, GiveUp) and isinstance(failure, ModelError) and not started:
        assert not has_next or isinstance(failure, ContextTooLong)


@pytest.mark.parametrize(
    ("failure", "attempt", "expected"),
    [
        (ModelFailed("No."), 1, Retry(0.5)),
        (ModelFailed("No."), 2, Retry(1.0)),
        (ModelFailed("No."), 3, NextModel()),
        (ModelRateLimited("No.", retry_after_s=9), 1, Retry(9)),
        (ModelRateLimited("No.", retry_after_s=11), 1, NextModel()),
        (ModelUnreachable("No."), 1, Retry(0.5)),
        (ModelTimeout("No."), 1, NextModel()),
        (ModelAuthFailed("No."), 1, NextModel()),
        (ContextTooLong("No."), 1, GiveUp()),
    ],
)
def test_the_decision_by_example(failure: CodeLabError, attempt: int, expected: object) -> None:
    step = decide(failure, attempt=attempt, started=False, has_next=True, policy=POLICY)
    assert step == expected


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


async def run(client: Scripted, *chain: str) -> tuple[Completion, list[Attempt]]:
    attempts: list[Attempt] = []
    policy = RetryPolicy(retries=1, first_pause_s=0.001, longest_pause_s=1)
    with_fallback = WithFallback(client, chain, policy, attempts.append)
    request = ModelRequest(model=chain[0], messages=())
    return await with_fallback.stream(request, lambda delta: None), attempts


async def test_each_model_is_asked_in_turn() -> None:
    client = Scripted(
        ModelFailed("No."), ModelFailed("No."), ModelTimeout("No."), ModelAuthFailed("No."), "Yes."
    )
    completion, attempts = await run(client, "a", "b", "c", "d")
    assert client.asked == ["a", "a", "b", "c", "d"]
    assert (completion.model, completion.text) == ("d", "Yes.")
    assert [attempt.model for attempt in attempts] == ["a", "a", "b", "c"]


async def test_one_model_s_own_refusal_is_told_as_it_is() -> None:
    with pytest.raises(ModelAuthFailed):
        await run(Scripted(ModelAuthFailed("The key.")), "a")


async def test_nothing_follows_an_answer_that_has_begun() -> None:
    client = Scripted(ModelInterrupted("Off."), "Other.")
    with pytest.raises(ModelInterrupted):
        await run(client, "a", "b")
    assert client.asked == ["a"]


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

"""When a model rests: for any order of calls, failures and pauses."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from codelab.kit.errors import CodeLabError
from codelab.llm import circuit as pure
from codelab.llm.circuit import Circuit, CircuitPolicy, Permit
from codelab.llm.circuits import MOST_INSISTED, Circuits
from codelab.llm.errors import (
    AnswerTimeout,
    ContextTooLong,
    ModelAuthFailed,
    ModelError,
    ModelFailed,
    ModelFiltered,
    ModelInterrupted,
    ModelMissing,
    ModelQuotaExhausted,
    ModelRateLimited,
    ModelRefused,
    ModelTimeout,
    ModelUnreachable,
)

POLICY = CircuitPolicy()
PASSING: list[type[ModelError]] = [
    ModelFailed,
    ModelInterrupted,
    ModelRateLimited,
    ModelTimeout,
    ModelUnreachable,
]
FUTILE: list[type[ModelError]] = [ModelAuthFailed, ModelMissing, ModelQuotaExhausted]
ANSWERED: list[type[ModelError]] = [ContextTooLong, ModelFiltered, ModelRefused]
waits = st.none() | st.floats(0, 2000)


class Life(RuleBasedStateMachine):
    """One model, whose calls overlap in any way."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 1000.0
        self.circuit = Circuit()
        self.running: list[Permit] = []

    @rule(seconds=st.floats(0, 100))
    def time_passes(self, seconds: float) -> None:
        self.now += seconds

    @rule()
    def somebody_asks(self) -> None:
        rests = self.circuit.rest_s(self.now) > 0
        self.circuit, permit = pure.seek(self.circuit, self.now)
        if rests:
            assert permit is None
        if permit is not None:
            self.running.append(permit)

    @rule()
    def somebody_insists(self) -> None:
        self.running.append(Permit.INSISTED)

    @precondition(lambda self: self.running)
    @rule(
        data=st.data(), kind=st.sampled_from(PASSING + FUTILE), wait_s=waits, repeated=st.booleans()
    )
    def a_call_fails(
        self, data: st.DataObject, kind: type[ModelError], wait_s: float, repeated: bool
    ) -> None:
        permit, was = self._take(data), self.circuit
        failure = kind("No.", retry_after_s=wait_s)
        self.circuit = pure.failed(was, permit, failure, self.now, POLICY, repeated=repeated)
        by_itself = kind in FUTILE or (kind is ModelRateLimited and wait_s is not None)
        if was.open_until is None and not by_itself and permit is not Permit.TRIAL:
            opened = self.circuit.open_until is not None
            assert not opened or self.circuit.calls >= 2
            assert self.circuit.calls - was.calls == (not repeated)
            assert not repeated or not opened
        if permit is Permit.TRIAL or kind in FUTILE:
            assert self.circuit.open_until is not None
        if wait_s and kind not in FUTILE and self.circuit.open_until is not None:
            assert self.circuit.rest_s(self.now) >= min(wait_s, POLICY.longest_told_s) - 0.001

    @precondition(lambda self: self.running)
    @rule(data=st.data())
    def a_call_succeeds(self, data: st.DataObject) -> None:
        permit = self._take(data)
        self.circuit = pure.began(self.circuit, permit, POLICY)
        assert permit is Permit.CLOSED or self.circuit.open_until is None
        self.circuit = pure.succeeded(self.circuit, permit)
        if permit is not Permit.CLOSED:
            assert self.circuit == Circuit()

    @precondition(lambda self: self.running)
    @rule(data=st.data())
    def a_call_is_given_up(self, data: st.DataObject) -> None:
        self.circuit = pure.released(self.circuit, self._take(data))

    @invariant()
    def at_most_one_trial_runs(self) -> None:
        if self.circuit.trying:
            assert self.running.count(Permit.TRIAL) >= 1

    @invariant()
    def the_longest_rest_is_bounded(self) -> None:
        assert self.circuit.rest_s(self.now) <= POLICY.longest_told_s + 1e-6

    @invariant()
    def a_closed_circuit_is_below_its_bound(self) -> None:
        if self.circuit.open_until is None:
            assert self.circuit.weight < POLICY.opens_at

    def _take(self, data: st.DataObject) -> Permit:
        return self.running.pop(data.draw(st.integers(0, len(self.running) - 1)))


TestLife = Life.TestCase
TestLife.settings = settings(max_examples=100, stateful_step_count=30)


def after(*failures: CodeLabError, start: Circuit | None = None) -> Circuit:
    circuit = start or Circuit()
    for failure in failures:
        circuit = pure.failed(circuit, Permit.CLOSED, failure, 0.0, POLICY)
    return circuit


@pytest.mark.parametrize(
    ("failures", "rest_s"),
    [
        ([ModelFailed("No.")] * 2, 0),
        ([ModelFailed("No.")] * 3, 5),
        ([ModelUnreachable("No."), ModelTimeout("No.")], 5),
        # One question may have no end to its answer: it takes two to say something of the model.
        ([AnswerTimeout("No.")], 0),
        ([AnswerTimeout("No."), AnswerTimeout("No.")], 5),
        ([ModelInterrupted("No.")], 0),
        ([ModelInterrupted("No.")] * 2, 5),
        # A limit without a word of its end may be one request's own, and so may a failure be that
        # asks for patience.
        ([ModelRateLimited("No.")] * 2, 0),
        ([ModelRateLimited("No.")] * 3, 5),
        ([ModelFailed("No.", retry_after_s=7)] * 2, 0),
        ([ModelRateLimited("No.", retry_after_s=40)], 40),
        ([ModelRateLimited("No.", retry_after_s=90_000)], 900),
        ([ModelFailed("No.", retry_after_s=7)] * 3, 7),
        ([ModelAuthFailed("No.")], 30),
        ([ModelQuotaExhausted("No.", retry_after_s=600)], 30),
        ([ModelRefused("No.")] * 5, 0),
        ([ModelFailed("No."), ModelFailed("No."), ContextTooLong("No."), ModelFailed("No.")], 0),
    ],
)
def test_the_rest_by_example(failures: list[CodeLabError], rest_s: float) -> None:
    assert after(*failures).rest_s(0.0) == rest_s


@given(
    st.lists(
        st.sampled_from(
            [ModelFailed, ModelInterrupted, ModelRateLimited, ModelTimeout, ModelUnreachable]
        )
    ),
    st.integers(1, 5),
)
def test_one_call_alone_never_opens_it(kinds: list[type[ModelError]], opens_at: int) -> None:
    circuit, policy = Circuit(), CircuitPolicy(opens_at=opens_at)
    for attempt, kind in enumerate(kinds):
        failure, repeated = kind("No."), attempt > 0
        circuit = pure.failed(circuit, Permit.CLOSED, failure, 0.0, policy, repeated=repeated)
    assert circuit.open_until is None


@given(st.lists(st.booleans()))
def test_only_a_few_insist_at_a_time(comings: list[bool]) -> None:
    circuits, running = Circuits(POLICY, lambda name: name), 0
    for comes in comings:
        if comes:
            permit = circuits.insist("a")
            assert (permit is None) == (running == MOST_INSISTED)
            running += permit is not None
        elif running:
            circuits.left("a", Permit.CLOSED)
            circuits.left("a", Permit.INSISTED)
            running -= 1
        assert running <= MOST_INSISTED


def test_each_failed_trial_doubles_the_rest_until_it_is_a_minute() -> None:
    circuit, now, rests = after(*[ModelFailed("No.")] * 3), 0.0, []
    for _ in range(6):
        rests.append(circuit.rest_s(now))
        now += circuit.rest_s(now)
        circuit, permit = pure.seek(circuit, now)
        assert permit is Permit.TRIAL
        circuit = pure.failed(circuit, permit, ModelFailed("No."), now, POLICY)
    assert rests == [5, 10, 20, 40, 60, 60]


def test_a_trial_that_begins_and_breaks_off_opens_it_again() -> None:
    circuit, permit = pure.seek(after(ModelRateLimited("No.", retry_after_s=1)), 2.0)
    assert permit is Permit.TRIAL
    circuit = pure.began(circuit, permit, POLICY)
    assert pure.seek(circuit, 2.0)[1] is Permit.CLOSED
    circuit = pure.failed(circuit, permit, ModelInterrupted("No."), 2.0, POLICY)
    assert circuit.rest_s(2.0) == 10


def test_a_changed_entry_of_the_catalogue_is_a_new_model() -> None:
    entries: dict[str, object] = {"a": object()}
    circuits = Circuits(POLICY, entries.get, clock=lambda: 5.0)
    circuits.failed("a", Permit.CLOSED, ModelAuthFailed("The key."))
    (resting,) = circuits.resting(["a", "b"])
    assert (resting.name, resting.code, resting.reason) == ("a", "model_auth_failed", "The key.")
    assert circuits.preferred(["a", "b"]) == "b"
    entries["a"] = object()
    assert circuits.resting(["a", "b"]) == []
    assert circuits.seek("a") is Permit.CLOSED

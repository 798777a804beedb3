"""The life of an approval: one terminal state, at most one use, and only of what was shown."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from codelab.hitl.approval import VOID, Lifecycle, Outcome
from codelab.hitl.errors import (
    AlreadyAnswered,
    ApprovalExpired,
    ApprovalMissing,
    ApprovalStale,
    ApprovalUsed,
)
from codelab.kit.errors import CodeLabError

START = datetime(2026, 1, 1, tzinfo=UTC)
DEADLINE = START + timedelta(seconds=300)
DIGESTS = ("of what was shown", "of something else", VOID)
PENDING = Lifecycle(status="pending", expires_at=DEADLINE, digest=DIGESTS[0])


class Life(RuleBasedStateMachine):
    """Whatever happens in whatever order: the rules hold."""

    def __init__(self) -> None:
        super().__init__()
        self.state = PENDING
        self.now = START
        self.terminal: list[str] = []
        self.uses: list[str] = []

    @rule(seconds=st.integers(0, 200))
    def time_passes(self, seconds: int) -> None:
        self.now += timedelta(seconds=seconds)

    @rule(wish=st.sampled_from(["approved", "rejected", "timeout"]))
    def somebody_settles(self, wish: Outcome) -> None:
        before = self.state
        try:
            self.state = before.answer(wish, self.now)
        except (AlreadyAnswered, ApprovalExpired) as refused:
            assert before.status != "pending"
            assert isinstance(refused, ApprovalExpired) == (before.status == "timeout")
            return
        assert before.status == "pending"
        if self.state.status != "pending":
            self.terminal.append(self.state.status)
        if self.now >= DEADLINE:
            assert self.state.status == "timeout"
        else:
            assert self.state.status == ("pending" if wish == "timeout" else wish)

    @rule(digest=st.sampled_from(DIGESTS))
    def the_call_wants_to_run(self, digest: str) -> None:
        before = self.state
        try:
            self.state = before.use(digest)
        except (ApprovalMissing, ApprovalStale, ApprovalUsed):
            assert self.state == before
            return
        assert before.status == "approved"
        self.uses.append(digest)

    @invariant()
    def there_is_one_terminal_state_at_most(self) -> None:
        assert len(self.terminal) <= 1
        assert (self.state.status == "pending") == (not self.terminal)

    @invariant()
    def it_is_used_once_at_most_for_what_was_shown_and_approved(self) -> None:
        assert self.uses in ([], [DIGESTS[0]])
        assert not self.uses or self.terminal == ["approved"]
        assert self.state.used == bool(self.uses)


TestLife = Life.TestCase


@given(seconds=st.integers(-1000, 1000), wish=st.sampled_from(["approved", "rejected"]))
def test_the_deadline_itself_is_too_late(seconds: int, wish: Outcome) -> None:
    at = DEADLINE + timedelta(microseconds=seconds)
    settled = PENDING.answer(wish, at)
    assert settled.status == ("timeout" if seconds >= 0 else wish)


@pytest.mark.parametrize(
    ("state", "error", "code", "status"),
    [
        (PENDING, ApprovalMissing, "approval_missing", 403),
        (PENDING.answer("rejected", START), ApprovalMissing, "approval_missing", 403),
        (PENDING.answer("timeout", DEADLINE), ApprovalMissing, "approval_missing", 403),
        (
            PENDING.answer("approved", START).use(DIGESTS[0]),
            ApprovalUsed,
            "approval_used",
            409,
        ),
    ],
)
def test_the_gate_says_why(
    state: Lifecycle, error: type[CodeLabError], code: str, status: int
) -> None:
    with pytest.raises(error) as refused:
        state.use(DIGESTS[0])
    assert (refused.value.code, refused.value.status) == (code, status)


def test_a_void_approval_lets_nothing_through() -> None:
    void = Lifecycle(status="approved", expires_at=DEADLINE, digest=VOID)
    for digest in DIGESTS:
        with pytest.raises(ApprovalStale):
            void.use(digest)

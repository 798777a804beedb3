"""The life of an approval, as a pure state machine, and what is known of one.

pending ─┬─ approved ── used, once
         ├─ rejected
         └─ timeout
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

import msgspec

from codelab.hitl.errors import (
    AlreadyAnswered,
    ApprovalExpired,
    ApprovalMissing,
    ApprovalStale,
    ApprovalUsed,
)
from codelab.sdk.facts import CallFacts
from codelab.sessions.events import ApprovalStatus, Question

Outcome = Literal["approved", "rejected", "timeout"]

# The digest of an approval that was given for something which had changed by then: no call has it.
VOID = ""


class Lifecycle(msgspec.Struct, frozen=True, kw_only=True):
    """Where an approval stands.

    Args:
        status: Its status.
        expires_at: Until when it waits for an answer.
        digest: The one call that it is for.
        used: Whether that call was started.
    """

    status: ApprovalStatus
    expires_at: datetime
    digest: str
    used: bool = False

    def answer(self, wish: Outcome, at: datetime) -> Lifecycle:
        """Bring a pending approval to its terminal state: `timeout` from the deadline on.

        Raises:
            AlreadyAnswered, ApprovalExpired: It has its terminal state already.
        """
        self.require_pending()
        if at >= self.expires_at:
            wish = "timeout"
        elif wish == "timeout":
            return self
        return msgspec.structs.replace(self, status=wish)

    def require_pending(self) -> None:
        """Refuse an approval that has its terminal state.

        Raises:
            AlreadyAnswered, ApprovalExpired: It has.
        """
        if self.status == "timeout":
            raise expired()
        if self.status != "pending":
            raise answered()

    def use(self, digest: str) -> Lifecycle:
        """Start the call that was approved.

        Raises:
            ApprovalMissing: It was not approved.
            ApprovalUsed: It was started before.
            ApprovalStale: What would run is not what was approved.
        """
        if self.status != "approved":
            raise missing()
        if self.used:
            raise ApprovalUsed("This call was started before. It does not run twice.")
        if digest == VOID or digest != self.digest:
            raise ApprovalStale("What would run now is not what was approved. Ask again.")
        return msgspec.structs.replace(self, used=True)


class ApprovalRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A protected call's row.

    Args:
        parameters: What the agent asked for.
        digest: SHA-256 over tool, parameters and the state of what would be touched.
        preview: What the human sees; of the edited call once it was edited.
        responded_by: A user's name, `policy`, `deadline` or `cancellation`.
        question: Whether the call may run, or run again after it was found started.
        reason: Why a rule has a human asked, if one has.
        edited_parameters: What the human made of the parameters, if they changed them.
        edited_digest: The digest that counts instead of `digest`, if there is one.
        facts: What the human judges it by, as data.
        edit_diff: What the human changed of what the agent wanted.
    """

    id: str
    session_id: str
    turn_id: str
    call_id: str
    user_id: str
    agent: str
    tool: str
    parameters: dict[str, Any]
    digest: str
    preview: str
    risk: str
    status: ApprovalStatus
    created_at: datetime
    expires_at: datetime
    responded_at: datetime | None = None
    responded_by: str | None = None
    feedback: str = ""
    edited_parameters: dict[str, Any] | None = None
    edited_digest: str | None = None
    used_at: datetime | None = None
    warned_at: datetime | None = None
    question: Question = "run"
    reason: str | None = None
    response_time_ms: int | None = None
    facts: CallFacts = CallFacts()
    edit_diff: str = ""

    @property
    def effective_digest(self) -> str:
        """The digest of the one call that this is for."""
        return self.digest if self.edited_digest is None else self.edited_digest

    @property
    def effective_parameters(self) -> dict[str, Any]:
        """The parameters of the one call that this is for."""
        return self.parameters if self.edited_parameters is None else self.edited_parameters

    @property
    def lifecycle(self) -> Lifecycle:
        """Where it stands."""
        return Lifecycle(
            status=self.status,
            expires_at=self.expires_at,
            digest=self.effective_digest,
            used=self.used_at is not None,
        )


def about(record: ApprovalRecord) -> dict[str, str]:
    """Return what every event about an approval says."""
    return {
        "approval_id": record.id,
        "session_id": record.session_id,
        "turn_id": record.turn_id,
        "call_id": record.call_id,
        "user_id": record.user_id,
        "agent": record.agent,
        "tool": record.tool,
    }


def missing() -> ApprovalMissing:
    """Say that a call may not run."""
    return ApprovalMissing("This call needs an approval that it does not have.")


def answered() -> AlreadyAnswered:
    """Say that somebody was first."""
    return AlreadyAnswered("This request was answered already.")


def expired() -> ApprovalExpired:
    """Say that the deadline has passed."""
    return ApprovalExpired("This request has expired. Nothing was run; the agent was told.")

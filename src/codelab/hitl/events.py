"""What happened to requests for approval, told after it was committed."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from codelab.kit.events import EphemeralEvent, Event
from codelab.sessions.events import ApprovalStatus


class ApprovalEvent(Event, frozen=True, kw_only=True):
    """Something about one protected call.

    Args:
        user_id: On whose behalf the call would run.
    """

    approval_id: str
    session_id: str
    turn_id: str
    call_id: str
    user_id: str
    agent: str
    tool: str


class ApprovalRequested(ApprovalEvent, frozen=True, kw_only=True):
    """A human is asked.

    Args:
        rule_ids: The user's rules that have them asked.
    """

    risk: str
    digest: str
    expires_at: datetime
    rule_ids: tuple[str, ...] = ()


class ApprovalExpiring(ApprovalEvent, EphemeralEvent, frozen=True, kw_only=True):
    """A request is about to expire without an answer."""

    expires_at: datetime


class ApprovalResolved(ApprovalEvent, frozen=True, kw_only=True):
    """A request reached its one terminal state.

    Args:
        by: The user's name, `deadline` or `cancellation`.
        digest: What may run now, or what was asked for.
        edited: Whether the human changed the parameters.
    """

    status: ApprovalStatus
    by: str
    feedback: str
    response_time_ms: int
    digest: str
    edited: bool = False


class PolicyApplied(ApprovalEvent, frozen=True, kw_only=True):
    """A rule decided and nobody was asked.

    Args:
        rule_ids: The user's rules that did.
    """

    decision: Literal["allow", "deny"]
    reason: str
    digest: str
    rule_ids: tuple[str, ...] = ()


class ApprovalUsed(ApprovalEvent, frozen=True, kw_only=True):
    """A protected call passed the gate and starts."""

    digest: str


class RuleEvent(Event, frozen=True, kw_only=True):
    """Something about a rule that a user made for a workspace or a session."""

    rule_id: str
    user_id: str
    workspace_id: str | None
    session_id: str | None


class RuleAdded(RuleEvent, frozen=True, kw_only=True):
    """A user made a rule, by itself or with an answer (`approval_id`)."""

    decision: str
    tool: str
    approval_id: str | None


class RuleRevoked(RuleEvent, frozen=True, kw_only=True):
    """A user took a rule back."""

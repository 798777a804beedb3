"""What can go wrong with approvals."""

from __future__ import annotations

from codelab.kit.errors import CodeLabError, Conflict, Forbidden, InvalidInput, NotFound


class ApprovalNotFound(NotFound):
    """There is no such request for this user."""

    code = "approval_not_found"
    title = "Request for approval not found"


class AlreadyAnswered(Conflict):
    """Somebody was first: the request has its one answer."""

    code = "already_answered"
    title = "Already answered"


class ApprovalExpired(Conflict):
    """The answer came after the deadline."""

    code = "approval_expired"
    title = "The request has expired"


class ApprovalStale(Conflict):
    """What was approved is not what would run now."""

    code = "approval_stale"
    title = "The target has changed"


class ApprovalMissing(Forbidden):
    """A protected call has no approval of its own."""

    code = "approval_missing"
    title = "Not approved"


class ApprovalUsed(Conflict):
    """The call was started before; one approval is good for one start."""

    code = "approval_used"
    title = "The approval was used"


class RuleInvalid(InvalidInput):
    """A rule cannot be made like this."""

    code = "rule_invalid"
    title = "The rule cannot be made"


class RuleNotFound(NotFound):
    """There is no such rule of this user."""

    code = "rule_not_found"
    title = "Rule not found"


class PolicyInvalid(CodeLabError):
    """The policy file cannot be used."""

    code = "policy_invalid"
    title = "The policy file is wrong"

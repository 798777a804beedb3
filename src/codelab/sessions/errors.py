"""What can go wrong with sessions and turns."""

from __future__ import annotations

from codelab.kit.errors import CodeLabError, Conflict, NotFound


class SessionNotFound(NotFound):
    """There is no such session for this user."""

    code = "session_not_found"
    title = "Session not found"


class MessageNotFound(NotFound):
    """The session has no such message."""

    code = "message_not_found"
    title = "Message not found"


class CompactionNotFound(NotFound):
    """The session has no such compaction in force."""

    code = "compaction_not_found"
    title = "Compaction not found"


class CheckpointNotFound(NotFound):
    """The session has no such checkpoint."""

    code = "checkpoint_not_found"
    title = "Checkpoint not found"


class TurnInProgress(Conflict):
    """The session is busy with an earlier message."""

    code = "turn_in_progress"
    title = "A turn is in progress"


class NoTurnInProgress(Conflict):
    """There is nothing to cancel."""

    code = "no_turn_in_progress"
    title = "No turn is in progress"


class LeaseLost(CodeLabError):
    """Another replica owns the turn now: nothing more may be written here."""

    code = "lease_lost"
    title = "The turn went on elsewhere"
    status = 409
    retryable = True

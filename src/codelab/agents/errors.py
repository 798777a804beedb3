"""What can go wrong while agents work."""

from __future__ import annotations

from codelab.kit.errors import CodeLabError, Conflict, InvalidInput


class AgentUnknown(InvalidInput):
    """No agent of this name is installed."""

    code = "agent_unknown"
    title = "Unknown agent"


class DelegationRefused(InvalidInput):
    """The agent may not steer the turn in this way; the text tells its model what it may do."""

    code = "delegation_refused"
    title = "Not allowed to delegate this"


class ModelKeepsFailing(CodeLabError):
    """The model wrote unusable tool calls several times in a row."""

    code = "model_broken_tool_calls"
    title = "The model cannot call its tools"
    status = 502
    retryable = True


class AnswersUnusable(CodeLabError):
    """A model's answers broke off, or held nothing, several times in a row."""

    code = "model_answers_unusable"
    title = "The model does not bring its answer to an end"
    status = 502
    retryable = True


class CallCutOff(InvalidInput):
    """The answer ended in the middle of a tool call; the text tells its model what to do."""

    code = "call_cut_off"
    title = "The tool call is not whole"


class CallsRepeated(CodeLabError):
    """The agent made the same calls again and again."""

    code = "calls_repeated"
    title = "The agent goes round in circles"
    status = 409


class TurnTooLong(CodeLabError):
    """The turn was worked on for as long as one turn may be."""

    code = "turn_too_long"
    title = "The turn took too long"
    status = 409


class NothingToCompact(Conflict):
    """The conversation is too short for anything to be hidden."""

    code = "nothing_to_compact"
    title = "There is nothing to compact"


class CheckpointPruned(CodeLabError):
    """What a checkpoint kept of the files is gone: they are kept for a week, and up to a size."""

    code = "checkpoint_pruned"
    title = "The files of this checkpoint are not kept any more"
    status = 410


class CheckpointsOff(Conflict):
    """The administrator has switched checkpoints off."""

    code = "checkpoints_off"
    title = "Checkpoints are off"


class StepLimitReached(CodeLabError):
    """The turn took as many steps as one turn may."""

    code = "max_steps"
    title = "Too many steps"
    status = 409

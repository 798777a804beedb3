"""The facts of a session's log, and what sessions tell the rest of the process.

A *fact* is stored, in order, in the log of its session; clients see each as one frame with its
`seq`. Everything else here is ephemeral.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

import msgspec

from codelab.kit.events import EphemeralEvent, Event
from codelab.sdk.facts import CallFacts
from codelab.sdk.messages import Thinking, ToolCall
from codelab.sdk.model import Usage
from codelab.sessions.attachments import Attachment as Attachment
from codelab.sessions.attachments import MessageContext as MessageContext
from codelab.sessions.attachments import Selection as Selection
from codelab.sessions.checkpoint_facts import ChangedFile as ChangedFile
from codelab.sessions.checkpoint_facts import CheckpointMissed as CheckpointMissed
from codelab.sessions.checkpoint_facts import CheckpointRestored as CheckpointRestored
from codelab.sessions.checkpoint_facts import CheckpointTaken as CheckpointTaken
from codelab.sessions.checkpoint_facts import FileVersion as FileVersion
from codelab.sessions.checkpoint_facts import LeftAlone as LeftAlone
from codelab.sessions.fact import ROOT_TASK as ROOT_TASK
from codelab.sessions.fact import Fact
from codelab.sessions.lease import Lease

# Why a message ended that no model has brought to its end.
CANCELLED = "cancelled"
INTERRUPTED = "interrupted"

StopReason = Literal["end", "cancelled", "error", "max_steps", "budget"]
StepStatus = Literal["pending", "running", "done", "failed"]
SessionState = Literal["idle", "processing", "waiting", "executing", "error"]
# Whether a call may run, or whether one may run again that may have run before a crash.
Question = Literal["run", "retry"]
ApprovalStatus = Literal["pending", "approved", "rejected", "timeout"]


class UserMessageReceived(Fact, frozen=True, kw_only=True, tag="user_message"):
    """The human asked for something; this opens a turn. `by` is their user name."""

    message_id: str
    text: str
    by: str = ""
    agent: str | None = None
    model: str | None = None
    context: MessageContext = MessageContext()


class ContentAttached(Fact, frozen=True, kw_only=True, tag="attached"):
    """Contents of the workspace are shown to the model, as they were then.

    Args:
        to: The message or the call that they belong to; empty for what holds for the whole turn.
        attachments: What it was, and what could not be attached.
    """

    attachments: tuple[Attachment, ...]
    to: str = ""
    task_id: str = ROOT_TASK


class AgentChosen(Fact, frozen=True, kw_only=True, tag="agent"):
    """An agent took over the turn, or a delegated task (`task_id`) was given to one."""

    agent: str
    reason: str
    previous: str | None = None
    task_id: str = ROOT_TASK
    prompt: str = ""


class PlanStep(msgspec.Struct, frozen=True, kw_only=True):
    """One step of a plan."""

    id: str
    title: str
    agent: str = ""
    status: StepStatus = "pending"


class PlanUpdated(Fact, frozen=True, kw_only=True, tag="plan"):
    """The plan as it stands now, whole."""

    steps: tuple[PlanStep, ...]
    task_id: str = ROOT_TASK


class AssistantMessageCompleted(Fact, frozen=True, kw_only=True, tag="assistant_message"):
    """A model finished a message, or was kept from it.

    Then `finish_reason` is `cancelled` if somebody stopped it, `interrupted` if it broke off.
    `tried` names the models that were asked before and failed, or were passed over, as
    `name: code`.
    """

    message_id: str
    agent: str
    model: str
    text: str = ""
    reasoning: str = ""
    tool_calls: tuple[ToolCall, ...] = ()
    finish_reason: str = "stop"
    thinking: Thinking | None = None
    tried: tuple[str, ...] = ()
    task_id: str = ROOT_TASK


class AnswerRestarted(Fact, frozen=True, kw_only=True, tag="restarted"):
    """An answer could not be used, and a model is asked again for the whole of it.

    Args:
        message_id: The answer; whatever was shown of it counts no more.
        agent: Whose answer it was.
        failed_model: The model that gave it.
        model: The model that is asked now; should it fail as well, the message tells which did
            answer.
        reason: What was wrong, in a sentence.
    """

    message_id: str
    agent: str
    failed_model: str
    model: str
    reason: str
    task_id: str = ROOT_TASK


class ToolCallRequested(Fact, frozen=True, kw_only=True, tag="tool_call"):
    """A tool call was checked and will run, or waits for a human.

    A second one for the same `call_id` replaces the first: the approval had become stale, or the
    call was found started after a crash and a human is asked whether to run it again (`question`
    is `retry`). `reason` says why the policy has a human asked; `facts`, what they judge it by.
    """

    call_id: str
    tool: str
    agent: str
    parameters: dict[str, Any]
    risk: str
    requires_approval: bool = False
    approval_id: str | None = None
    expires_at: datetime | None = None
    preview: str = ""
    layer: str = ""
    reason: str = ""
    question: Question = "run"
    facts: CallFacts = CallFacts()
    task_id: str = ROOT_TASK


class ToolCallCompleted(Fact, frozen=True, kw_only=True, tag="tool_result"):
    """A tool call has its result: exactly one per call.

    When it was `refused`, the output is a human's answer, and no tool has run.
    """

    call_id: str
    tool: str
    ok: bool
    output: str
    truncated: bool = False
    duration_ms: int = 0
    invalid_arguments: bool = False
    refused: bool = False
    task_id: str = ROOT_TASK


class ApprovalAnswered(Fact, frozen=True, kw_only=True, tag="approval"):
    """A request for approval reached its one terminal state.

    Args:
        by: The user's name, `policy` or `deadline`.
    """

    approval_id: str
    call_id: str
    status: ApprovalStatus
    by: str
    feedback: str = ""


class UsageRecorded(Fact, frozen=True, kw_only=True, tag="usage"):
    """What one model call used, whole or broken off; `usage_id` is that of its row in the table."""

    agent: str
    model: str
    usage: Usage
    usage_id: str = ""
    task_id: str = ROOT_TASK


class Shortened(msgspec.Struct, frozen=True, kw_only=True):
    """A message of which only the beginning is shown: so many bytes of its text."""

    key: str
    kept_bytes: int


class ContextCompacted(Fact, frozen=True, kw_only=True, tag="compacted"):
    """A part of a conversation is not shown to its model any more; the log keeps all of it.

    Messages are named by their identifiers, results by those of their calls.

    Args:
        agent: Whose conversation it is.
        model: Who wrote the summary; empty without one.
        aged: Results that a note stands for.
        hidden: Messages and results that are left out, the summary or a note in their place.
        shortened: Messages that are shown in part.
        summary: What a model wrote of all that is hidden up to here.
        hidden_messages: How many messages are newly hidden.
        hidden_through_seq: Everything said up to this place in the log is hidden.
        tokens_before: What the prompt took.
        tokens_after: What it takes now.
    """

    agent: str
    model: str = ""
    aged: tuple[str, ...] = ()
    hidden: tuple[str, ...] = ()
    shortened: tuple[Shortened, ...] = ()
    summary: str = ""
    hidden_messages: int = 0
    hidden_through_seq: int = 0
    tokens_before: int = 0
    tokens_after: int = 0
    task_id: str = ROOT_TASK


class ContextRestored(Fact, frozen=True, kw_only=True, tag="restored"):
    """A compaction was undone, and with it all later ones."""

    compaction_seq: int
    by: str = ""


class TurnFailed(Fact, frozen=True, kw_only=True, tag="error"):
    """Something ended the turn, or a delegated task (`task_id`), in a way the user should read."""

    code: str
    message: str
    retryable: bool = False
    task_id: str = ROOT_TASK


class TurnEnded(Fact, frozen=True, kw_only=True, tag="done"):
    """The turn is over."""

    message_id: str
    stop_reason: StopReason
    duration_ms: int
    usage: Usage = Usage()


AnyFact = (
    UserMessageReceived
    | ContentAttached
    | AgentChosen
    | PlanUpdated
    | AssistantMessageCompleted
    | AnswerRestarted
    | ToolCallRequested
    | ToolCallCompleted
    | ApprovalAnswered
    | UsageRecorded
    | ContextCompacted
    | ContextRestored
    | CheckpointTaken
    | CheckpointMissed
    | CheckpointRestored
    | TurnFailed
    | TurnEnded
)


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """A fact at its place in the log; `seq` starts at 1 and has no gaps."""

    seq: int
    epoch: int
    turn_id: str
    at: datetime
    fact: AnyFact


class FactsRecorded(Event, frozen=True, kw_only=True):
    """Entries were committed to a session's log."""

    session_id: str
    user_id: str
    entries: tuple[Entry, ...]


class TurnStarted(Event, frozen=True, kw_only=True):
    """A turn was opened; this replica holds its lease. `opening` is the entry that opened it."""

    session_id: str
    turn_id: str
    user_id: str
    held: Lease
    opening: Entry


class TurnClosed(Event, frozen=True, kw_only=True):
    """A turn reached its end."""

    session_id: str
    turn_id: str
    user_id: str
    agent: str
    stop_reason: StopReason
    duration_ms: int
    usage: Usage


class TurnCancelRequested(Event, frozen=True, kw_only=True):
    """Somebody asked to stop the session's running turn."""

    session_id: str
    turn_id: str


class SessionStateChanged(EphemeralEvent, frozen=True, kw_only=True):
    """What the session does right now: idle, processing, waiting, executing or error."""

    session_id: str
    state: SessionState
    agent: str = ""


class ContextParts(msgspec.Struct, frozen=True, kw_only=True):
    """Estimated tokens of each part of a prompt, and those kept free for the answer."""

    system: int = 0
    tools: int = 0
    history: int = 0
    attachments: int = 0
    answer: int = 0


class ContextMeasured(EphemeralEvent, frozen=True, kw_only=True):
    """A model is about to be asked: how much of its window the prompt takes."""

    session_id: str
    agent: str
    model: str
    used_tokens: int
    budget_tokens: int
    parts: ContextParts
    task_id: str = ROOT_TASK


class TurnLetGo(EphemeralEvent, frozen=True, kw_only=True):
    """This process carries the session's turn forward no more, whoever does or does not."""

    session_id: str


class TokenStreamed(EphemeralEvent, frozen=True, kw_only=True):
    """A piece of a message while it is written; `offset` counts the characters before it."""

    session_id: str
    message_id: str
    agent: str
    text: str
    offset: int
    reasoning: bool = False
    task_id: str = ROOT_TASK


class ModelAwaited(EphemeralEvent, frozen=True, kw_only=True):
    """An answer takes longer than usual.

    Args:
        model: The model that will be asked, or is asked now.
        reason: What has happened, in a sentence.
        until: When it will be asked; none when that is now.
    """

    session_id: str
    agent: str
    model: str
    reason: str
    until: datetime | None = None
    task_id: str = ROOT_TASK


class ToolOutputStreamed(EphemeralEvent, frozen=True, kw_only=True):
    """A piece of a running tool's output."""

    session_id: str
    call_id: str
    text: str

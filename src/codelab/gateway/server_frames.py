"""The frames the server sends: the durable ones carry `seq` and `epoch`, the others don't."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

import msgspec

from codelab.sdk.model import Usage
from codelab.sessions.events import (
    ApprovalStatus,
    ContextParts,
    MessageContext,
    PlanStep,
    Question,
    StopReason,
)

State = Literal["idle", "processing", "waiting", "executing", "error"]


class _Data(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    pass


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """What a client may send."""

    frame_bytes: int
    message_characters: int
    sessions: int


class HelloData(msgspec.Struct, frozen=True, kw_only=True):
    """The first frame after sign-in."""

    version: str
    limits: Limits
    ping_interval_s: float
    user_id: str


class AckData(_Data, frozen=True, kw_only=True):
    """What a client's frame led to."""

    of: str
    turn_id: str | None = None
    message_id: str | None = None
    approval_id: str | None = None
    status: str | None = None


class StateData(msgspec.Struct, frozen=True, kw_only=True):
    """What the session does right now, and which agent works."""

    state: State
    agent: str


class AgentData(msgspec.Struct, frozen=True, kw_only=True, rename={"previous": "from"}):
    """An agent took over, or was given a delegated task."""

    previous: str | None
    to: str
    reason: str
    task_id: str = ""


class PlanData(_Data, frozen=True, kw_only=True):
    """The plan as it stands now, whole."""

    steps: tuple[PlanStep, ...]
    task_id: str = ""


class MessageData(_Data, frozen=True, kw_only=True):
    """A whole message; what was streamed of it before is replaced by this text."""

    message_id: str
    role: Literal["user", "assistant"]
    text: str
    agent: str | None = None
    model: str | None = None
    context: MessageContext | None = None
    reasoning: str = ""
    finish_reason: str | None = None
    task_id: str = ""
    shortened: bool = False


class TokenData(_Data, frozen=True, kw_only=True):
    """A piece of a message; `offset` counts the characters before it."""

    message_id: str
    agent: str
    text: str
    offset: int
    reasoning: bool = False
    task_id: str = ""


class ToolCallData(_Data, frozen=True, kw_only=True):
    """A tool call that will run, or waits for a human.

    `shortened` says that long values were cut to fit a frame: the whole is to be had over REST.
    """

    call_id: str
    tool: str
    parameters: dict[str, Any]
    agent: str
    risk: str
    requires_approval: bool
    approval_id: str | None = None
    expires_at: datetime | None = None
    preview: str = ""
    layer: str = ""
    reason: str = ""
    question: Question = "run"
    task_id: str = ""
    shortened: bool = False


class ToolOutputData(msgspec.Struct, frozen=True, kw_only=True):
    """A piece of a running tool's output."""

    call_id: str
    text: str


class ToolResultData(_Data, frozen=True, kw_only=True):
    """How a tool call ended."""

    call_id: str
    ok: bool
    output: str
    truncated: bool
    duration_ms: int
    tool: str = ""
    task_id: str = ""
    shortened: bool = False


class ApprovalExpiringData(msgspec.Struct, frozen=True, kw_only=True):
    """Until when the request can still be answered."""

    approval_id: str
    call_id: str
    expires_at: datetime


class ApprovalData(_Data, frozen=True, kw_only=True):
    """How a request for approval was answered."""

    approval_id: str
    status: ApprovalStatus
    by: str
    call_id: str = ""
    feedback: str = ""


class UsageData(_Data, frozen=True, kw_only=True):
    """What one model call used."""

    input_tokens: int
    output_tokens: int
    cost_usd: float
    model: str
    agent: str = ""
    estimated: bool = False
    task_id: str = ""


class ContextData(_Data, frozen=True, kw_only=True):
    """How much of what it may take a prompt takes, in estimated tokens, and what takes it."""

    used_tokens: int
    budget_tokens: int
    parts: ContextParts
    model: str
    agent: str
    task_id: str = ""


class CompactedData(_Data, frozen=True, kw_only=True):
    """How much is hidden from the model now; without a `model` nobody has summarised it."""

    hidden_messages: int
    aged_results: int
    tokens_before: int
    tokens_after: int
    agent: str
    model: str = ""
    summary: str = ""
    task_id: str = ""
    shortened: bool = False


class RestoredData(msgspec.Struct, frozen=True, kw_only=True):
    """Which compaction was undone, and with it all later ones."""

    compaction_seq: int
    by: str


class ErrorData(_Data, frozen=True, kw_only=True):
    """What went wrong, for the user to read."""

    code: str
    message: str
    retryable: bool
    field: str | None = None
    retry_after_s: float | None = None
    task_id: str = ""


class DoneData(msgspec.Struct, frozen=True, kw_only=True):
    """The turn is over."""

    message_id: str
    stop_reason: StopReason
    duration_ms: int
    usage: Usage


class RecoveredData(msgspec.Struct, frozen=True, kw_only=True):
    """Frames after `from_seq` follow; with `ok` false the client drops what it has first."""

    ok: bool
    from_seq: int


class PongData(msgspec.Struct, frozen=True, kw_only=True):
    """Nothing."""


class ServerFrame(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", omit_defaults=True):
    """The envelope."""

    session_id: str | None = None
    id: str | int | None = None
    seq: int | None = None
    epoch: int | None = None
    turn_id: str | None = None
    at: datetime | None = None


class Hello(ServerFrame, frozen=True, kw_only=True, tag="hello"):
    """Welcome."""

    data: HelloData


class Ack(ServerFrame, frozen=True, kw_only=True, tag="ack"):
    """A client's frame was carried out."""

    data: AckData


class StateChanged(ServerFrame, frozen=True, kw_only=True, tag="state"):
    """The session's state changed."""

    data: StateData


class Agent(ServerFrame, frozen=True, kw_only=True, tag="agent"):
    """An agent was chosen."""

    data: AgentData


class Plan(ServerFrame, frozen=True, kw_only=True, tag="plan"):
    """The plan changed."""

    data: PlanData


class Message(ServerFrame, frozen=True, kw_only=True, tag="message"):
    """A message is complete."""

    data: MessageData


class Token(ServerFrame, frozen=True, kw_only=True, tag="token"):
    """A message goes on."""

    data: TokenData


class ToolCall(ServerFrame, frozen=True, kw_only=True, tag="tool_call"):
    """A tool is about to be used."""

    data: ToolCallData


class ToolOutput(ServerFrame, frozen=True, kw_only=True, tag="tool_output"):
    """A tool says something."""

    data: ToolOutputData


class ToolResult(ServerFrame, frozen=True, kw_only=True, tag="tool_result"):
    """A tool has ended."""

    data: ToolResultData


class ApprovalExpiring(ServerFrame, frozen=True, kw_only=True, tag="approval_expiring"):
    """A request for approval will soon time out; it is not stored."""

    data: ApprovalExpiringData


class Approval(ServerFrame, frozen=True, kw_only=True, tag="approval"):
    """A request for approval was answered."""

    data: ApprovalData


class Used(ServerFrame, frozen=True, kw_only=True, tag="usage"):
    """A model call was paid for."""

    data: UsageData


class Context(ServerFrame, frozen=True, kw_only=True, tag="context"):
    """A model is asked: how long the prompt is; it is not stored."""

    data: ContextData


class Compacted(ServerFrame, frozen=True, kw_only=True, tag="compacted"):
    """Older messages are hidden from the model."""

    data: CompactedData


class Restored(ServerFrame, frozen=True, kw_only=True, tag="restored"):
    """Hidden messages are shown to the model again."""

    data: RestoredData


class Error(ServerFrame, frozen=True, kw_only=True, tag="error"):
    """Something went wrong: with a client's frame (`id`), or with the turn (`seq`)."""

    data: ErrorData


class Done(ServerFrame, frozen=True, kw_only=True, tag="done"):
    """The turn is over."""

    data: DoneData


class Recovered(ServerFrame, frozen=True, kw_only=True, tag="recovered"):
    """The answer to `resume`; its `epoch` is the one to name next time."""

    data: RecoveredData


class Pong(ServerFrame, frozen=True, kw_only=True, tag="pong"):
    """The answer to `ping`."""

    data: PongData


AnyServerFrame = (
    Hello
    | Ack
    | StateChanged
    | Agent
    | Plan
    | Message
    | Token
    | ToolCall
    | ToolOutput
    | ToolResult
    | Approval
    | ApprovalExpiring
    | Used
    | Context
    | Compacted
    | Restored
    | Error
    | Done
    | Recovered
    | Pong
)

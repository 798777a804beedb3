"""The frames the server sends: the durable ones carry `seq` and `epoch`, the others don't."""

from __future__ import annotations

from datetime import datetime

import msgspec

from codelab.gateway.frame_data import (
    AckData,
    AgentData,
    ApprovalData,
    ApprovalExpiringData,
    ApprovalsWaitingData,
    AttachedData,
    CheckpointData,
    CheckpointMissedData,
    CheckpointRestoredData,
    CompactedData,
    ContextData,
    DoneData,
    ErrorData,
    HelloData,
    MessageData,
    PlanData,
    PongData,
    RecoveredData,
    RestartedData,
    RestoredData,
    StateData,
    TokenData,
    ToolCallData,
    ToolOutputData,
    ToolResultData,
    UsageData,
    WaitingForModelData,
)


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


class Attached(ServerFrame, frozen=True, kw_only=True, tag="attached"):
    """Contents of the project are shown to the model."""

    data: AttachedData


class Plan(ServerFrame, frozen=True, kw_only=True, tag="plan"):
    """The plan changed."""

    data: PlanData


class Message(ServerFrame, frozen=True, kw_only=True, tag="message"):
    """A message is complete."""

    data: MessageData


class Restarted(ServerFrame, frozen=True, kw_only=True, tag="restarted"):
    """An answer is asked for again."""

    data: RestartedData


class WaitingForModel(ServerFrame, frozen=True, kw_only=True, tag="waiting_for_model"):
    """An answer takes longer than usual; it is not stored."""

    data: WaitingForModelData


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


class ApprovalsWaiting(ServerFrame, frozen=True, kw_only=True, tag="approvals_waiting"):
    """What waits for the user changed, in any session; it is not stored.

    After `hello` it comes only if something waits.
    """

    data: ApprovalsWaitingData


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


class Checkpoint(ServerFrame, frozen=True, kw_only=True, tag="checkpoint"):
    """A place to which the user may go back."""

    data: CheckpointData


class CheckpointMissed(ServerFrame, frozen=True, kw_only=True, tag="checkpoint_missed"):
    """This turn cannot be undone."""

    data: CheckpointMissedData


class CheckpointRestored(ServerFrame, frozen=True, kw_only=True, tag="checkpoint_restored"):
    """The session went back to a checkpoint."""

    data: CheckpointRestoredData


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
    | Attached
    | Plan
    | Message
    | Restarted
    | WaitingForModel
    | Token
    | ToolCall
    | ToolOutput
    | ToolResult
    | Approval
    | ApprovalExpiring
    | ApprovalsWaiting
    | Used
    | Context
    | Compacted
    | Restored
    | Checkpoint
    | CheckpointMissed
    | CheckpointRestored
    | Error
    | Done
    | Recovered
    | Pong
)

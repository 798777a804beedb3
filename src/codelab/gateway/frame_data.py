"""What the frames of the server carry in `data`."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

import msgspec

from codelab.sdk.facts import CallFacts
from codelab.sdk.model import Usage
from codelab.sessions.events import (
    ApprovalStatus,
    ContextParts,
    LeftAlone,
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


class AttachedItem(_Data, frozen=True, kw_only=True):
    """What a model is shown of the project, `found` with its lines; or why it is not."""

    path: str
    kind: Literal["file", "folder", "instructions", "found"]
    first: int = 0
    last: int = 0
    characters: int = 0
    truncated: bool = False
    refused: str = ""


class AttachedData(_Data, frozen=True, kw_only=True):
    """What was attached to a message or a result (`to`), or to the whole turn."""

    attachments: tuple[AttachedItem, ...]
    to: str = ""
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
    tried: tuple[str, ...] = ()
    task_id: str = ""
    shortened: bool = False


class RestartedData(_Data, frozen=True, kw_only=True):
    """An answer could not be used: what was shown of it counts no more, and `model` is asked."""

    message_id: str
    agent: str
    failed_model: str
    model: str
    reason: str
    task_id: str = ""


class WaitingForModelData(_Data, frozen=True, kw_only=True):
    """Why an answer takes longer; `until` is when the model will be asked, absent if it is now."""

    agent: str
    model: str
    reason: str
    until: datetime | None = None
    task_id: str = ""


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
    facts: CallFacts = CallFacts()
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


class WaitingApproval(msgspec.Struct, frozen=True, kw_only=True):
    """A request that waits for the user's answer, in whichever session."""

    approval_id: str
    session_id: str
    call_id: str
    agent: str
    tool: str
    risk: str
    created_at: datetime
    expires_at: datetime


class ApprovalsWaitingData(msgspec.Struct, frozen=True, kw_only=True):
    """All that waits for the user's answer; `approvals` names those that end first."""

    count: int
    approvals: tuple[WaitingApproval, ...]


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


class CheckpointData(_Data, frozen=True, kw_only=True):
    """A checkpoint was taken: before a turn's first change, or after a call's (`call_id`).

    `files` names the first of the `changed_files`; `left_out` what is not kept.
    """

    checkpoint_id: str
    changed_files: int
    files: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()
    call_id: str = ""
    tool: str = ""
    agent: str = ""
    task_id: str = ""


class CheckpointMissedData(_Data, frozen=True, kw_only=True):
    """Why what this turn changes cannot be undone, or not all of it."""

    reason: str
    call_id: str = ""
    task_id: str = ""


class CheckpointRestoredData(_Data, frozen=True, kw_only=True):
    """Where the session went back to; `restoration_id` is the checkpoint that undoes this.

    `files` names the first of the `restored_files`, `conflicts` the first of those left alone.
    With `conversation`, models are not shown any more what stands behind `through_seq`.
    """

    checkpoint_id: str
    restoration_id: str
    through_seq: int
    conversation: bool
    restored_files: int
    conflicting_files: int
    by: str
    files: tuple[str, ...] = ()
    conflicts: tuple[LeftAlone, ...] = ()


class ErrorData(_Data, frozen=True, kw_only=True):
    """What went wrong, for the user to read."""

    code: str
    message: str
    retryable: bool
    field: str | None = None
    retry_after_s: float | None = None
    task_id: str = ""


class FilesChangedData(msgspec.Struct, frozen=True, kw_only=True):
    """What changed in a workspace's files; `folders` are those in which names came or went.

    With `more`, everything may have changed. `git`: the repository's state changed. Without
    `watching`, changes are not told, for this `reason`: look again from time to time.
    """

    workspace_id: str
    paths: tuple[str, ...]
    folders: tuple[str, ...]
    more: bool
    git: bool
    watching: bool
    reason: str


class DoneData(msgspec.Struct, frozen=True, kw_only=True):
    """The turn is over."""

    message_id: str
    stop_reason: StopReason
    duration_ms: int
    usage: Usage


class RecoveredData(msgspec.Struct, frozen=True, kw_only=True):
    """Frames after `from_seq` follow; with `ok` false the client drops what it has first.

    Args:
        ok: Whether what the client has still holds.
        from_seq: The last frame that is not sent again.
        last_seq: How far the log reaches: a client that has come there has caught up.
    """

    ok: bool
    from_seq: int
    last_seq: int


class PongData(msgspec.Struct, frozen=True, kw_only=True):
    """Nothing."""

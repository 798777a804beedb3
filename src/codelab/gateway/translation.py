"""Which frame each fact of the log becomes."""

from __future__ import annotations

from collections.abc import Callable
from functools import singledispatch
from typing import Any

from codelab.gateway import frame_data
from codelab.gateway import server_frames as frames
from codelab.sessions.events import (
    AgentChosen,
    AnswerRestarted,
    ApprovalAnswered,
    AssistantMessageCompleted,
    CheckpointMissed,
    CheckpointRestored,
    CheckpointTaken,
    ContentAttached,
    ContextCompacted,
    ContextRestored,
    PlanUpdated,
    ToolCallCompleted,
    ToolCallRequested,
    TurnEnded,
    TurnFailed,
    UsageRecorded,
    UserMessageReceived,
)

# A frame's type, its data, and the message or call it speaks of.
Written = tuple[Callable[..., frames.ServerFrame], Any, str]

# Files that a frame names: a path may have 4,000 characters, and a frame 1 MiB.
_NAMED = 50


@singledispatch
def frame_of(fact: object) -> Written:
    """Find the frame of a fact: how it is made, its data, and what it speaks of."""
    raise TypeError(f"no frame is defined for {type(fact).__name__}")


@frame_of.register
def _(fact: UserMessageReceived) -> Written:
    data = frame_data.MessageData(
        message_id=fact.message_id,
        role="user",
        text=fact.text,
        agent=fact.agent,
        model=fact.model,
        context=fact.context,
    )
    return frames.Message, data, fact.message_id


@frame_of.register
def _(fact: AgentChosen) -> Written:
    data = frame_data.AgentData(
        previous=fact.previous, to=fact.agent, reason=fact.reason, task_id=fact.task_id
    )
    return frames.Agent, data, ""


@frame_of.register
def _(fact: ContentAttached) -> Written:
    items = tuple(
        frame_data.AttachedItem(
            path=one.path,
            kind=one.kind,
            first=one.first,
            last=one.last,
            characters=len(one.text),
            truncated=one.truncated,
            refused=one.refused,
        )
        for one in fact.attachments
    )
    data = frame_data.AttachedData(attachments=items, to=fact.to, task_id=fact.task_id)
    return frames.Attached, data, ""


@frame_of.register
def _(fact: PlanUpdated) -> Written:
    return frames.Plan, frame_data.PlanData(steps=fact.steps, task_id=fact.task_id), ""


@frame_of.register
def _(fact: AssistantMessageCompleted) -> Written:
    data = frame_data.MessageData(
        message_id=fact.message_id,
        role="assistant",
        text=fact.text,
        agent=fact.agent,
        model=fact.model,
        reasoning=fact.reasoning,
        finish_reason=fact.finish_reason,
        tried=fact.tried,
        task_id=fact.task_id,
    )
    return frames.Message, data, fact.message_id


@frame_of.register
def _(fact: AnswerRestarted) -> Written:
    data = frame_data.RestartedData(
        message_id=fact.message_id,
        agent=fact.agent,
        failed_model=fact.failed_model,
        model=fact.model,
        reason=fact.reason,
        task_id=fact.task_id,
    )
    return frames.Restarted, data, fact.message_id


@frame_of.register
def _(fact: ToolCallRequested) -> Written:
    names = frame_data.ToolCallData.__struct_fields__
    values = {name: getattr(fact, name) for name in names if name != "shortened"}
    return frames.ToolCall, frame_data.ToolCallData(**values), ""


@frame_of.register
def _(fact: ToolCallCompleted) -> Written:
    data = frame_data.ToolResultData(
        call_id=fact.call_id,
        ok=fact.ok,
        output=fact.output,
        truncated=fact.truncated,
        duration_ms=fact.duration_ms,
        tool=fact.tool,
        task_id=fact.task_id,
    )
    return frames.ToolResult, data, fact.call_id


@frame_of.register
def _(fact: ApprovalAnswered) -> Written:
    data = frame_data.ApprovalData(
        approval_id=fact.approval_id,
        status=fact.status,
        by=fact.by,
        call_id=fact.call_id,
        feedback=fact.feedback,
    )
    return frames.Approval, data, ""


@frame_of.register
def _(fact: UsageRecorded) -> Written:
    data = frame_data.UsageData(
        input_tokens=fact.usage.input_tokens,
        output_tokens=fact.usage.output_tokens,
        cost_usd=fact.usage.cost_usd,
        model=fact.model,
        agent=fact.agent,
        estimated=fact.usage.estimated,
        task_id=fact.task_id,
    )
    return frames.Used, data, ""


@frame_of.register
def _(fact: ContextCompacted) -> Written:
    data = frame_data.CompactedData(
        hidden_messages=fact.hidden_messages,
        aged_results=len(fact.aged),
        tokens_before=fact.tokens_before,
        tokens_after=fact.tokens_after,
        agent=fact.agent,
        model=fact.model,
        summary=fact.summary,
        task_id=fact.task_id,
    )
    return frames.Compacted, data, ""


@frame_of.register
def _(fact: ContextRestored) -> Written:
    data = frame_data.RestoredData(compaction_seq=fact.compaction_seq, by=fact.by)
    return frames.Restored, data, ""


@frame_of.register
def _(fact: CheckpointTaken) -> Written:
    data = frame_data.CheckpointData(
        checkpoint_id=fact.checkpoint_id,
        changed_files=len(fact.changes),
        files=tuple(change.path for change in fact.changes[:_NAMED]),
        left_out=fact.left_out,
        call_id=fact.call_id,
        tool=fact.tool,
        agent=fact.agent,
        task_id=fact.task_id,
    )
    return frames.Checkpoint, data, ""


@frame_of.register
def _(fact: CheckpointMissed) -> Written:
    data = frame_data.CheckpointMissedData(
        reason=fact.reason, call_id=fact.call_id, task_id=fact.task_id
    )
    return frames.CheckpointMissed, data, ""


@frame_of.register
def _(fact: CheckpointRestored) -> Written:
    data = frame_data.CheckpointRestoredData(
        checkpoint_id=fact.checkpoint_id,
        restoration_id=fact.restoration_id,
        through_seq=fact.through_seq,
        conversation=fact.conversation,
        restored_files=len(fact.changes),
        conflicting_files=len(fact.conflicts),
        by=fact.by,
        files=tuple(change.path for change in fact.changes[:_NAMED]),
        conflicts=fact.conflicts[:_NAMED],
    )
    return frames.CheckpointRestored, data, ""


@frame_of.register
def _(fact: TurnFailed) -> Written:
    data = frame_data.ErrorData(
        code=fact.code, message=fact.message, retryable=fact.retryable, task_id=fact.task_id
    )
    return frames.Error, data, ""


@frame_of.register
def _(fact: TurnEnded) -> Written:
    data = frame_data.DoneData(
        message_id=fact.message_id,
        stop_reason=fact.stop_reason,
        duration_ms=fact.duration_ms,
        usage=fact.usage,
    )
    return frames.Done, data, ""

"""Facts and streamed pieces become frames: encoded once, shared by all who watch."""

from __future__ import annotations

from collections.abc import Callable
from functools import singledispatch
from typing import Any

import msgspec

from codelab.gateway import server_frames as frames
from codelab.gateway.client_frames import MAX_FRAME_BYTES
from codelab.kit.errors import CodeLabError
from codelab.sessions.events import (
    AgentChosen,
    ApprovalAnswered,
    AssistantMessageCompleted,
    Entry,
    PlanUpdated,
    SessionStateChanged,
    TokenStreamed,
    ToolCallCompleted,
    ToolCallRequested,
    ToolOutputStreamed,
    TurnEnded,
    TurnFailed,
    UsageRecorded,
    UserMessageReceived,
)

_encoder = msgspec.json.Encoder()
_encode: Callable[[Any], bytes] = _encoder.encode

# How much of a long value is kept when a frame is too large, tried in this order.
_CUTS = (100_000, 20_000, 2_000, 200)


class Item(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A frame on its way to those who watch a session.

    Args:
        kind: The frame's type.
        frame: The frame as JSON.
        seq: Its place in the log; 0 for what is not stored.
        key: The message or call it speaks of, so that late pieces of a finished one are known.
    """

    kind: str
    frame: str
    seq: int = 0
    key: str = ""


def encode(frame: frames.ServerFrame) -> str:
    """Write a frame of ours as JSON."""
    return _encode(frame).decode()


def stored(session_id: str, entry: Entry) -> Item:
    """Write an entry of the log as its durable frame."""
    make, data, key = _frame(entry.fact)

    def whole(data: Any) -> bytes:
        return _encode(
            make(
                session_id=session_id,
                seq=entry.seq,
                epoch=entry.epoch,
                turn_id=entry.turn_id,
                at=entry.at,
                data=data,
            )
        )

    written = whole(data)
    if len(written) > MAX_FRAME_BYTES:
        written = _shortened(whole, data)
    return Item(kind_of(make), written.decode(), entry.seq, key)


def kind_of(frame: Any) -> str:
    """Return the `type` of a frame or of a kind of frame."""
    return str(frame.__struct_config__.tag)


def token(event: TokenStreamed, text: str) -> Item:
    """Write a piece of a message, which may be made of several."""
    frame = frames.Token(
        session_id=event.session_id,
        data=frames.TokenData(
            message_id=event.message_id,
            agent=event.agent,
            text=text,
            offset=event.offset,
            reasoning=event.reasoning,
            task_id=event.task_id,
        ),
    )
    return Item("token", _encode(frame).decode(), 0, event.message_id)


def output(event: ToolOutputStreamed, text: str) -> Item:
    """Write a piece of a tool's output, which may be made of several."""
    data = frames.ToolOutputData(call_id=event.call_id, text=text)
    frame = frames.ToolOutput(session_id=event.session_id, data=data)
    return Item("tool_output", _encode(frame).decode(), 0, event.call_id)


def state(event: SessionStateChanged) -> Item:
    """Write a change of the session's state."""
    data = frames.StateData(state=event.state, agent=event.agent)
    return Item("state", encode(frames.StateChanged(session_id=event.session_id, data=data)))


def refusal(
    error: CodeLabError, *, session_id: str | None = None, id: str | int | None = None
) -> str:
    """Write an error that answers a client's frame."""
    data = frames.ErrorData(
        code=error.code,
        message=error.message,
        retryable=error.retryable,
        field=error.field,
        retry_after_s=error.retry_after_s,
    )
    return encode(frames.Error(session_id=session_id, id=id, data=data))


# A frame's type, its data, and the message or call it speaks of.
_Written = tuple[Callable[..., frames.ServerFrame], Any, str]


@singledispatch
def _frame(fact: object) -> _Written:
    raise TypeError(f"no frame is defined for {type(fact).__name__}")


@_frame.register
def _(fact: UserMessageReceived) -> _Written:
    data = frames.MessageData(
        message_id=fact.message_id,
        role="user",
        text=fact.text,
        agent=fact.agent,
        model=fact.model,
        context=fact.context,
    )
    return frames.Message, data, fact.message_id


@_frame.register
def _(fact: AgentChosen) -> _Written:
    data = frames.AgentData(
        previous=fact.previous, to=fact.agent, reason=fact.reason, task_id=fact.task_id
    )
    return frames.Agent, data, ""


@_frame.register
def _(fact: PlanUpdated) -> _Written:
    return frames.Plan, frames.PlanData(steps=fact.steps, task_id=fact.task_id), ""


@_frame.register
def _(fact: AssistantMessageCompleted) -> _Written:
    data = frames.MessageData(
        message_id=fact.message_id,
        role="assistant",
        text=fact.text,
        agent=fact.agent,
        model=fact.model,
        reasoning=fact.reasoning,
        finish_reason=fact.finish_reason,
        task_id=fact.task_id,
    )
    return frames.Message, data, fact.message_id


@_frame.register
def _(fact: ToolCallRequested) -> _Written:
    names = frames.ToolCallData.__struct_fields__
    values = {name: getattr(fact, name) for name in names if name != "shortened"}
    return frames.ToolCall, frames.ToolCallData(**values), ""


@_frame.register
def _(fact: ToolCallCompleted) -> _Written:
    data = frames.ToolResultData(
        call_id=fact.call_id,
        ok=fact.ok,
        output=fact.output,
        truncated=fact.truncated,
        duration_ms=fact.duration_ms,
        tool=fact.tool,
        task_id=fact.task_id,
    )
    return frames.ToolResult, data, fact.call_id


@_frame.register
def _(fact: ApprovalAnswered) -> _Written:
    data = frames.ApprovalData(
        approval_id=fact.approval_id,
        status=fact.status,
        by=fact.by,
        call_id=fact.call_id,
        feedback=fact.feedback,
    )
    return frames.Approval, data, ""


@_frame.register
def _(fact: UsageRecorded) -> _Written:
    data = frames.UsageData(
        input_tokens=fact.usage.input_tokens,
        output_tokens=fact.usage.output_tokens,
        cost_usd=fact.usage.cost_usd,
        model=fact.model,
        agent=fact.agent,
        estimated=fact.usage.estimated,
        task_id=fact.task_id,
    )
    return frames.Used, data, ""


@_frame.register
def _(fact: TurnFailed) -> _Written:
    data = frames.ErrorData(
        code=fact.code, message=fact.message, retryable=fact.retryable, task_id=fact.task_id
    )
    return frames.Error, data, ""


@_frame.register
def _(fact: TurnEnded) -> _Written:
    data = frames.DoneData(
        message_id=fact.message_id,
        stop_reason=fact.stop_reason,
        duration_ms=fact.duration_ms,
        usage=fact.usage,
    )
    return frames.Done, data, ""


def _shortened(whole: Callable[[Any], bytes], data: Any) -> bytes:
    for longest in _CUTS:
        values = {
            name: _cut(getattr(data, name), longest)
            for name in data.__struct_fields__
            if name != "shortened"
        }
        if "shortened" in data.__struct_fields__:
            values["shortened"] = True
        written = whole(type(data)(**values))
        if len(written) <= MAX_FRAME_BYTES:
            return written
    # Only a tool's parameters can be so many values: the call is shown without them.
    values["parameters"] = {}
    return whole(type(data)(**values))


def _cut(value: Any, longest: int) -> Any:
    if isinstance(value, str):
        return value if len(value) <= longest else f"{value[:longest]}…"
    if isinstance(value, dict):
        return {_cut(key, longest): _cut(part, longest) for key, part in value.items()}
    if isinstance(value, list):
        return [_cut(part, longest) for part in value]
    return value

"""Facts and streamed pieces become frames: encoded once, shared by all who watch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from codelab.gateway import frame_data
from codelab.gateway import server_frames as frames
from codelab.gateway.client_frames import MAX_FRAME_BYTES
from codelab.gateway.translation import frame_of
from codelab.hitl.api import ApprovalRecord
from codelab.hitl.events import ApprovalExpiring
from codelab.kit.errors import CodeLabError
from codelab.sdk.facts import CallFacts
from codelab.sessions.events import (
    ContextMeasured,
    Entry,
    ModelAwaited,
    SessionStateChanged,
    TokenStreamed,
    ToolOutputStreamed,
)

_encoder = msgspec.json.Encoder()
_encode: Callable[[Any], bytes] = _encoder.encode

# How much of a long value is kept when a frame is too large, tried in this order.
_CUTS = (100_000, 20_000, 2_000, 200)
# A character takes up to six bytes of JSON.
_LONGEST_PIECE = 100_000
# How many waiting approvals a frame names.
_NAMED = 100


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
    make, data, key = frame_of(entry.fact)

    def whole(data: Any) -> bytes:
        return _encode(
            make(
                session_id=session_id,
                seq=entry.seq,
                epoch=entry.epoch,
                # Between turns there is none.
                turn_id=entry.turn_id or None,
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


def pieces(event: TokenStreamed | ToolOutputStreamed, text: str) -> list[Item]:
    """Write streamed text, which may be that of several events, as frames of bounded size."""
    write = _token if isinstance(event, TokenStreamed) else _output
    if len(text) <= _LONGEST_PIECE:
        return [write(event, text, 0)]
    starts = range(0, len(text), _LONGEST_PIECE)
    return [write(event, text[start : start + _LONGEST_PIECE], start) for start in starts]


def _token(event: Any, text: str, start: int) -> Item:
    frame = frames.Token(
        session_id=event.session_id,
        data=frame_data.TokenData(
            message_id=event.message_id,
            agent=event.agent,
            text=text,
            offset=event.offset + start,
            reasoning=event.reasoning,
            task_id=event.task_id,
        ),
    )
    return Item("token", _encode(frame).decode(), 0, event.message_id)


def _output(event: Any, text: str, start: int) -> Item:
    data = frame_data.ToolOutputData(call_id=event.call_id, text=text)
    frame = frames.ToolOutput(session_id=event.session_id, data=data)
    return Item("tool_output", _encode(frame).decode(), 0, event.call_id)


def state(event: SessionStateChanged) -> Item:
    """Write a change of the session's state."""
    data = frame_data.StateData(state=event.state, agent=event.agent)
    return Item("state", encode(frames.StateChanged(session_id=event.session_id, data=data)))


def awaited(event: ModelAwaited) -> Item:
    """Write why an answer takes longer."""
    data = frame_data.WaitingForModelData(
        agent=event.agent,
        model=event.model,
        reason=event.reason,
        until=event.until,
        task_id=event.task_id,
    )
    frame = frames.WaitingForModel(session_id=event.session_id, data=data)
    return Item("waiting_for_model", encode(frame))


def expiring(event: ApprovalExpiring) -> Item:
    """Write the warning that a request for approval will time out."""
    data = frame_data.ApprovalExpiringData(
        approval_id=event.approval_id, call_id=event.call_id, expires_at=event.expires_at
    )
    frame = frames.ApprovalExpiring(session_id=event.session_id, data=data)
    return Item("approval_expiring", encode(frame))


def waiting(records: Sequence[ApprovalRecord]) -> str:
    """Write what waits for a user's answer."""
    named = tuple(
        frame_data.WaitingApproval(
            approval_id=one.id,
            session_id=one.session_id,
            call_id=one.call_id,
            agent=one.agent,
            tool=one.tool,
            risk=one.risk,
            created_at=one.created_at,
            expires_at=one.expires_at,
        )
        for one in records[:_NAMED]
    )
    data = frame_data.ApprovalsWaitingData(count=len(records), approvals=named)
    return encode(frames.ApprovalsWaiting(data=data))


def context(event: ContextMeasured) -> Item:
    """Write how much of its window a prompt takes."""
    data = frame_data.ContextData(
        used_tokens=event.used_tokens,
        budget_tokens=event.budget_tokens,
        parts=event.parts,
        model=event.model,
        agent=event.agent,
        task_id=event.task_id,
    )
    return Item("context", encode(frames.Context(session_id=event.session_id, data=data)))


def refusal(
    error: CodeLabError, *, session_id: str | None = None, id: str | int | None = None
) -> str:
    """Write an error that answers a client's frame."""
    data = frame_data.ErrorData(
        code=error.code,
        message=error.message,
        retryable=error.retryable,
        field=error.field,
        retry_after_s=error.retry_after_s,
    )
    return encode(frames.Error(session_id=session_id, id=id, data=data))


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
    # Only a tool's parameters can be so many values: the call is shown without them, and without
    # what is said of them.
    values |= {"parameters": {}, "facts": CallFacts()}
    return whole(type(data)(**values))


def _cut(value: Any, longest: int) -> Any:
    if isinstance(value, str):
        return value if len(value) <= longest else f"{value[:longest]}…"
    if isinstance(value, dict):
        return {_cut(key, longest): _cut(part, longest) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(_cut(part, longest) for part in value)
    if isinstance(value, msgspec.Struct):
        names = value.__struct_fields__
        return type(value)(**{name: _cut(getattr(value, name), longest) for name in names})
    return value

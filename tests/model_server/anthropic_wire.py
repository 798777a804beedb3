"""Anthropic's messages, with its named server-sent events."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from tests.model_server.deltas import (
    CallArguments,
    CallStart,
    Delta,
    ReasoningDelta,
    arguments_json,
    call_id,
    deltas,
)
from tests.model_server.pairing import anthropic_problem
from tests.model_server.script import Body, Question, Reply, ToolCall, Usage
from tests.model_server.wire import Frame, bearer, plain_text

_ERRORS: dict[int, tuple[str, str]] = {
    400: ("invalid_request_error", "The request is not valid."),
    401: ("authentication_error", "invalid x-api-key"),
    403: (
        "permission_error",
        "Your API key does not have permission to use the specified resource.",
    ),
    404: ("not_found_error", "The requested resource could not be found."),
    413: ("request_too_large", "Request exceeds the maximum size"),
    429: ("rate_limit_error", "This request would exceed your organization's rate limit."),
    500: ("api_error", "Internal server error"),
    504: ("timeout_error", "Request timed out"),
    529: ("overloaded_error", "Overloaded"),
}
_STOP_REASONS = {
    "stop": "end_turn",
    "length": "max_tokens",
    "tool_calls": "tool_use",
    "content_filter": "refusal",
}
_PREFIX = "toolu_"
_SIGNATURE = "c2NyaXB0ZWQ="


class AnthropicWire:
    """`POST /v1/messages`."""

    stream_type = "text/event-stream; charset=utf-8"
    ping = b'event: ping\ndata: {"type": "ping"}\n\n'
    request_id_header: str | None = "request-id"
    unknown_key_status = 401

    def key(self, headers: Mapping[str, str], body: Body) -> str:
        """The `x-api-key` header, or a bearer token."""
        return headers.get("x-api-key") or bearer(headers)

    def streams(self, body: Body) -> bool:
        """Only when asked to."""
        return body.get("stream") is True

    def question(self, body: Body) -> Question:
        """The system prompt stands beside the messages."""
        messages = body["messages"]
        last = plain_text(messages[-1]["content"]) if messages else ""
        return Question(model=body["model"], system=plain_text(body.get("system")), last=last)

    def problem(self, body: Body) -> str | None:
        """Calls without results, results without calls and a missing limit are refused."""
        if "max_tokens" not in body:
            return "max_tokens: Field required"
        return anthropic_problem(body["messages"])

    def frames(self, reply: Reply, body: Body) -> list[Frame]:
        """The message's start, its content blocks one after another, its end."""
        message = {
            **_message(body["model"]),
            "content": [],
            "stop_reason": None,
            "stop_sequence": None,
        }
        end: dict[str, Any] = {"delta": {"stop_reason": _stop_reason(reply), "stop_sequence": None}}
        if reply.usage is not None:
            message["usage"] = {**_usage_json(reply.usage), "output_tokens": 1}
            end["usage"] = _usage_json(reply.usage)
        return [
            _event("message_start", message=message),
            _event("ping"),
            *_block_events(deltas(reply, id_prefix=_PREFIX, interleave=False)),
            _event("message_delta", **end),
            _event("message_stop"),
        ]

    def whole(self, reply: Reply, body: Body) -> bytes:
        """A `message` object; arguments that are no JSON object cannot be sent and become text."""
        content: list[dict[str, Any]] = []
        if reply.reasoning:
            content.append(
                {"type": "thinking", "thinking": reply.reasoning, "signature": _SIGNATURE}
            )
        if reply.whole_text:
            content.append({"type": "text", "text": reply.whole_text})
        content.extend(_tool_block(call) for call in reply.tool_calls)
        answer = {
            **_message(body["model"]),
            "content": content,
            "stop_reason": _stop_reason(reply),
            "stop_sequence": None,
        }
        if reply.usage is not None:
            answer["usage"] = _usage_json(reply.usage)
        return msgspec.json.encode(answer)

    def error(self, status: int, message: str | None = None) -> bytes:
        """`{"type": "error", "error": {type, message}, "request_id"}`."""
        kind, usual = _ERRORS.get(status, _ERRORS[500 if status >= 500 else 400])
        return msgspec.json.encode(
            {
                "type": "error",
                "error": {"type": kind, "message": message or usual},
                "request_id": _request_id(),
            }
        )

    def overflow(self) -> bytes:
        """Anthropic has no code for it, only these words."""
        return self.error(400, "prompt is too long: 210117 tokens > 200000 maximum")

    def failure(self) -> Frame:
        """The `error` event; overload is its usual cause."""
        kind, message = _ERRORS[529]
        return _event(
            "error",
            error={"details": None, "type": kind, "message": message},
            request_id=_request_id(),
        )


def _event(name: str, *, chunk: bool = False, **fields: Any) -> Frame:
    payload = msgspec.json.encode({"type": name, **fields})
    return Frame(b"event: " + name.encode() + b"\ndata: " + payload + b"\n\n", chunk)


def _block_events(pieces: Iterator[Delta]) -> Iterator[Frame]:
    """Content blocks follow each other: another kind of piece, or another call, closes the last."""
    index, current = -1, None
    for piece in pieces:
        kind: type[Delta] = CallStart if isinstance(piece, CallArguments) else type(piece)
        if kind is not current or isinstance(piece, CallStart):
            yield from _closing(index, current)
            index, current = index + 1, kind
            starts_call = isinstance(piece, CallStart)
            yield _event(
                "content_block_start",
                chunk=starts_call,
                index=index,
                content_block=_opening_block(piece),
            )
        if not isinstance(piece, CallStart):
            yield _event("content_block_delta", chunk=True, index=index, delta=_delta_json(piece))
    yield from _closing(index, current)


def _closing(index: int, kind: type[Delta] | None) -> Iterator[Frame]:
    if kind is ReasoningDelta:
        signature = {"type": "signature_delta", "signature": _SIGNATURE}
        yield _event("content_block_delta", index=index, delta=signature)
    if kind is not None:
        yield _event("content_block_stop", index=index)


def _opening_block(piece: Delta) -> dict[str, Any]:
    if isinstance(piece, CallStart):
        return {"type": "tool_use", "id": piece.call_id, "name": piece.name, "input": {}}
    if isinstance(piece, ReasoningDelta):
        return {"type": "thinking", "thinking": "", "signature": ""}
    return {"type": "text", "text": ""}


def _delta_json(piece: Delta) -> dict[str, Any]:
    if isinstance(piece, CallArguments):
        return {"type": "input_json_delta", "partial_json": piece.json_piece}
    if isinstance(piece, ReasoningDelta):
        return {"type": "thinking_delta", "thinking": piece.text}
    if isinstance(piece, CallStart):
        raise TypeError("a tool call's start opens a block and is no delta")
    return {"type": "text_delta", "text": piece.text}


def _tool_block(call: ToolCall) -> dict[str, Any]:
    try:
        arguments = msgspec.json.decode(arguments_json(call), type=dict[str, Any])
    except msgspec.DecodeError:
        return {"type": "text", "text": arguments_json(call)}
    return {"type": "tool_use", "id": call_id(call, _PREFIX), "name": call.name, "input": arguments}


def _message(model: str) -> dict[str, Any]:
    return {
        "id": f"msg_{uuid.uuid4().hex[:24]}",
        "type": "message",
        "role": "assistant",
        "model": model,
    }


def _stop_reason(reply: Reply) -> str:
    return _STOP_REASONS.get(reply.reason, reply.reason)


def _usage_json(usage: Usage) -> dict[str, Any]:
    return {
        "input_tokens": usage.input - usage.cached - usage.cache_written,
        "cache_creation_input_tokens": usage.cache_written,
        "cache_read_input_tokens": usage.cached,
        "output_tokens": usage.output,
    }


def _request_id() -> str:
    return f"req_{uuid.uuid4().hex[:24]}"

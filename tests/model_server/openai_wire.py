"""OpenAI's chat completions, as OpenAI and the many servers compatible with it send them."""

from __future__ import annotations

import time
import uuid
from collections.abc import Mapping
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
from tests.model_server.pairing import openai_problem
from tests.model_server.script import Body, Question, Reply, Usage
from tests.model_server.wire import Frame, bearer, question_of_roles

_ERRORS: dict[int, tuple[str, str, str | None]] = {
    401: (
        "Incorrect API key provided. You can find your API key at https://platform.openai.com/account/api-keys.",
        "invalid_request_error",
        "invalid_api_key",
    ),
    403: ("You are not allowed to use this model.", "invalid_request_error", "model_not_available"),
    404: (
        "The model does not exist or you do not have access to it.",
        "invalid_request_error",
        "model_not_found",
    ),
    429: (
        "Rate limit reached for requests. Please try again in 20s.",
        "requests",
        "rate_limit_exceeded",
    ),
    500: (
        "The server had an error while processing your request. Sorry about that!",
        "server_error",
        None,
    ),
    503: ("The engine is currently overloaded, please try again later.", "server_error", None),
}
_PREFIX = "call_"


class OpenAIWire:
    """`POST /v1/chat/completions`."""

    stream_type = "text/event-stream; charset=utf-8"
    ping = b": keep-alive\n\n"
    request_id_header: str | None = "x-request-id"
    unknown_key_status = 401

    def key(self, headers: Mapping[str, str], body: Body) -> str:
        """The bearer token."""
        return bearer(headers)

    def streams(self, body: Body) -> bool:
        """Only when asked to."""
        return body.get("stream") is True

    def question(self, body: Body) -> Question:
        """The system prompt is a message among the others."""
        return question_of_roles(body)

    def problem(self, body: Body) -> str | None:
        """Calls without results, and results without calls, are refused."""
        return openai_problem(body["messages"])

    def frames(self, reply: Reply, body: Body) -> list[Frame]:
        """Server-sent events of one chunk each, then `[DONE]`; usage only if the request asks."""
        with_usage = bool((body.get("stream_options") or {}).get("include_usage"))
        envelope = _envelope(body["model"], "chat.completion.chunk")
        if with_usage:
            envelope["usage"] = None
        first = {
            "role": "assistant",
            "content": None if reply.tool_calls and not reply.text else "",
            "refusal": None,
        }
        out = [_event(envelope, first)]
        for delta in deltas(reply, id_prefix=_PREFIX, interleave=True):
            out.append(_event(envelope, _delta_json(delta), chunk=True))
        out.append(_event(envelope, {}, finish_reason=reply.reason))
        if with_usage and reply.usage is not None:
            out.append(Frame(sse({**envelope, "choices": [], "usage": usage_json(reply.usage)})))
        out.append(Frame(b"data: [DONE]\n\n"))
        return out

    def whole(self, reply: Reply, body: Body) -> bytes:
        """A `chat.completion` object."""
        message: dict[str, Any] = {
            "role": "assistant",
            "content": reply.whole_text or None,
            "refusal": None,
        }
        if reply.reasoning:
            message["reasoning_content"] = reply.reasoning
        if reply.tool_calls:
            message["tool_calls"] = [
                {
                    "id": call_id(call, _PREFIX),
                    "type": "function",
                    "function": {"name": call.name, "arguments": arguments_json(call)},
                }
                for call in reply.tool_calls
            ]
        choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": reply.reason}
        answer = {**_envelope(body["model"], "chat.completion"), "choices": [choice]}
        if reply.usage is not None:
            answer["usage"] = usage_json(reply.usage)
        return msgspec.json.encode(answer)

    def error(self, status: int, message: str | None = None) -> bytes:
        """`{"error": {message, type, param, code}}`."""
        kind = "server_error" if status >= 500 else "invalid_request_error"
        usual, kind, code = _ERRORS.get(
            status, (f"The request failed with status {status}.", kind, None)
        )
        return _error(message or usual, kind, None, code)

    def overflow(self) -> bytes:
        """The code by which clients know it is `context_length_exceeded`."""
        text = (
            "This model's maximum context length is 128000 tokens. However, your messages "
            "resulted in 130117 tokens. Please reduce the length of the messages."
        )
        return _error(text, "invalid_request_error", "messages", "context_length_exceeded")

    def failure(self) -> Frame:
        """An error object in place of a chunk."""
        return Frame(b"data: " + self.error(500) + b"\n\n")


def sse(payload: Any) -> bytes:
    """A server-sent event without a name."""
    return b"data: " + msgspec.json.encode(payload) + b"\n\n"


def usage_json(usage: Usage) -> dict[str, Any]:
    """The usage object; cached tokens are part of the prompt's."""
    return {
        "prompt_tokens": usage.input,
        "completion_tokens": usage.output,
        "total_tokens": usage.input + usage.output,
        "prompt_tokens_details": {"cached_tokens": usage.cached, "audio_tokens": 0},
        "completion_tokens_details": {"reasoning_tokens": 0, "audio_tokens": 0},
    }


def _envelope(model: str, kind: str) -> dict[str, Any]:
    return {
        "id": f"chatcmpl-{uuid.uuid4().hex}",
        "object": kind,
        "created": int(time.time()),
        "model": model,
        "service_tier": "default",
        "system_fingerprint": "fp_scripted",
    }


def _event(
    envelope: dict[str, Any],
    delta: dict[str, Any],
    *,
    finish_reason: str | None = None,
    chunk: bool = False,
) -> Frame:
    choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish_reason}
    return Frame(sse({**envelope, "choices": [choice]}), chunk)


def _delta_json(delta: Delta) -> dict[str, Any]:
    if isinstance(delta, CallStart):
        function = {"name": delta.name, "arguments": ""}
        return {
            "tool_calls": [
                {
                    "index": delta.index,
                    "id": delta.call_id,
                    "type": "function",
                    "function": function,
                }
            ]
        }
    if isinstance(delta, CallArguments):
        return {"tool_calls": [{"index": delta.index, "function": {"arguments": delta.json_piece}}]}
    if isinstance(delta, ReasoningDelta):
        return {"reasoning_content": delta.text}
    return {"content": delta.text}


def _error(message: str, kind: str, param: str | None, code: str | None) -> bytes:
    return msgspec.json.encode(
        {"error": {"message": message, "type": kind, "param": param, "code": code}}
    )

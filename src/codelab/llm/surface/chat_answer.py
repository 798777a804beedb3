"""Answers in the shape of OpenAI's chat completions, whole or as a stream's events."""

from __future__ import annotations

import time
from typing import Any

import msgspec

from codelab.kit.errors import CodeLabError
from codelab.kit.ids import new_id
from codelab.llm.surface.errors import error_body
from codelab.sdk.messages import ToolCall
from codelab.sdk.model import Completion, Delta, Usage

_encode = msgspec.json.encode


class AnswerWriter:
    """Writes an answer.

    Args:
        model: The model that was asked for.
        with_usage: Whether the stream ends with the usage.
    """

    def __init__(self, model: str, *, with_usage: bool = False) -> None:
        self._id = f"chatcmpl-{new_id()}"
        self._created = int(time.time())
        self._model = model
        self._with_usage = with_usage
        # All pieces of text differ in their text only.
        mark = "\0"
        self._before, _, self._after = self._event({"content": mark}).rpartition(_encode(mark))

    def start(self) -> bytes:
        """Write the event that opens a stream."""
        return self._event({"role": "assistant", "content": ""})

    def piece(self, delta: Delta) -> bytes:
        """Write the event of a piece of the answer."""
        if not delta.reasoning:
            return self._before + _encode(delta.text) + self._after
        fields = {"content": delta.text} if delta.text else {}
        return self._event({**fields, "reasoning_content": delta.reasoning})

    def end(self, completion: Completion) -> bytes:
        """Write the events that end a stream: tool calls, the reason, the usage."""
        self._model = completion.model
        out = []
        if completion.tool_calls:
            calls = [
                {"index": index, **call}
                for index, call in enumerate(_calls_json(completion.tool_calls))
            ]
            out.append(self._event({"tool_calls": calls}))
        out.append(self._event({}, completion.finish_reason))
        if self._with_usage:
            last = {**self._envelope("chat.completion.chunk"), "choices": []}
            out.append(_sse({**last, "usage": _usage_json(completion.usage)}))
        out.append(b"data: [DONE]\n\n")
        return b"".join(out)

    def failure(self, error: CodeLabError) -> bytes:
        """Write the event that ends a stream which broke off."""
        return b"data: " + error_body(error) + b"\n\n"

    def whole(self, completion: Completion) -> bytes:
        """Write the answer as one document."""
        message: dict[str, Any] = {
            "role": "assistant",
            "content": completion.text or None,
            "refusal": None,
        }
        if completion.reasoning:
            message["reasoning_content"] = completion.reasoning
        if completion.tool_calls:
            message["tool_calls"] = _calls_json(completion.tool_calls)
        self._model = completion.model
        choice = {
            "index": 0,
            "message": message,
            "logprobs": None,
            "finish_reason": completion.finish_reason,
        }
        document = {**self._envelope("chat.completion"), "choices": [choice]}
        return _encode({**document, "usage": _usage_json(completion.usage)})

    def _event(self, delta: dict[str, Any], reason: str | None = None) -> bytes:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": reason}
        return _sse({**self._envelope("chat.completion.chunk"), "choices": [choice]})

    def _envelope(self, kind: str) -> dict[str, Any]:
        return {"id": self._id, "object": kind, "created": self._created, "model": self._model}


def _sse(payload: Any) -> bytes:
    return b"data: " + _encode(payload) + b"\n\n"


def _calls_json(calls: tuple[ToolCall, ...]) -> list[dict[str, Any]]:
    return [
        {
            "id": call.id,
            "type": "function",
            "function": {"name": call.name, "arguments": call.arguments},
        }
        for call in calls
    ]


def _usage_json(usage: Usage) -> dict[str, Any]:
    return {
        "prompt_tokens": usage.input_tokens,
        "completion_tokens": usage.output_tokens,
        "total_tokens": usage.input_tokens + usage.output_tokens,
        "prompt_tokens_details": {"cached_tokens": usage.cached_tokens},
    }

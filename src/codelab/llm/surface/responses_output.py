"""Answers in the shape of OpenAI's responses: the document and its items."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import msgspec

from codelab.kit.errors import CodeLabError
from codelab.kit.ids import new_id
from codelab.llm.surface.errors import problem_of
from codelab.llm.surface.responses import ReadResponse, ResponseRequest, plain_input
from codelab.sdk.messages import ToolCall
from codelab.sdk.model import Completion, Usage

Item = dict[str, Any]

_INCOMPLETE = {"length": "max_output_tokens", "content_filter": "content_filter"}


class ResponseDocument:
    """Writes the response as a document in its several states.

    Args:
        asked: The request, much of which is repeated.
        read: What was made of it.
    """

    def __init__(self, asked: ResponseRequest, read: ReadResponse) -> None:
        self._plain = read.plain
        self._fields: dict[str, Any] = {
            "id": f"resp_{new_id()}",
            "object": "response",
            "created_at": int(time.time()),
            "background": False,
            "error": None,
            "incomplete_details": None,
            "instructions": asked.instructions,
            "max_output_tokens": asked.max_output_tokens,
            "max_tool_calls": None,
            "metadata": asked.metadata or {},
            "model": asked.model,
            "output": [],
            "parallel_tool_calls": asked.parallel_tool_calls is not False,
            "previous_response_id": None,
            "reasoning": msgspec.to_builtins(asked.reasoning) or {"effort": None, "summary": None},
            "store": False,
            "temperature": asked.temperature,
            "text": {"format": {"type": "text"}} | _wanted(asked),
            "tool_choice": msgspec.to_builtins(asked.tool_choice) or "auto",
            "tools": [_without_nothing(msgspec.to_builtins(tool)) for tool in read.offered],
            "top_p": asked.top_p,
            "truncation": "disabled",
            "usage": None,
            "user": None,
        }

    def in_progress(self) -> dict[str, Any]:
        """Return the response while it is written."""
        return {**self._fields, "status": "in_progress"}

    def ended(self, completion: Completion, output: Sequence[Item]) -> dict[str, Any]:
        """Return the response at its end."""
        reason = _INCOMPLETE.get(completion.finish_reason)
        return {
            **self._fields,
            "status": "incomplete" if reason else "completed",
            "incomplete_details": {"reason": reason} if reason else None,
            "model": completion.model,
            "output": list(output),
            "usage": _usage(completion.usage),
        }

    def failed(self, error: CodeLabError, output: Sequence[Item]) -> dict[str, Any]:
        """Return the response that broke off."""
        problem = problem_of(error)
        return {
            **self._fields,
            "status": "failed",
            "output": list(output),
            "error": {"code": problem.code, "message": problem.message},
        }

    def whole(self, completion: Completion) -> bytes:
        """Write a response that is not streamed."""
        output: list[Item] = []
        if completion.reasoning:
            output.append(reasoning_item(completion.reasoning))
        if completion.text:
            output.append(message_item(completion.text))
        output += [self.call_item(call) for call in completion.tool_calls]
        return msgspec.json.encode(self.ended(completion, output))

    def call_item(self, call: ToolCall) -> Item:
        """Describe a call, in the form of the tool that was offered."""
        known = {"call_id": call.id, "name": call.name, "status": "completed"}
        if call.name in self._plain:
            return {
                "id": f"ctc_{new_id()}",
                "type": "custom_tool_call",
                **known,
                "input": plain_input(call.arguments),
            }
        return {
            "id": f"fc_{new_id()}",
            "type": "function_call",
            **known,
            "arguments": call.arguments,
        }


def reasoning_item(text: str) -> Item:
    """Describe what the model thought."""
    summary = [{"type": "summary_text", "text": text}] if text else []
    return {"id": f"rs_{new_id()}", "type": "reasoning", "summary": summary}


def message_item(text: str, status: str = "completed") -> Item:
    """Describe what the model said."""
    return {
        "id": f"msg_{new_id()}",
        "type": "message",
        "status": status,
        "role": "assistant",
        "content": [text_part(text)] if text else [],
    }


def text_part(text: str) -> dict[str, Any]:
    """Describe a text."""
    return {"type": "output_text", "text": text, "annotations": [], "logprobs": []}


def _wanted(asked: ResponseRequest) -> dict[str, Any]:
    return _without_nothing(msgspec.to_builtins(asked.text)) if asked.text else {}


def _without_nothing(fields: dict[str, Any]) -> dict[str, Any]:
    return {
        name: _without_nothing(value) if isinstance(value, dict) else value
        for name, value in fields.items()
        if value is not None
    }


def _usage(usage: Usage) -> dict[str, Any]:
    return {
        "input_tokens": usage.input_tokens,
        "input_tokens_details": {"cached_tokens": usage.cached_tokens},
        "output_tokens": usage.output_tokens,
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": usage.input_tokens + usage.output_tokens,
    }

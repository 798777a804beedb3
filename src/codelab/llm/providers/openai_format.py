"""Our requests in OpenAI's format, which litellm takes for every provider."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from codelab.sdk.messages import (
    AssistantMessage,
    Message,
    SystemMessage,
    ToolMessage,
    UserMessage,
)
from codelab.sdk.model import ModelRequest, ToolSpec


def write_messages(messages: Iterable[Message]) -> list[dict[str, Any]]:
    """Write the conversation; every call makes new objects, as litellm changes them."""
    return [_message(message) for message in messages]


def write_tools(tools: Iterable[ToolSpec]) -> list[dict[str, Any]]:
    """Write the tools."""
    return [
        {
            "type": "function",
            "function": {
                "name": tool.name,
                "description": tool.description,
                "parameters": tool.parameters,
            },
        }
        for tool in tools
    ]


def write_options(request: ModelRequest) -> dict[str, Any]:
    """Write everything but the model and the messages; what is not set is left out."""
    options: dict[str, Any] = {"stream": True, "stream_options": {"include_usage": True}}
    if request.tools:
        options["tools"] = write_tools(request.tools)
    if request.max_output_tokens is not None:
        options["max_tokens"] = request.max_output_tokens
    if request.temperature is not None:
        options["temperature"] = request.temperature
    return {**options, **request.options}


def _message(message: Message) -> dict[str, Any]:
    match message:
        case SystemMessage(text=text):
            return {"role": "system", "content": text}
        case UserMessage(text=text):
            return {"role": "user", "content": text}
        case ToolMessage(call_id=call_id, content=content):
            return {"role": "tool", "tool_call_id": call_id, "content": content}
        case AssistantMessage():
            return _assistant(message)


def _assistant(message: AssistantMessage) -> dict[str, Any]:
    if not message.tool_calls:
        return {"role": "assistant", "content": message.text}
    calls = [
        {
            "id": call.id,
            "type": "function",
            "function": {"name": call.name, "arguments": call.arguments},
        }
        for call in message.tool_calls
    ]
    return {"role": "assistant", "content": message.text or None, "tool_calls": calls}

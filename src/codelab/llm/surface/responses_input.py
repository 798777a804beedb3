"""The items of a conversation in the form of OpenAI's responses."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from codelab.kit.errors import InvalidInput
from codelab.llm.surface.parts import MOST_PARTS, Content, Name, Part, Text, text_of
from codelab.sdk.messages import (
    AssistantMessage,
    Message,
    SystemMessage,
    ToolCall,
    ToolMessage,
    UserMessage,
)

# What OpenAI's own service adds to a conversation for itself; no other model can read it.
_LEFT_OUT = {"reasoning", "web_search_call", "file_search_call", "code_interpreter_call"}


class InputItem(msgspec.Struct, kw_only=True):
    """An item: a message, a tool call, its output, or what is left out."""

    type: Name = "message"
    role: Literal["system", "developer", "user", "assistant"] | None = None
    content: Content = None
    call_id: Name | None = None
    name: Name | None = None
    arguments: Text | None = None
    input: Text | None = None
    output: Text | Annotated[list[Part], Meta(max_length=MOST_PARTS)] | None = None


def read_items(items: Sequence[InputItem]) -> list[Message]:
    """Read a conversation; calls that follow each other belong to one message of the assistant.

    Raises:
        InvalidInput: An item is of a kind that cannot be read here; names the field.
    """
    reader = _Reader()
    for number, item in enumerate(items):
        reader.take(item, f"input[{number}]")
    reader.close()
    return reader.messages


class _Reader:
    def __init__(self) -> None:
        self.messages: list[Message] = []
        self._texts: list[str] = []
        self._calls: list[ToolCall] = []
        self._names: dict[str, str] = {}

    def take(self, item: InputItem, field: str) -> None:
        """Read the next item."""
        if item.type == "message":
            self._take_message(item, field)
        elif item.type in ("function_call", "custom_tool_call"):
            self._take_call(item, field)
        elif item.type in ("function_call_output", "custom_tool_call_output"):
            call_id = _required(item.call_id, field, "call_id")
            content = text_of(item.output, f"{field}.output")
            self.close()
            name = self._names.get(call_id, "")
            self.messages.append(ToolMessage(call_id=call_id, name=name, content=content))
        elif item.type not in _LEFT_OUT:
            raise InvalidInput(
                f"Items of type {item.type!r} cannot be read here.", field=f"{field}.type"
            )

    def close(self) -> None:
        """End the assistant's message, if one is open."""
        if self._texts or self._calls:
            self.messages.append(
                AssistantMessage(text="\n\n".join(self._texts), tool_calls=tuple(self._calls))
            )
            self._texts, self._calls = [], []

    def _take_message(self, item: InputItem, field: str) -> None:
        text = text_of(item.content, f"{field}.content")
        role = _required(item.role, field, "role")
        if role == "assistant":
            if text:
                self._texts.append(text)
            return
        self.close()
        self.messages.append(UserMessage(text=text) if role == "user" else SystemMessage(text=text))

    def _take_call(self, item: InputItem, field: str) -> None:
        call_id = _required(item.call_id, field, "call_id")
        name = _required(item.name, field, "name")
        arguments = item.arguments or "{}"
        if item.type == "custom_tool_call":
            arguments = msgspec.json.encode({"input": item.input or ""}).decode()
        self._names[call_id] = name
        self._calls.append(ToolCall(id=call_id, name=name, arguments=arguments))


def _required(value: str | None, field: str, name: str) -> str:
    if not value:
        raise InvalidInput("This is missing.", field=f"{field}.{name}")
    return value

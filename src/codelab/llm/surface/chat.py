"""OpenAI's chat completions as other programs ask for them here.

Fields that are not known are left alone: clients send many that only concern OpenAI's own service
(`store`, `metadata`, `service_tier`). What is known and cannot be honoured is refused by name.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from codelab.kit.errors import InvalidInput
from codelab.llm.surface.parts import MOST_PARTS, Content, Name, Text, text_of
from codelab.sdk.messages import (
    AssistantMessage,
    Message,
    SystemMessage,
    ToolCall,
    ToolMessage,
    UserMessage,
)
from codelab.sdk.model import ModelRequest, ToolSpec

MOST_TOOLS = 512


class CalledFunction(msgspec.Struct):
    """The function of a tool call, its arguments as JSON in a text."""

    name: Name
    arguments: Text = ""


class CalledTool(msgspec.Struct):
    """A tool call of an earlier answer."""

    id: Name
    function: CalledFunction


class ChatMessage(msgspec.Struct, kw_only=True):
    """One message of the conversation."""

    role: Literal["system", "developer", "user", "assistant", "tool"]
    content: Content = None
    tool_calls: Annotated[list[CalledTool], Meta(max_length=MOST_TOOLS)] | None = None
    tool_call_id: Name | None = None
    name: Name | None = None


class OfferedFunction(msgspec.Struct):
    """A function that the model may ask for; `parameters` is a JSON Schema."""

    name: Name
    description: Text | None = None
    parameters: dict[str, Any] | None = None


class OfferedTool(msgspec.Struct):
    """A tool that the model may ask for."""

    function: OfferedFunction
    type: Literal["function"] = "function"


class ChosenFunction(msgspec.Struct):
    """The function that must be called."""

    name: Name


class ChosenTool(msgspec.Struct):
    """The tool that must be called."""

    function: ChosenFunction
    type: Literal["function"] = "function"


class StreamOptions(msgspec.Struct):
    """Whether the stream ends with a chunk that holds the usage."""

    include_usage: bool | None = None


class ChatCompletionRequest(msgspec.Struct, kw_only=True):
    """OpenAI's request; `logprobs`, and more than one answer, cannot be had here."""

    model: Name
    messages: Annotated[list[ChatMessage], Meta(min_length=1, max_length=MOST_PARTS)]
    tools: Annotated[list[OfferedTool], Meta(max_length=MOST_TOOLS)] | None = None
    tool_choice: Literal["auto", "none", "required"] | ChosenTool | None = None
    parallel_tool_calls: bool | None = None
    max_tokens: Annotated[int, Meta(ge=1)] | None = None
    max_completion_tokens: Annotated[int, Meta(ge=1)] | None = None
    temperature: Annotated[float, Meta(ge=0, le=2)] | None = None
    top_p: Annotated[float, Meta(ge=0, le=1)] | None = None
    frequency_penalty: Annotated[float, Meta(ge=-2, le=2)] | None = None
    presence_penalty: Annotated[float, Meta(ge=-2, le=2)] | None = None
    logit_bias: dict[str, float] | None = None
    seed: int | None = None
    stop: Text | Annotated[list[Text], Meta(max_length=16)] | None = None
    response_format: dict[str, Any] | None = None
    reasoning_effort: Name | None = None
    verbosity: Name | None = None
    n: Literal[1] | None = None
    logprobs: Literal[False] | None = None
    top_logprobs: Literal[0] | None = None
    functions: Annotated[list[Any], Meta(max_length=0)] | None = None
    modalities: list[Literal["text"]] | None = None
    stream: bool | None = None
    stream_options: StreamOptions | None = None


# What goes to the model as it came.
_PASSED_ON = (
    "parallel_tool_calls",
    "top_p",
    "frequency_penalty",
    "presence_penalty",
    "logit_bias",
    "seed",
    "stop",
    "response_format",
    "reasoning_effort",
    "verbosity",
)
_OF_TOOLS = ("tool_choice", "parallel_tool_calls")


def read_request(asked: ChatCompletionRequest) -> ModelRequest:
    """Read OpenAI's request as one of ours.

    Raises:
        InvalidInput: A tool message does not say which call it answers, or there is something else
            than text in a message.
    """
    names: dict[str, str] = {}
    messages = tuple(
        _read_message(message, names, f"messages[{n}]") for n, message in enumerate(asked.messages)
    )
    offered = () if asked.tool_choice == "none" else asked.tools or ()
    options = {name: getattr(asked, name) for name in _PASSED_ON}
    if asked.tool_choice != "auto":
        options["tool_choice"] = msgspec.to_builtins(asked.tool_choice)
    return ModelRequest(
        model=asked.model,
        messages=messages,
        tools=tuple(
            ToolSpec(
                name=tool.function.name,
                description=tool.function.description or "",
                parameters=tool.function.parameters or {"type": "object", "properties": {}},
            )
            for tool in offered
        ),
        max_output_tokens=asked.max_completion_tokens or asked.max_tokens,
        temperature=asked.temperature,
        options=given(options, with_tools=bool(offered)),
    )


def given(options: dict[str, Any], *, with_tools: bool) -> dict[str, Any]:
    """Leave out what was not set, and without tools what is about them: providers refuse that."""
    return {
        name: value
        for name, value in options.items()
        if value is not None and (with_tools or name not in _OF_TOOLS)
    }


def _read_message(message: ChatMessage, names: dict[str, str], field: str) -> Message:
    text = text_of(message.content, f"{field}.content")
    if message.role in ("system", "developer"):
        return SystemMessage(text=text)
    if message.role == "user":
        return UserMessage(text=text)
    if message.role == "assistant":
        calls = tuple(
            ToolCall(id=call.id, name=call.function.name, arguments=call.function.arguments)
            for call in message.tool_calls or ()
        )
        names |= {call.id: call.name for call in calls}
        return AssistantMessage(text=text, tool_calls=calls)
    if message.tool_call_id is None:
        raise InvalidInput("A tool message names its call.", field=f"{field}.tool_call_id")
    name = message.name or names.get(message.tool_call_id, "")
    return ToolMessage(call_id=message.tool_call_id, name=name, content=text)

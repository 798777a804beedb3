"""OpenAI's responses as other programs ask for them here.

Nothing is stored, so a conversation comes whole each time. Tools that OpenAI runs itself are left
out: they are only an offer to the model, and the answer's `tools` say which ones were made.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from codelab.kit.errors import InvalidInput
from codelab.llm.surface.chat import MOST_TOOLS, given
from codelab.llm.surface.parts import MOST_PARTS, Name, Text
from codelab.llm.surface.responses_input import InputItem, read_items
from codelab.sdk.messages import Message, SystemMessage, UserMessage
from codelab.sdk.model import ModelRequest, ToolSpec

_INPUT = "input"


class Tool(msgspec.Struct, kw_only=True):
    """A tool that the model may ask for: a function, one that takes plain text, or another."""

    type: Name
    name: Name | None = None
    description: Text | None = None
    parameters: dict[str, Any] | None = None
    format: dict[str, Any] | None = None


class ToolChoice(msgspec.Struct, kw_only=True):
    """The tool that must be called, or the ones among which to choose."""

    type: Name
    name: Name | None = None
    mode: Literal["auto", "required"] = "auto"
    tools: Annotated[list[Tool], Meta(max_length=MOST_TOOLS)] = []


class TextFormat(msgspec.Struct, kw_only=True):
    """Which form the text has to have."""

    type: Literal["text", "json_object", "json_schema"] = "text"
    name: Name | None = None
    description: Text | None = None
    schema: dict[str, Any] | None = None
    strict: bool | None = None


class TextWanted(msgspec.Struct, kw_only=True):
    """How the text is wanted."""

    format: TextFormat | None = None
    verbosity: Name | None = None


class Reasoning(msgspec.Struct, kw_only=True):
    """How much thought is wanted."""

    effort: Name | None = None
    summary: Name | None = None


class ResponseRequest(msgspec.Struct, kw_only=True):
    """OpenAI's request; fields that are not known are left alone."""

    model: Name
    input: Text | Annotated[list[InputItem], Meta(max_length=MOST_PARTS)]
    instructions: Text | None = None
    tools: Annotated[list[Tool], Meta(max_length=MOST_TOOLS)] | None = None
    tool_choice: Literal["auto", "none", "required"] | ToolChoice | None = None
    parallel_tool_calls: bool | None = None
    max_output_tokens: Annotated[int, Meta(ge=1)] | None = None
    temperature: Annotated[float, Meta(ge=0, le=2)] | None = None
    top_p: Annotated[float, Meta(ge=0, le=1)] | None = None
    text: TextWanted | None = None
    reasoning: Reasoning | None = None
    metadata: dict[str, Any] | None = None
    stream: bool | None = None
    background: bool | None = None
    previous_response_id: Name | None = None
    conversation: Any = None
    prompt: Any = None


class ReadResponse(msgspec.Struct, frozen=True, kw_only=True):
    """A request as one of ours.

    Args:
        plain: The names of the tools that take plain text; a model sees them as functions.
        offered: The tools that the model was offered, as they came.
    """

    ours: ModelRequest
    plain: frozenset[str]
    offered: tuple[Tool, ...]


def read_response(asked: ResponseRequest) -> ReadResponse:
    """Read OpenAI's request.

    Raises:
        InvalidInput: It wants what cannot be had here; names the field.
    """
    _refuse_state(asked)
    messages: list[Message] = []
    if asked.instructions:
        messages.append(SystemMessage(text=asked.instructions))
    if isinstance(asked.input, str):
        messages.append(UserMessage(text=asked.input))
    else:
        messages += read_items(asked.input)
    if not messages:
        raise InvalidInput("There is nothing to answer.", field="input")
    offered = _offered(asked)
    reasoning, text = asked.reasoning or Reasoning(), asked.text or TextWanted()
    options = {
        "parallel_tool_calls": asked.parallel_tool_calls,
        "top_p": asked.top_p,
        "reasoning_effort": reasoning.effort,
        "verbosity": text.verbosity,
        "response_format": _format(text.format),
        "tool_choice": _choice(asked.tool_choice, offered),
    }
    return ReadResponse(
        ours=ModelRequest(
            model=asked.model,
            messages=tuple(messages),
            tools=tuple(_spec(tool) for tool in offered),
            max_output_tokens=asked.max_output_tokens,
            temperature=asked.temperature,
            options=given(options, with_tools=bool(offered)),
        ),
        plain=frozenset(tool.name or "" for tool in offered if tool.type == "custom"),
        offered=offered,
    )


def plain_input(arguments: str) -> str:
    """Take the plain text of a call out of its arguments; what is no such thing stays as it is."""
    try:
        found = msgspec.json.decode(arguments, type=dict[str, Any])[_INPUT]
    except (msgspec.MsgspecError, KeyError):
        return arguments
    return found if isinstance(found, str) else arguments


def _refuse_state(asked: ResponseRequest) -> None:
    for field in ("previous_response_id", "conversation", "prompt"):
        if getattr(asked, field) is not None:
            raise InvalidInput(
                f"{field} is not taken: no response is stored here. Send the whole conversation "
                "as input.",
                field=field,
            )
    if asked.background:
        raise InvalidInput("Nothing runs in the background here.", field="background")


def _offered(asked: ResponseRequest) -> tuple[Tool, ...]:
    if asked.tool_choice == "none":
        return ()
    tools = [
        tool for tool in asked.tools or () if tool.type in ("function", "custom") and tool.name
    ]
    choice = asked.tool_choice
    if isinstance(choice, ToolChoice) and choice.type == "allowed_tools":
        allowed = {tool.name for tool in choice.tools}
        tools = [tool for tool in tools if tool.name in allowed]
    return tuple(tools)


def _choice(choice: Literal["auto", "none", "required"] | ToolChoice | None, offered: Any) -> Any:
    if not isinstance(choice, ToolChoice):
        return None if choice == "auto" else choice
    if choice.type == "allowed_tools":
        return None if choice.mode == "auto" else choice.mode
    if choice.name is None or choice.name not in {tool.name for tool in offered}:
        raise InvalidInput("The chosen tool is none that can be offered here.", field="tool_choice")
    return {"type": "function", "function": {"name": choice.name}}


def _format(wanted: TextFormat | None) -> dict[str, Any] | None:
    if wanted is None or wanted.type == "text":
        return None
    if wanted.type == "json_object":
        return {"type": "json_object"}
    schema = {
        "name": wanted.name or "answer",
        "description": wanted.description,
        "schema": wanted.schema or {},
        "strict": wanted.strict,
    }
    return {
        "type": "json_schema",
        "json_schema": {name: value for name, value in schema.items() if value is not None},
    }


def _spec(tool: Tool) -> ToolSpec:
    """Describe a tool; one that takes plain text becomes a function with one parameter."""
    description = tool.description or ""
    if tool.type == "custom":
        grammar = (tool.format or {}).get("definition")
        if grammar:
            description += f"\n\nThe input follows this grammar:\n{grammar}"
        parameters: dict[str, Any] = {
            "type": "object",
            "properties": {_INPUT: {"type": "string", "description": "The plain text."}},
            "required": [_INPUT],
        }
    else:
        parameters = tool.parameters or {"type": "object", "properties": {}}
    return ToolSpec(name=tool.name or "", description=description, parameters=parameters)

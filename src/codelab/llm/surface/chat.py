"""OpenAI's chat completions as other programs ask for them here, and how they are answered."""

from __future__ import annotations

import time
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from codelab.kit.errors import CodeLabError, InvalidInput
from codelab.kit.ids import new_id
from codelab.sdk.messages import (
    AssistantMessage,
    Message,
    SystemMessage,
    ToolCall,
    ToolMessage,
    UserMessage,
)
from codelab.sdk.model import Completion, Delta, ModelRequest, ToolSpec, Usage

_LONGEST_TEXT = 4 * 1024 * 1024
_MOST_MESSAGES = 10_000
_MOST_TOOLS = 512

_Text = Annotated[str, Meta(max_length=_LONGEST_TEXT)]
_Name = Annotated[str, Meta(min_length=1, max_length=256)]


class TextPart(msgspec.Struct, forbid_unknown_fields=True):
    """A part of a message; only text is taken."""

    text: _Text
    type: Literal["text"] = "text"


class CalledFunction(msgspec.Struct, forbid_unknown_fields=True):
    """The function of a tool call, its arguments as JSON in a text."""

    name: _Name
    arguments: _Text = ""


class CalledTool(msgspec.Struct, forbid_unknown_fields=True):
    """A tool call of an earlier answer."""

    id: _Name
    function: CalledFunction
    type: Literal["function"] = "function"


class ChatMessage(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """One message of the conversation."""

    role: Literal["system", "developer", "user", "assistant", "tool"]
    content: _Text | Annotated[list[TextPart], Meta(max_length=_MOST_MESSAGES)] | None = None
    tool_calls: Annotated[list[CalledTool], Meta(max_length=_MOST_TOOLS)] | None = None
    tool_call_id: _Name | None = None
    name: _Name | None = None
    refusal: str | None = None


class OfferedFunction(msgspec.Struct, forbid_unknown_fields=True):
    """A function that the model may ask for; `parameters` is a JSON Schema."""

    name: _Name
    description: _Text = ""
    parameters: dict[str, Any] | None = None
    strict: bool | None = None


class OfferedTool(msgspec.Struct, forbid_unknown_fields=True):
    """A tool that the model may ask for."""

    function: OfferedFunction
    type: Literal["function"] = "function"


class StreamOptions(msgspec.Struct, forbid_unknown_fields=True):
    """Whether the stream ends with a chunk that holds the usage."""

    include_usage: bool = False


class ChatCompletionRequest(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """OpenAI's request, as far as it can be honoured; a field that cannot is refused by name."""

    model: _Name
    messages: Annotated[list[ChatMessage], Meta(min_length=1, max_length=_MOST_MESSAGES)]
    tools: Annotated[list[OfferedTool], Meta(max_length=_MOST_TOOLS)] | None = None
    tool_choice: Literal["auto", "none"] | None = None
    parallel_tool_calls: bool | None = None
    max_tokens: Annotated[int, Meta(ge=1)] | None = None
    max_completion_tokens: Annotated[int, Meta(ge=1)] | None = None
    temperature: Annotated[float, Meta(ge=0, le=2)] | None = None
    n: Literal[1] = 1
    stream: bool = False
    stream_options: StreamOptions | None = None
    user: _Name | None = None


class OpenAIProblem(msgspec.Struct, frozen=True, kw_only=True):
    """What went wrong, in OpenAI's words; `code` is ours."""

    message: str
    type: str
    param: str | None
    code: str


class OpenAIError(msgspec.Struct, frozen=True, kw_only=True):
    """An error as OpenAI's clients read it."""

    error: OpenAIProblem


def read_request(asked: ChatCompletionRequest) -> ModelRequest:
    """Read OpenAI's request as one of ours.

    Raises:
        InvalidInput: A tool message does not say which call it answers.
    """
    names: dict[str, str] = {}
    messages = tuple(_read_message(message, names) for message in asked.messages)
    offered = () if asked.tool_choice == "none" else asked.tools or ()
    return ModelRequest(
        model=asked.model,
        messages=messages,
        tools=tuple(
            ToolSpec(
                name=tool.function.name,
                description=tool.function.description,
                parameters=tool.function.parameters or {"type": "object", "properties": {}},
            )
            for tool in offered
        ),
        max_output_tokens=asked.max_completion_tokens or asked.max_tokens,
        temperature=asked.temperature,
    )


def _read_message(message: ChatMessage, names: dict[str, str]) -> Message:
    content = message.content or ""
    text = content if isinstance(content, str) else "".join(part.text for part in content)
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
        raise InvalidInput("A tool message names its call.", field="messages.tool_call_id")
    name = message.name or names.get(message.tool_call_id, "")
    return ToolMessage(call_id=message.tool_call_id, name=name, content=text)


class AnswerWriter:
    """Writes an answer in OpenAI's shape, whole or as a stream's events.

    Args:
        model: The model that was asked for.
        with_usage: Whether the stream ends with the usage.
    """

    def __init__(self, model: str, *, with_usage: bool = False) -> None:
        self._id = f"chatcmpl-{new_id()}"
        self._created = int(time.time())
        self._model = model
        self._with_usage = with_usage

    def start(self) -> bytes:
        """Write the event that opens a stream."""
        return self._event({"role": "assistant", "content": ""})

    def piece(self, delta: Delta) -> bytes:
        """Write the event of a piece of the answer."""
        fields = {"content": delta.text} if delta.text else {}
        if delta.reasoning:
            fields["reasoning_content"] = delta.reasoning
        return self._event(fields)

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
        return msgspec.json.encode({**document, "usage": _usage_json(completion.usage)})

    def _event(self, delta: dict[str, Any], reason: str | None = None) -> bytes:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": reason}
        return _sse({**self._envelope("chat.completion.chunk"), "choices": [choice]})

    def _envelope(self, kind: str) -> dict[str, Any]:
        return {"id": self._id, "object": kind, "created": self._created, "model": self._model}


def error_body(error: CodeLabError) -> bytes:
    """Write an error in OpenAI's shape."""
    kind = "invalid_request_error" if error.status < 500 else "server_error"
    if error.status in (402, 429):
        kind = "rate_limit_error" if error.status == 429 else "insufficient_quota"
    problem = OpenAIProblem(message=error.message, type=kind, param=error.field, code=error.code)
    return msgspec.json.encode(OpenAIError(error=problem))


def _sse(payload: Any) -> bytes:
    return b"data: " + msgspec.json.encode(payload) + b"\n\n"


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

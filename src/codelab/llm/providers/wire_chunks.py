"""The pieces of a streamed answer in OpenAI's format, as OpenAI and those like it send them."""

from __future__ import annotations

from typing import Any

import msgspec


class FunctionPiece(msgspec.Struct, gc=False):
    """A piece of a call's name and arguments; some servers send arguments as an object."""

    name: str | None = None
    arguments: Any = None


class ToolCallPiece(msgspec.Struct, gc=False):
    """A piece of a tool call."""

    index: int | None = None
    id: str | int | None = None
    function: FunctionPiece | None = None


class ContentPart(msgspec.Struct, gc=False):
    """A part of a content that is a list, as reasoning models of Mistral send it."""

    type: str = "text"
    text: str = ""
    thinking: Any = None


class MessagePiece(msgspec.Struct, gc=False):
    """What a chunk adds to the message; providers have two names for reasoning."""

    content: str | list[ContentPart] | None = None
    reasoning_content: str | None = None
    reasoning: str | None = None
    tool_calls: list[ToolCallPiece] | None = None
    thinking_blocks: list[dict[str, Any]] | None = None
    refusal: str | None = None


class Choice(msgspec.Struct, gc=False):
    """One of the answers; only the first is ever asked for."""

    delta: MessagePiece | None = None
    message: MessagePiece | None = None
    finish_reason: str | None = None


class UsageReport(msgspec.Struct, gc=False):
    """The provider's count of tokens; some also say what the call cost."""

    # Whatever these are, the answer beside them is good: what is no count counts as none.
    prompt_tokens: Any = None
    completion_tokens: Any = None
    total_tokens: Any = None
    prompt_tokens_details: Any = None
    prompt_cache_hit_tokens: Any = None
    cache_creation_input_tokens: Any = None
    cost: Any = None


class Chunk(msgspec.Struct, gc=False):
    """One event of the stream, or the whole answer of a server that does not stream."""

    choices: list[Choice] | None = None
    usage: UsageReport | None = None
    error: Any = None

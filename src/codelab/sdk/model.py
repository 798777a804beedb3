"""What a model is to an agent: a request in, deltas while it writes, a completion at the end."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Literal, Protocol

import msgspec

from codelab.sdk.messages import Message, Thinking, ToolCall


class ToolSpec(msgspec.Struct, frozen=True, kw_only=True):
    """A tool as a model sees it; `parameters` is a JSON Schema of type object."""

    name: str
    description: str
    parameters: dict[str, Any]


class ModelRequest(msgspec.Struct, frozen=True, kw_only=True):
    """One call of a model.

    Args:
        model: The model's name in the catalogue.
        messages: The conversation, the system message first.
        tools: What the model may ask for.
        max_output_tokens: An upper bound for the answer, or none.
        temperature: The sampling temperature, or the provider's default.
        options: Further parameters in OpenAI's names, such as `top_p` or `response_format`.
    """

    model: str
    messages: tuple[Message, ...]
    tools: tuple[ToolSpec, ...] = ()
    max_output_tokens: int | None = None
    temperature: float | None = None
    options: Mapping[str, Any] = {}


class Delta(msgspec.Struct, frozen=True):
    """A piece of an answer while it is written."""

    text: str = ""
    reasoning: str = ""


class Usage(msgspec.Struct, frozen=True, kw_only=True):
    """Tokens and cost of one call or of several; cost in US dollars.

    Args:
        input_tokens: All that the model read, those of the next two included.
        cached_tokens: Read from the provider's prompt cache.
        cache_write_tokens: Written to the provider's prompt cache.
        estimated: Whether a part is our guess, since the provider sent no count.
    """

    input_tokens: int = 0
    output_tokens: int = 0
    cached_tokens: int = 0
    cache_write_tokens: int = 0
    cost_usd: float = 0.0
    estimated: bool = False

    def plus(self, other: Usage) -> Usage:
        """Add two usages."""
        return Usage(
            input_tokens=self.input_tokens + other.input_tokens,
            output_tokens=self.output_tokens + other.output_tokens,
            cached_tokens=self.cached_tokens + other.cached_tokens,
            cache_write_tokens=self.cache_write_tokens + other.cache_write_tokens,
            # Costs are whole billionths: rounded to them, the order of adding does not matter.
            cost_usd=round(self.cost_usd + other.cost_usd, 9),
            estimated=self.estimated or other.estimated,
        )


class Completion(msgspec.Struct, frozen=True, kw_only=True):
    """A finished answer.

    Args:
        model: The catalogue name of the model that answered, which a fallback may have changed.
        finish_reason: `stop`, `tool_calls`, `length` or the provider's own word.
        thinking: What the provider wants back with the results of the tool calls.
        tried: What was asked before and failed, or was passed over, as `name: code`.
        from_cache: Whether it is the answer to an earlier, identical request.
    """

    model: str
    text: str = ""
    reasoning: str = ""
    tool_calls: tuple[ToolCall, ...] = ()
    finish_reason: str = "stop"
    usage: Usage = Usage()
    thinking: Thinking | None = None
    tried: tuple[str, ...] = ()
    from_cache: bool = False


OnDelta = Callable[[Delta], None]


class ModelClient(Protocol):
    """A way to one or more models."""

    async def stream(self, request: ModelRequest, on_delta: OnDelta) -> Completion:
        """Run the request; hand each piece to `on_delta` at once, in the reader's own callback.

        Cancelling the awaiting task closes the connection to the model.

        Raises:
            CodeLabError: The provider refused or failed, as one of the conditions of `llm.errors`.
        """


class ModelInfo(msgspec.Struct, frozen=True, kw_only=True):
    """A model as it is offered to users.

    Args:
        name: The name in the catalogue.
        provider: Who runs it.
        context_tokens: The size of its window.
        description: One line for people; says plainly when a model is a scripted one.
        kind: Whether it holds conversations or turns texts into vectors.
        tools: Whether it can ask for tools.
        images: Whether it reads images.
        reasoning: Whether it thinks before it answers.
    """

    name: str
    provider: str
    context_tokens: int = 32_000
    max_output_tokens: int = 4096
    description: str = ""
    kind: Literal["chat", "embedding"] = "chat"
    tools: bool = True
    images: bool = False
    reasoning: bool = False


class ModelProvider(msgspec.Struct, frozen=True, kw_only=True):
    """Models that a plugin brings, and the client that runs them.

    Args:
        advice: One sentence on what must be installed or set before they answer; empty when
            nothing must.
        close: Awaited when the server ends.
    """

    client: ModelClient
    models: tuple[ModelInfo, ...]
    advice: str = ""
    close: Callable[[], Awaitable[None]] | None = None

"""How many tokens a call takes that nobody has counted, or that has not been made yet."""

from __future__ import annotations

import string
from collections.abc import Iterable

import msgspec

from codelab.llm.providers.embeddings import INPUT
from codelab.sdk.messages import AssistantMessage, Message, ToolMessage
from codelab.sdk.model import ModelRequest, Usage

# A token is about four bytes of a text, in any script; what is sent is told apart below.
_BYTES_PER_TOKEN = 4
_PER_MESSAGE_TOKENS = 4
_MOST_PER_MESSAGE_TOKENS = 8
# What tokenizers join to words at least in pairs; of the rest each byte may be a token, above all
# of emoji and symbols, which begin with the bytes below.
_JOINED = (string.ascii_lowercase + " ").encode() + bytes(range(0x80, 0x100))
_SYMBOLS = (b"\xe2", b"\xf0")


def estimate_usage(request: ModelRequest, written: int) -> Usage:
    """Estimate the tokens of a call that nobody counted.

    Args:
        request: What the model was sent.
        written: The weight of what it wrote, as `weight` gives it.
    """
    asked = sum(_weights(request.messages))
    asked += sum(
        weight(tool.name) + weight(tool.description) + weight(str(tool.parameters))
        for tool in request.tools
    )
    return Usage(
        input_tokens=_tokens(asked) + _PER_MESSAGE_TOKENS * len(request.messages),
        output_tokens=_tokens(written),
        estimated=True,
    )


def weight(text: str) -> int:
    """Return a text's length as tokens go by it: scripts other than Latin take more of them."""
    return len(text) if text.isascii() else len(text.encode(errors="replace"))


def most_input_tokens(request: ModelRequest) -> int:
    """Return more tokens than a request takes; English prose counts about twice.

    Noise of small letters may take more than this.
    """
    # As JSON it holds whatever is sent, and what the frames of messages and tools take besides.
    # Texts that get vectors are sent once, and stand in it as messages too.
    once = msgspec.structs.replace(request, messages=()) if INPUT in request.options else request
    sent = msgspec.json.encode(once)
    single = len(sent.translate(None, _JOINED)) + sum(3 * sent.count(one) for one in _SYMBOLS)
    return single + -(-(len(sent) - single) // 2) + _MOST_PER_MESSAGE_TOKENS * len(request.messages)


def _weights(messages: Iterable[Message]) -> Iterable[int]:
    for message in messages:
        if isinstance(message, ToolMessage):
            yield weight(message.content)
            continue
        yield weight(message.text)
        if isinstance(message, AssistantMessage):
            yield from (weight(call.name) + weight(call.arguments) for call in message.tool_calls)


def _tokens(written: int) -> int:
    return -(-written // _BYTES_PER_TOKEN)

"""The events of a streamed answer in Anthropic's format, as far as they are read."""

from __future__ import annotations

from typing import Any

import msgspec


class Block(msgspec.Struct, gc=False):
    """A content block as it opens, or whole."""

    type: str = ""
    text: str = ""
    thinking: str = ""
    signature: str = ""
    data: str = ""
    id: str | None = None
    name: str | None = None
    input: Any = None


class BlockDelta(msgspec.Struct, gc=False):
    """What an event adds to a block, or says of the message's end."""

    type: str = ""
    text: str = ""
    thinking: str = ""
    signature: str = ""
    partial_json: str = ""
    stop_reason: str | None = None


class TokenCount(msgspec.Struct, gc=False):
    """Anthropic's count; what the cache took or gave is not part of `input_tokens`."""

    # Whatever these are, the answer beside them is good: what is no count counts as none.
    input_tokens: Any = None
    output_tokens: Any = None
    cache_creation_input_tokens: Any = None
    cache_read_input_tokens: Any = None


class StartedMessage(msgspec.Struct, gc=False):
    """The message as it starts."""

    usage: TokenCount | None = None


class Event(msgspec.Struct, gc=False):
    """Any event; a whole message, from a server that does not stream, fits as well."""

    type: str = ""
    index: int = 0
    content_block: Block | None = None
    delta: BlockDelta | None = None
    message: StartedMessage | None = None
    usage: TokenCount | None = None
    error: Any = None
    content: list[Block] | None = None
    stop_reason: str | None = None

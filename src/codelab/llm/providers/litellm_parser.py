"""Rare providers' answers: litellm parses each chunk, and nothing else of its stream is used.

Its stream object costs some 700 µs a chunk, its provider's own parser some 20. So litellm is let
run up to the point where it would send its request; that is caught, and sent over our connection.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

import msgspec

from codelab.llm.errors import ModelError
from codelab.llm.providers.assembly import AnswerAssembler, usage_of
from codelab.llm.providers.http_pool import parse_target
from codelab.llm.providers.key_destinations import own_headers
from codelab.llm.providers.wire import WireCall
from codelab.llm.providers.wire_chunks import (
    FunctionPiece,
    MessagePiece,
    ToolCallPiece,
    UsageReport,
)
from codelab.sdk.model import OnDelta, Usage

_DATA = b"data:"
_DONE = b"[DONE]"
_DROPPED_HEADERS = frozenset({"host", "connection", "content-length", "accept-encoding"})


class RequestTap:
    """A transport for httpx that keeps a request and sends nothing.

    Args:
        httpx: The library, as litellm has imported it.
    """

    def __init__(self, httpx: Any) -> None:
        self.request: Any = None
        self._httpx = httpx

    async def handle_async_request(self, request: Any) -> Any:
        """Keep the request; the answer is an empty one."""
        self.request = request
        return self._httpx.Response(200, content=b"", request=request)

    async def __aenter__(self) -> RequestTap:
        """Open nothing."""
        return self

    async def __aexit__(self, *error: object) -> None:
        """Close nothing."""

    async def aclose(self) -> None:
        """Close nothing."""

    def call(self, params: Mapping[str, Any]) -> WireCall | None:
        """Return the request as one for our connections; none when they do not serve its URL.

        Args:
            params: The entry's parameters, which tell whether a key in it is the entry's own.
        """
        target = parse_target(str(self.request.url))
        if target is None or self.request.method != "POST":
            return None
        headers = {
            name: value
            for name, value in self.request.headers.items()
            if name not in _DROPPED_HEADERS
        }
        headers.setdefault("content-type", "application/json")
        return WireCall(target, own_headers(headers, params), self.request.content, "litellm")


class NamesCondition(Protocol):
    """Names the condition behind an exception of litellm's."""

    def __call__(self, error: Exception, *, started: bool) -> ModelError:
        """Name it; `started` tells whether a part of the answer has come."""


class ParsedAnswer:
    """Reads lines, with or without `data:` before them, by a parser of litellm's.

    Args:
        on_delta: Takes each piece at once.
        parser: A provider's own iterator, of which only `chunk_parser` is used.
        condition: Names what the parser raises.
    """

    lines = True

    def __init__(self, on_delta: OnDelta, parser: Any, condition: NamesCondition) -> None:
        self.assembler = AnswerAssembler(on_delta)
        self._parse = parser.chunk_parser
        self._condition = condition

    def take(self, event: bytes) -> bool:
        """Take a line; comments and names of events are none."""
        data = event[len(_DATA) :].strip() if event.startswith(_DATA) else event
        if data == _DONE:
            return True
        if data.startswith(b"{"):
            document = msgspec.json.decode(data)
            try:
                piece = self._parse(document)
            except Exception as error:
                raise self._condition(error, started=self.assembler.started) from None
            if piece is not None:
                self._add(piece)
        return False

    def _add(self, piece: Any) -> None:
        if isinstance(piece, dict):
            self._add_generic(piece)
            return
        for choice in piece.choices[:1]:
            self.assembler.add_piece(_piece_of(choice.delta))
            if choice.finish_reason:
                self.assembler.finish_reason = choice.finish_reason
        self._count(getattr(piece, "usage", None))

    def _add_generic(self, piece: dict[str, Any]) -> None:
        """Take litellm's older form of a piece."""
        call = piece.get("tool_use")
        calls = [msgspec.convert(dict(call), ToolCallPiece)] if call else None
        self.assembler.add_piece(MessagePiece(content=piece.get("text"), tool_calls=calls))
        if piece.get("is_finished"):
            self.assembler.finish_reason = piece.get("finish_reason") or "stop"
        self._count(piece.get("usage"))

    def _count(self, usage: Any) -> None:
        """Take a count: each names what there is until now, or what an earlier one left out."""
        if usage is None:
            return
        counts = usage if isinstance(usage, dict) else usage.model_dump(exclude_none=True)
        known, new = self.assembler.usage, usage_of(msgspec.convert(counts, UsageReport))
        self.assembler.usage = Usage(
            input_tokens=max(known.input_tokens, new.input_tokens),
            output_tokens=max(known.output_tokens, new.output_tokens),
            cached_tokens=max(known.cached_tokens, new.cached_tokens),
            cache_write_tokens=max(known.cache_write_tokens, new.cache_write_tokens),
        )


def _piece_of(delta: Any) -> MessagePiece:
    calls = getattr(delta, "tool_calls", None)
    return MessagePiece(
        content=delta.content,
        reasoning_content=getattr(delta, "reasoning_content", None),
        tool_calls=[_call_of(call) for call in calls] if calls else None,
        thinking_blocks=getattr(delta, "thinking_blocks", None),
    )


def _call_of(call: Any) -> ToolCallPiece:
    function = FunctionPiece(name=call.function.name, arguments=call.function.arguments)
    return ToolCallPiece(index=call.index, id=call.id, function=function)

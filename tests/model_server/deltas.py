"""A reply as the sequence of small pieces a model produces, before any provider's wire format."""

from __future__ import annotations

import itertools
import json
import re
import uuid
from collections.abc import Iterator
from dataclasses import dataclass

from tests.model_server.script import Reply, ToolCall

_WORDS = re.compile(r"\s*\S+|\s+")
_JSON_TOKENS = re.compile(r"\W*\w+|\W+")


@dataclass(frozen=True, slots=True)
class TextDelta:
    """A piece of the answer's text."""

    text: str


@dataclass(frozen=True, slots=True)
class ReasoningDelta:
    """A piece of the model's reasoning."""

    text: str


@dataclass(frozen=True, slots=True)
class CallStart:
    """A tool call begins: its position among the calls, its id and its name."""

    index: int
    call_id: str
    name: str


@dataclass(frozen=True, slots=True)
class CallArguments:
    """A piece of a tool call's JSON arguments."""

    index: int
    json_piece: str


Delta = TextDelta | ReasoningDelta | CallStart | CallArguments


def arguments_json(call: ToolCall) -> str:
    """The arguments as the text the model wrote; a scripted string is kept as it is."""
    if isinstance(call.arguments, str):
        return call.arguments
    return json.dumps(call.arguments, ensure_ascii=False)


def call_id(call: ToolCall, prefix: str) -> str:
    """The scripted id, or a fresh one in the provider's style."""
    return call.id or f"{prefix}{uuid.uuid4().hex[:24]}"


def deltas(reply: Reply, *, id_prefix: str, interleave: bool) -> Iterator[Delta]:
    """The reply's pieces in the order a model sends them: reasoning, text, tool calls.

    With `interleave`, parallel calls of a reply split into bytes take turns, which OpenAI's format
    allows.
    """
    tiny = reply.split == "bytes"
    for piece in _pieces(reply.reasoning, _WORDS, tiny):
        yield ReasoningDelta(piece)
    chunks = reply.text if isinstance(reply.text, list) else _pieces(reply.text, _WORDS, tiny)
    for piece in chunks:
        yield TextDelta(piece)
    calls = [
        list(_call(index, call, id_prefix, tiny)) for index, call in enumerate(reply.tool_calls)
    ]
    if interleave and tiny:
        for turn in itertools.zip_longest(*calls):
            yield from (delta for delta in turn if delta is not None)
    else:
        yield from itertools.chain.from_iterable(calls)


def _call(index: int, call: ToolCall, id_prefix: str, tiny: bool) -> Iterator[Delta]:
    yield CallStart(index, call_id(call, id_prefix), call.name)
    for piece in _pieces(arguments_json(call), _JSON_TOKENS, tiny):
        yield CallArguments(index, piece)


def _pieces(text: str, tokens: re.Pattern[str], tiny: bool) -> list[str]:
    return _tiny_pieces(text) if tiny else tokens.findall(text)


def _tiny_pieces(text: str) -> list[str]:
    pieces: list[str] = []
    start = 0
    for size in itertools.cycle((1, 3, 2)):
        if start >= len(text):
            return pieces
        pieces.append(text[start : start + size])
        start += size
    return pieces

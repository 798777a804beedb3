"""Putting an answer together from its pieces, however awkwardly a provider cuts them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from codelab.kit.ids import new_id
from codelab.llm.errors import ModelFailed, ModelRefused
from codelab.llm.providers.wire_chunks import (
    Choice,
    Chunk,
    ContentPart,
    MessagePiece,
    ToolCallPiece,
    UsageReport,
)
from codelab.llm.sound_usage import sound, sound_cost, sound_count
from codelab.sdk.messages import Thinking, ToolCall
from codelab.sdk.model import Completion, Delta, OnDelta, Usage

# A sign of life that carries nothing to show: a piece of a tool call came.
ALIVE = Delta()
# Some providers number their calls in each answer; within a session such an id would repeat.
_COUNTED_ID = re.compile(r"(?:[a-z]+[_-])?\d{0,5}")
_MOST_CALLS = 512
# Twice what the longest answers take that models give, a token in each piece.
_MOST_CHARACTERS = 8 * 1024 * 1024
# What a piece takes besides its characters, however few they are.
_PIECE_CHARACTERS = 32
_LONGEST_ID = 128
_USABLE_ID = re.compile(rf"[\w.:-]{{1,{_LONGEST_ID}}}", re.ASCII)
# What providers take back as the name of a tool.
_UNNAMEABLE = re.compile(r"[^\w.-]", re.ASCII)
_LONGEST_NAME = 128
_USABLE_REASON = re.compile(r"[\w-]{1,40}", re.ASCII)


class _Call:
    __slots__ = ("arguments", "id", "name")

    def __init__(self, call_id: str) -> None:
        self.id = call_id
        self.name = ""
        self.arguments: list[str] = []


class ToolCallAssembler:
    """Tool calls from their pieces."""

    def __init__(self) -> None:
        self._calls: list[_Call] = []
        self._by_index: dict[int, _Call] = {}
        self._by_id: dict[str, _Call] = {}

    def add(self, piece: ToolCallPiece) -> int:
        """Add a piece to the call it belongs to, or start one; return how many characters came.

        Raises:
            ModelFailed: There are more calls than anybody needs.
        """
        call = self._find(piece)
        # Some repeat these with every piece.
        came = max(0, len(piece.id) - _LONGEST_ID) if isinstance(piece.id, str) else 0
        function = piece.function
        if function is None:
            return came
        # A name comes whole, or in pieces, or again with every piece.
        name = (function.name or "")[:_LONGEST_NAME]
        came += max(0, len(function.name or "") - _LONGEST_NAME)
        if name != call.name:
            call.name = (call.name + name)[:_LONGEST_NAME]
        if function.arguments is None:
            return came
        arguments = function.arguments
        if not isinstance(arguments, str):
            arguments = msgspec.json.encode(arguments).decode()
        call.arguments.append(arguments)
        return came + len(arguments)

    def finish(self) -> tuple[ToolCall, ...]:
        """Return the calls in the order of their first pieces, each with an id of its own."""
        taken: set[str] = set()
        calls: list[ToolCall] = []
        for call in self._calls:
            call_id = call.id
            odd = _COUNTED_ID.fullmatch(call_id) or not _USABLE_ID.fullmatch(call_id)
            if call_id in taken or odd:
                call_id = f"call_{new_id()}"
            taken.add(call_id)
            arguments = "".join(call.arguments) or "{}"
            name = _UNNAMEABLE.sub("_", call.name)
            calls.append(ToolCall(id=call_id, name=name, arguments=arguments))
        return tuple(calls)

    def _find(self, piece: ToolCallPiece) -> _Call:
        piece_id = "" if piece.id is None else str(piece.id)
        if piece.index is not None:
            call = self._by_index.get(piece.index)
            if call is None or self._is_another(call, piece, piece_id):
                call = self._start(piece_id)
                self._by_index[piece.index] = call
        elif piece_id:
            call = self._by_id.get(piece_id) or self._start(piece_id)
        else:
            named = piece.function is not None and bool(piece.function.name)
            last = self._calls[-1] if self._calls else None
            call = self._start("") if last is None or (named and last.arguments) else last
        if not call.id and piece_id:
            call.id = piece_id
            self._by_id.setdefault(piece_id, call)
        return call

    def _start(self, call_id: str) -> _Call:
        if len(self._calls) >= _MOST_CALLS:
            raise ModelFailed("The model asked for more tools at once than anybody needs.")
        call = _Call(call_id)
        self._calls.append(call)
        if call_id:
            self._by_id.setdefault(call_id, call)
        return call

    @staticmethod
    def _is_another(call: _Call, piece: ToolCallPiece, piece_id: str) -> bool:
        # Some servers give every call the index 0: a new id together with a name starts a new one.
        named = piece.function is not None and bool(piece.function.name)
        return bool(named and piece_id and call.id and piece_id != call.id)


class AnswerAssembler:
    """A whole answer from its chunks; hands text and reasoning on as they come.

    Args:
        on_delta: Takes each piece at once.
    """

    def __init__(self, on_delta: OnDelta) -> None:
        self.finish_reason = ""
        self.started = False
        self.usage = Usage()
        self._on_delta = on_delta
        self._text: list[str] = []
        self._reasoning: list[str] = []
        self._thinking: list[dict[str, list[str]]] = []
        self._calls = ToolCallAssembler()
        self._held = 0

    def add(self, chunk: Chunk) -> None:
        """Take a chunk in OpenAI's format."""
        if chunk.choices:
            self._add_choice(chunk.choices[0])
        if chunk.usage is not None:
            self.usage = usage_of(chunk.usage)

    def write(self, text: str, reasoning: str = "") -> None:
        """Take a piece of the text, of the reasoning, or of both."""
        self.started = True
        self.hold(len(text) + len(reasoning))
        if text:
            self._text.append(text)
        if reasoning:
            self._reasoning.append(reasoning)
        self._on_delta(Delta(text, reasoning))

    def call(self, pieces: Iterable[ToolCallPiece]) -> None:
        """Take pieces of tool calls; none is a sign of life as well."""
        self.started = True
        for piece in pieces:
            self.hold(self._calls.add(piece))
        self._on_delta(ALIVE)

    def think(self, part: Mapping[str, str]) -> None:
        """Take a part of the reasoning in its provider's own form, or a piece of one.

        A piece of a `thinking` part goes on with the last one until that is signed.
        """
        last = self._thinking[-1] if self._thinking else {}
        goes_on = part.get("type") == "thinking" and last.get("type") == ["thinking"]
        if not goes_on or any(last.get("signature", ())):
            last = {}
            self._thinking.append(last)
        for name, value in part.items():
            self.hold(len(name) + len(value))
            pieces = last.setdefault(name, [])
            if value and (name != "type" or not pieces):
                pieces.append(value)

    def hold(self, characters: int) -> None:
        """Count what is kept of the answer: it has an end, whatever its provider sends.

        Raises:
            ModelRefused: It has none.
        """
        self._held += characters + _PIECE_CHARACTERS
        if self._held > _MOST_CHARACTERS:
            # The same would come again: a refusal is not repeated.
            raise ModelRefused("The model gave an answer without end.")

    def complete(self, name: str, origin: str = "") -> Completion:
        """Return the answer; its usage is empty when the provider sent none.

        Args:
            name: The model's name in the catalogue.
            origin: litellm's name for it.
        """
        calls = self._calls.finish()
        reason = self.finish_reason or "stop"
        if calls and reason in ("stop", "function_call"):
            reason = "tool_calls"
        if not _USABLE_REASON.fullmatch(reason):
            reason = "stop"
        return Completion(
            model=name,
            text="".join(self._text),
            reasoning="".join(self._reasoning),
            tool_calls=calls,
            finish_reason=reason,
            usage=self.usage,
            thinking=self._signed(origin),
        )

    def _signed(self, origin: str) -> Thinking | None:
        # A provider refuses reasoning without its signature.
        whole = [
            {name: "".join(pieces) for name, pieces in part.items()} for part in self._thinking
        ]
        parts = tuple(part for part in whole if part.get("signature") or "data" in part)
        return Thinking(model=origin, parts=parts) if parts else None

    def _add_choice(self, choice: Choice) -> None:
        piece = choice.delta or choice.message
        if piece is not None:
            self.add_piece(piece)
        if choice.finish_reason:
            self.finish_reason = choice.finish_reason

    def add_piece(self, piece: MessagePiece) -> None:
        """Take what a chunk adds to the message."""
        text, reasoning = piece.content, piece.reasoning_content or piece.reasoning or ""
        if isinstance(text, list):
            text, thought = _join_parts(text)
            reasoning += thought
        text = text or piece.refusal or ""
        if text or reasoning:
            self.write(text, reasoning)
        if piece.tool_calls:
            self.call(piece.tool_calls)
        for part in piece.thinking_blocks or ():
            self.think({name: value for name, value in part.items() if isinstance(value, str)})


def usage_of(report: UsageReport) -> Usage:
    """Read a provider's count."""
    prompt, written = sound_count(report.prompt_tokens), sound_count(report.completion_tokens)
    told = report.prompt_tokens_details
    details: Mapping[str, Any] = told if isinstance(told, dict) else {}
    cached = details.get("cached_tokens") or report.prompt_cache_hit_tokens
    kept = details.get("cache_write_tokens") or details.get("cache_creation_tokens")
    kept = kept or report.cache_creation_input_tokens
    return sound(
        Usage(
            input_tokens=prompt,
            # Where reasoning is counted apart, only the total has it.
            output_tokens=max(written, sound_count(sound_count(report.total_tokens) - prompt)),
            cached_tokens=sound_count(cached),
            cache_write_tokens=sound_count(kept),
            cost_usd=sound_cost(report.cost),
        )
    )


def _join_parts(parts: list[ContentPart]) -> tuple[str, str]:
    text, reasoning = [], []
    for part in parts:
        if part.type == "thinking":
            reasoning.append(_thought(part.thinking))
        else:
            text.append(part.text)
    return "".join(text), "".join(reasoning)


def _thought(thinking: Any) -> str:
    if isinstance(thinking, list):
        return "".join(str(part.get("text", "")) for part in thinking if isinstance(part, dict))
    return thinking if isinstance(thinking, str) else ""

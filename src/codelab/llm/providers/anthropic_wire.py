"""Anthropic's answers: named events that open, fill and close content blocks."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from codelab.llm.providers.answer_stream import FailureReported
from codelab.llm.providers.anthropic_events import Block, BlockDelta, Event, TokenCount
from codelab.llm.providers.assembly import AnswerAssembler
from codelab.llm.providers.failures import failure_of_error
from codelab.llm.providers.wire_chunks import FunctionPiece, ToolCallPiece
from codelab.llm.sound_usage import sound_count
from codelab.sdk.model import OnDelta, Usage

_REASONS: Mapping[str, str] = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "pause_turn": "stop",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "tool_use": "tool_calls",
    "refusal": "content_filter",
}
_decode = msgspec.json.Decoder(Event).decode


class _Open:
    """A block while it comes, in as many pieces as its provider likes."""

    __slots__ = ("data", "kind", "signature", "thinking")

    def __init__(self, block: Block) -> None:
        self.kind = block.type
        self.data = block.data
        self.thinking = [block.thinking]
        self.signature = [block.signature]


class AnthropicAnswer:
    """Reads events, or one `message` document.

    Args:
        on_delta: Takes each piece at once.
    """

    lines = False

    def __init__(self, on_delta: OnDelta) -> None:
        self.assembler = AnswerAssembler(on_delta)
        # The block that is open, by its place: its calls are ours, or its thinking goes back.
        self._open: dict[int, _Open] = {}
        self._count = TokenCount()

    def take(self, event: bytes) -> bool:
        """Take an event; those of unknown types say nothing to us."""
        decoded = _decode(event)
        kind = decoded.type
        if kind == "content_block_delta":
            if decoded.delta is not None:
                self._add(decoded.index, decoded.delta)
        elif kind == "content_block_start":
            if decoded.content_block is not None:
                self._start(decoded.index, decoded.content_block)
        elif kind == "content_block_stop":
            self._stop(decoded.index)
        elif kind == "message_start":
            self._take_count(decoded.message.usage if decoded.message else None, final=False)
        elif kind == "message_delta":
            self._take_count(decoded.usage, final=True)
            self._finish(decoded.delta.stop_reason if decoded.delta else None)
        elif kind == "message":
            self._take_whole(decoded)
        elif kind == "ping":
            # Thinking that is not shown, and long arguments, come after a silence with pings in it.
            if self._open:
                self.assembler.call(())
        elif kind == "error":
            raise FailureReported(failure_of_error(decoded.error))
        return kind in ("message_stop", "message")

    def _start(self, index: int, block: Block) -> None:
        if block.type == "text" and block.text:
            self.assembler.write(block.text)
        elif block.type == "tool_use":
            self._open[index] = _Open(block)
            # Some servers send a call's arguments whole, when it opens.
            function = FunctionPiece(name=block.name, arguments=block.input or None)
            self.assembler.call([ToolCallPiece(index=index, id=block.id, function=function)])
        elif block.type in ("thinking", "redacted_thinking"):
            self._open[index] = _Open(block)
            self.assembler.hold(len(block.data) + len(block.signature))
            if block.thinking:
                self.assembler.write("", block.thinking)

    def _add(self, index: int, delta: BlockDelta) -> None:
        if delta.text:
            self.assembler.write(delta.text)
            return
        block = self._open.get(index)
        if block is None:
            return
        if delta.thinking:
            block.thinking.append(delta.thinking)
            self.assembler.write("", delta.thinking)
        if delta.signature:
            block.signature.append(delta.signature)
            self.assembler.hold(len(delta.signature))
        if delta.partial_json:
            function = FunctionPiece(arguments=delta.partial_json)
            self.assembler.call([ToolCallPiece(index=index, function=function)])

    def _stop(self, index: int) -> None:
        block = self._open.pop(index, None)
        if block is None:
            return
        if block.kind == "redacted_thinking":
            self.assembler.think({"type": block.kind, "data": block.data})
        elif block.kind == "thinking":
            part = {"thinking": "".join(block.thinking), "signature": "".join(block.signature)}
            self.assembler.think({"type": block.kind, **part})

    def _take_whole(self, message: Event) -> None:
        for index, block in enumerate(message.content or ()):
            self._start(index, block)
            self._stop(index)
        self._take_count(message.usage, final=True)
        self._finish(message.stop_reason)

    def _finish(self, reason: str | None) -> None:
        if reason:
            self.assembler.finish_reason = _REASONS.get(reason, reason)

    def _take_count(self, count: TokenCount | None, *, final: bool) -> None:
        """Take a count, which may leave out what an earlier one has said."""
        if count is None:
            return
        known = self._count
        for name in TokenCount.__struct_fields__:
            if (value := getattr(count, name)) is not None:
                setattr(known, name, value)
        read = sound_count(known.cache_read_input_tokens)
        kept = sound_count(known.cache_creation_input_tokens)
        self.assembler.usage = Usage(
            input_tokens=sound_count(known.input_tokens) + read + kept,
            # The first count is of what was written before the first event: it says nothing.
            output_tokens=sound_count(known.output_tokens) if final else 0,
            cached_tokens=read,
            cache_write_tokens=kept,
        )

"""Ollama's answers: an object a line, tool calls whole, counts in the last."""

from __future__ import annotations

from typing import Any

import msgspec

from codelab.llm.providers.answer_stream import FailureReported
from codelab.llm.providers.assembly import AnswerAssembler
from codelab.llm.providers.failures import failure_of_error
from codelab.llm.providers.wire_chunks import FunctionPiece, ToolCallPiece
from codelab.llm.sound_usage import sound_count
from codelab.sdk.model import OnDelta, Usage


class OllamaCall(msgspec.Struct, gc=False):
    """A tool call; old versions give it no identifier."""

    function: FunctionPiece
    id: str | None = None


class OllamaMessage(msgspec.Struct, gc=False):
    """What a line adds to the message."""

    content: str | None = None
    thinking: str | None = None
    tool_calls: list[OllamaCall] | None = None


class Line(msgspec.Struct, gc=False):
    """A line of the answer; the last one is `done`."""

    message: OllamaMessage | None = None
    done: bool = False
    done_reason: str | None = None
    # Whatever these are, the answer beside them is good: what is no count counts as none.
    prompt_eval_count: Any = None
    eval_count: Any = None
    error: Any = None


_decode = msgspec.json.Decoder(Line).decode


class OllamaAnswer:
    """Reads lines; an answer that is not streamed is a single one.

    Args:
        on_delta: Takes each piece at once.
    """

    lines = True

    def __init__(self, on_delta: OnDelta) -> None:
        self.assembler = AnswerAssembler(on_delta)
        self._calls = 0

    def take(self, event: bytes) -> bool:
        """Take a line."""
        line = _decode(event)
        if line.error:
            raise FailureReported(failure_of_error(line.error))
        if line.message is not None:
            self._add(line.message)
        if line.done:
            self.assembler.finish_reason = line.done_reason or "stop"
            self.assembler.usage = Usage(
                # It is left out where the whole prompt was still in memory.
                input_tokens=sound_count(line.prompt_eval_count),
                output_tokens=sound_count(line.eval_count),
            )
        return line.done

    def _add(self, message: OllamaMessage) -> None:
        text, reasoning = message.content or "", message.thinking or ""
        if text or reasoning:
            self.assembler.write(text, reasoning)
        if message.tool_calls:
            pieces = []
            for call in message.tool_calls:
                pieces.append(ToolCallPiece(index=self._calls, id=call.id, function=call.function))
                self._calls += 1
            self.assembler.call(pieces)

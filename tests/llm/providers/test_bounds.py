"""A provider cannot make an answer, its headers or its names as long as it likes."""

from __future__ import annotations

import pytest

from codelab.llm.errors import ModelRefused
from codelab.llm.providers.assembly import AnswerAssembler
from codelab.llm.providers.wire_chunks import FunctionPiece, ToolCallPiece
from codelab.sdk.model import Delta

MEGABYTE = "x" * 1024 * 1024


def nobody(delta: Delta) -> None:
    """Nobody reads along."""


def test_an_answer_has_an_end() -> None:
    answer = AnswerAssembler(nobody)
    with pytest.raises(ModelRefused, match="without end"):
        for _ in range(20):
            answer.write(MEGABYTE)
    calls = AnswerAssembler(nobody)
    piece = ToolCallPiece(index=0, id="a", function=FunctionPiece(arguments=MEGABYTE))
    with pytest.raises(ModelRefused, match="without end"):
        for _ in range(20):
            calls.call([piece])


def test_names_ids_and_reasons_are_clean() -> None:
    answer = AnswerAssembler(nobody)
    function = FunctionPiece(name="read\0\x1b[2J" + "n" * 1000, arguments="{}")
    answer.call([ToolCallPiece(index=0, id="a\r\nb", function=function)])
    answer.finish_reason = "weird\n" * 100
    whole = answer.complete("m")
    (call,) = whole.tool_calls
    assert call.name.startswith("read___2Jnnn")
    assert len(call.name) == 128
    assert call.id.startswith("call_")
    assert whole.finish_reason == "stop"

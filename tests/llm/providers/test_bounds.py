"""A provider cannot make an answer, its headers or its names as long as it likes."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from codelab.llm.errors import ModelRefused
from codelab.llm.providers.answer_stream import AnswerFormat
from codelab.llm.providers.anthropic_wire import AnthropicAnswer
from codelab.llm.providers.assembly import AnswerAssembler
from codelab.llm.providers.ollama_wire import OllamaAnswer
from codelab.llm.providers.openai_wire import OpenAIAnswer
from codelab.llm.providers.wire_chunks import FunctionPiece, ToolCallPiece
from codelab.sdk.model import Delta

MEGABYTE = "x" * 1024 * 1024


def nobody(delta: Delta) -> None:
    """Nobody reads along."""


def assert_ends(answer: AnswerFormat, event: dict[str, Any]) -> None:
    """See that the same event, again and again, is refused at last."""
    encoded = msgspec.json.encode(event)
    with pytest.raises(ModelRefused, match="without end"):
        for _ in range(20):
            answer.take(encoded)


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


@pytest.mark.parametrize(
    "event",
    [
        {"delta": {"tool_calls": [{"index": 0, "function": {"arguments": {"path": MEGABYTE}}}]}},
        {"delta": {"tool_calls": [{"id": MEGABYTE}]}},
        {"delta": {"tool_calls": [{"index": 0, "function": {"name": MEGABYTE}}]}},
        {"delta": {"thinking_blocks": [{"type": "redacted_thinking", MEGABYTE: ""}]}},
        {"delta": {"thinking_blocks": [{"type": "thinking", "signature": MEGABYTE}]}},
    ],
    ids=["arguments", "id", "name", "name_of_a_thought", "signature"],
)
def test_nothing_that_is_kept_of_an_openai_answer_is_endless(event: dict[str, Any]) -> None:
    assert_ends(OpenAIAnswer(nobody), {"choices": [event]})


@pytest.mark.parametrize(
    "event",
    [
        {"content_block": {"type": "tool_use", "id": "a", "input": {"path": MEGABYTE}}},
        {"content_block": {"type": "tool_use", "id": MEGABYTE}},
        {"content_block": {"type": "redacted_thinking", "data": MEGABYTE}},
        {"content_block": {"type": "thinking", "signature": MEGABYTE}},
    ],
    ids=["arguments", "id", "hidden_thought", "signature"],
)
def test_nothing_that_is_kept_of_an_anthropic_answer_is_endless(event: dict[str, Any]) -> None:
    assert_ends(AnthropicAnswer(nobody), {"type": "content_block_start", **event})


def test_the_signature_of_a_thought_is_not_endless() -> None:
    answer = AnthropicAnswer(nobody)
    answer.take(b'{"type": "content_block_start", "content_block": {"type": "thinking"}}')
    signed = {"type": "signature_delta", "signature": MEGABYTE}
    assert_ends(answer, {"type": "content_block_delta", "delta": signed})


def test_the_arguments_of_ollamas_calls_are_not_endless() -> None:
    call = {"function": {"name": "look", "arguments": {"path": MEGABYTE}}}
    assert_ends(OllamaAnswer(nobody), {"message": {"tool_calls": [call]}})


def test_a_name_in_pieces_is_no_longer_than_a_name() -> None:
    answer = AnswerAssembler(nobody)
    for number in range(5):
        function = FunctionPiece(name=f"{number}{MEGABYTE}")
        answer.call([ToolCallPiece(index=0, id="a", function=function)])
    (call,) = answer.complete("m").tool_calls
    assert call.name.startswith("0xxx")
    assert len(call.name) == 128


def test_pieces_of_one_character_are_not_endless() -> None:
    answer = AnswerAssembler(nobody)
    with pytest.raises(ModelRefused, match="without end"):
        for _ in range(1_000_000):
            answer.write("x")


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

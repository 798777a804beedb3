"""Events come out the same however the bytes are cut."""

from __future__ import annotations

import itertools

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from codelab.llm.providers.assembly import AnswerAssembler
from codelab.llm.providers.sse import EventTooLarge, SseDecoder
from codelab.llm.providers.wire_chunks import Chunk
from codelab.sdk.model import Completion, Delta
from tests.model_server.openai_wire import OpenAIWire
from tests.model_server.script import Reply, ToolCall

LINES = st.text(st.characters(exclude_characters="\r\n", exclude_categories=["Cs"]), max_size=20)


def events_of(pieces: list[bytes]) -> list[bytes]:
    out: list[bytes] = []
    decoder = SseDecoder(out.append)
    for piece in pieces:
        decoder.feed(piece)
    decoder.end()
    return out


@st.composite
def cut(draw: st.DrawFn, data: bytes) -> list[bytes]:
    places = sorted(draw(st.sets(st.integers(0, len(data)), max_size=30)))
    edges = [0, *places, len(data)]
    return [data[start:end] for start, end in itertools.pairwise(edges)]


@given(st.data(), st.lists(st.lists(LINES, min_size=1, max_size=3), max_size=5), st.booleans())
def test_what_was_sent_comes_out(data: st.DataObject, events: list[list[str]], crlf: bool) -> None:
    end = "\r\n" if crlf else "\n"
    text = ": a comment" + end * 2
    for lines in events:
        text += "event: message" + end + "id: 1" + end
        text += "".join(f"data: {line}{end}" for line in lines) + end + ": more" + end
    pieces = data.draw(cut(text.encode()))
    assert events_of(pieces) == ["\n".join(lines).encode() for lines in events]


@given(st.data())
def test_a_whole_answer_is_the_same_however_it_is_cut(data: st.DataObject) -> None:
    reply = Reply(
        text="Привет, 👋 {data: x}\n\n",
        reasoning="думаю",
        tool_calls=[ToolCall("a", {"ключ": "знач\n"}, "call_first_one"), ToolCall("b", "{", "b-b")],
        split="bytes",
    )
    body = {"model": "m", "messages": [], "stream_options": {"include_usage": True}}
    frames = b"".join(frame.data for frame in OpenAIWire().frames(reply, body))
    completion, deltas = read(data.draw(cut(frames)))
    assert completion.text == reply.whole_text == "".join(delta.text for delta in deltas)
    assert completion.reasoning == reply.reasoning
    assert [(call.id, call.name) for call in completion.tool_calls] == [
        ("call_first_one", "a"),
        ("b-b", "b"),
    ]
    assert msgspec.json.decode(completion.tool_calls[0].arguments) == {"ключ": "знач\n"}
    assert completion.tool_calls[1].arguments == "{"
    assert completion.usage.input_tokens == 10


def read(pieces: list[bytes]) -> tuple[Completion, list[Delta]]:
    deltas: list[Delta] = []
    assembler = AnswerAssembler(deltas.append)
    for event in events_of(pieces):
        if event != b"[DONE]":
            assembler.add(msgspec.json.decode(event, type=Chunk))
    return assembler.complete("m"), deltas


def test_an_event_without_its_empty_line_counts_at_the_end() -> None:
    assert events_of([b"data: last"]) == [b"last"]
    assert events_of([b"data:tight\n\n"]) == [b"tight"]
    assert events_of([b"data: a\ndata: b\n\n"]) == [b"a\nb"]
    assert events_of([b": only a comment\n\n\n\n"]) == []


@pytest.mark.parametrize("piece", [b"x" * 1024 * 1024, b"data: " + b"x" * 1024 * 1024 + b"\n"])
def test_an_event_without_end_is_given_up(piece: bytes) -> None:
    decoder = SseDecoder(lambda data: None)
    with pytest.raises(EventTooLarge):
        for _ in range(5):
            decoder.feed(piece)

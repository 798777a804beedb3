"""Streams torn apart the way real networks and proxies do it."""

import itertools

from tests.model_server.plan import tear
from tests.model_server.script import Reply, ToolCall
from tests.model_server_tests.reading import Answer, Asker

CALL = ToolCall("f", {"имя": "значение"})
TORN = Reply(
    text="Привет 👋 мир",
    tool_calls=[CALL],
    split="network",
    repeat=True,
)


def cuts_characters(answer: Answer) -> bool:
    """Whether some read ended inside a character, so that the next began with its second byte."""
    return any(piece[0] & 0xC0 == 0x80 for piece in answer.pieces)


def cuts_line_ends(answer: Answer) -> bool:
    """Whether some read ended between CR and LF."""
    pairs = itertools.pairwise(answer.pieces)
    return any(before.endswith(b"\r") and after.startswith(b"\n") for before, after in pairs)


async def test_server_sent_events_arrive_in_awkward_pieces(asker: Asker) -> None:
    await asker.script(TORN)
    openai, anthropic = await asker.openai(), await asker.anthropic()
    for answer in (openai, anthropic):
        assert cuts_characters(answer)
        assert cuts_line_ends(answer)
        assert b"\r\n: keep-alive\r\n\r\n" in answer.raw
        assert b"\n" not in answer.raw.replace(b"\r\n", b"")
        assert any(
            b"\n\r\nevent:" in piece or b"\n\r\ndata:" in piece or b"\n: k" in piece
            for piece in answer.pieces
        )
    assert openai.openai_text == "Привет 👋 мир"
    assert openai.openai_calls == [("f", '{"имя": "значение"}')]
    assert anthropic.events[-1][0] == "message_stop"


async def test_lines_arrive_in_awkward_pieces_and_stay_lines(asker: Asker) -> None:
    await asker.script(TORN)
    answer = await asker.ollama()
    assert cuts_characters(answer)
    assert b"\r" not in answer.raw
    assert "".join(line["message"]["content"] for line in answer.lines) == "Привет 👋 мир"


async def test_a_torn_stream_is_cut_after_whole_chunks(asker: Asker) -> None:
    await asker.script(Reply(text=["a", "b", "c"], split="network", cut_after=2))
    answer = await asker.openai()
    assert answer.broken
    assert answer.openai_text == "ab"


async def test_tearing_loses_nothing() -> None:
    data = "a\r\n\r\nя😀".encode() * 50
    pieces = tear(data)
    assert b"".join(pieces) == data
    assert all(pieces)
    assert not any(piece[:-1].endswith((b"\r", b"\xf0")) for piece in pieces)

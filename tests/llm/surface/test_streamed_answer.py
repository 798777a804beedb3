"""How a stream ends whose call was cut."""

from __future__ import annotations

import asyncio

from codelab.kit.errors import CodeLabError
from codelab.llm.surface.streamed_answer import StreamedAnswer
from codelab.sdk.model import Completion, Delta


class Plain:
    """Writes texts as they are, and a failure as its code."""

    def start(self) -> bytes:
        return b"<"

    def piece(self, delta: Delta) -> bytes:
        return delta.text.encode()

    def end(self, completion: Completion) -> bytes:
        return b">"

    def failure(self, error: CodeLabError) -> bytes:
        return b"!" + error.code.encode()


async def ending_after(*texts: str, cancel: bool = False) -> bytes:
    answer, work = StreamedAnswer(Plain()), asyncio.get_running_loop().create_future()
    answer.follow(work)
    for text in texts:
        answer.add(Delta(text))
    if cancel:
        work.cancel()
    elif not work.done():
        work.set_result(Completion(model="m", text=""))
    frames = [frame async for frame in answer.frames()]
    return b"".join(frames)


async def test_a_reader_that_is_too_slow_is_told_why_the_answer_ends() -> None:
    heard = await ending_after("x" * 3_000_000, "x" * 3_000_000)
    assert heard.endswith(b"x!reader_too_slow")


async def test_an_answer_that_the_server_ends_has_an_ending_too() -> None:
    assert await ending_after("x", cancel=True) == b"<x!model_interrupted"


async def test_an_answer_that_is_read_ends_as_it_should() -> None:
    assert await ending_after("x", "y") == b"<xy>"

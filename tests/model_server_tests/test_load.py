"""Load mode: the pace, the stamps, the end."""

import asyncio
import re
import time

import pytest

from tests.model_server_tests.reading import USER, Answer, Asker

_TOKEN = re.compile(r"t(\d+)@(\d+) ")


def stamps(answer: Answer) -> list[int]:
    """When each token was written, in nanoseconds of the machine's monotonic clock."""
    found = [
        _TOKEN.fullmatch(delta["content"]) for delta in answer.openai_deltas if delta.get("content")
    ]
    assert [match and int(match[1]) for match in found] == list(range(len(found)))
    return [int(match[2]) for match in found if match]


async def test_tokens_are_paced_stamped_and_counted(asker: Asker) -> None:
    before = time.monotonic_ns()
    answer = await asker.openai(model="load-100x50")
    after = time.monotonic_ns()
    times = stamps(answer)
    assert len(times) == 50
    assert before < times[0]
    assert times == sorted(times)
    assert times[-1] < after
    assert 0.45 < (times[-1] - times[0]) / 1e9 < 5
    assert answer.openai_chunks[-1]["usage"]["completion_tokens"] == 50
    assert answer.openai_chunks[-2]["choices"][0]["finish_reason"] == "stop"
    assert answer.raw.endswith(b"data: [DONE]\n\n")


async def test_rate_zero_is_as_fast_as_possible(asker: Asker) -> None:
    times = stamps(await asker.openai(model="load-0x5000"))
    assert len(times) == 5000
    assert (times[-1] - times[0]) / 1e9 < 4


async def test_many_streams_keep_their_pace_together(asker: Asker) -> None:
    async def seconds() -> float:
        times = stamps(await asker.openai(model="load-50x25"))
        return (times[-1] - times[0]) / 1e9

    taken = await asyncio.gather(*(seconds() for _ in range(50)))
    assert min(taken) > 0.4
    assert max(taken) < 5


async def test_a_reader_that_leaves_does_no_harm(asker: Asker) -> None:
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.2):
            await asker.openai(model="load-50x100000")
    assert len(stamps(await asker.openai(model="load-0x3"))) == 3


async def test_the_load_needs_no_script_and_other_models_do(asker: Asker) -> None:
    headers = {"Authorization": "Bearer nobody"}
    body = {"model": "load-0x2", "messages": USER, "stream": True}
    assert len(stamps(await asker.post("/v1/chat/completions", body, headers))) == 2
    assert (
        await asker.post("/v1/chat/completions", {**body, "model": "load-0x0"}, headers)
    ).status == 401


async def test_every_wire_has_it(asker: Asker) -> None:
    answers = [
        await asker.openai(model="load-0x3"),
        await asker.anthropic(model="load-0x3"),
        await asker.ollama(model="load-0x3"),
    ]
    for answer in answers:
        assert [int(index) for index, _ in _TOKEN.findall(answer.raw.decode())] == [0, 1, 2]

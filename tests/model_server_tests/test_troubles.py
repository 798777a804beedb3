"""Errors, delays, stalls and cut connections."""

import asyncio
import json
import time

import aiohttp
import pytest

from tests.model_server.script import Reply, SeenRequest
from tests.model_server_tests.reading import USER, Asker


async def cut_request(asker: Asker) -> SeenRequest:
    """The key's only request, once the server has noticed that its client left."""
    async with asyncio.timeout(5):
        (seen,) = await asker.server.requests(asker.key, when_idle=True)
    assert seen.cut_by_client
    return seen


@pytest.mark.parametrize(
    ("status", "openai", "anthropic"),
    [
        (401, "invalid_request_error", "authentication_error"),
        (404, "invalid_request_error", "not_found_error"),
        (429, "requests", "rate_limit_error"),
        (500, "server_error", "api_error"),
        (503, "server_error", "api_error"),
        (529, "server_error", "overloaded_error"),
    ],
)
async def test_errors_have_each_providers_shape(
    asker: Asker, status: int, openai: str, anthropic: str
) -> None:
    await asker.script(Reply(status=status, headers={"Retry-After": "7"}, repeat=True))
    first, second, third = await asker.openai(), await asker.anthropic(), await asker.ollama()
    assert [answer.status for answer in (first, second, third)] == [status] * 3
    assert [answer.headers["Retry-After"] for answer in (first, second, third)] == ["7"] * 3
    assert first.json["error"]["type"] == openai
    assert first.json["error"].keys() == {"message", "type", "param", "code"}
    assert second.json["type"] == "error"
    assert second.json["error"]["type"] == anthropic
    assert isinstance(third.json["error"], str)


async def test_a_prompt_too_long_has_each_providers_shape(asker: Asker) -> None:
    await asker.script(Reply(context_overflow=True, repeat=True))
    openai, anthropic, ollama = await asker.openai(), await asker.anthropic(), await asker.ollama()
    assert [answer.status for answer in (openai, anthropic, ollama)] == [400] * 3
    assert openai.json["error"]["code"] == "context_length_exceeded"
    assert anthropic.json["error"]["message"].startswith("prompt is too long")
    assert "context length" in ollama.json["error"]


async def test_an_error_in_the_stream_ends_it(asker: Asker) -> None:
    await asker.script(Reply(text=["a", "b", "c"], error_after=2, repeat=True))
    openai = await asker.openai()
    assert [data for _, data in openai.events][-1].startswith('{"error":')
    assert "[DONE]" not in openai.raw.decode()
    assert '"content":"b"' in openai.raw.decode()
    assert '"content":"c"' not in openai.raw.decode()
    name, data = (await asker.anthropic()).events[-1]
    assert name == "error"
    assert json.loads(data)["error"]["type"] == "overloaded_error"
    *_, before, last = (await asker.ollama()).lines
    assert before["message"]["content"] == "b"
    assert last.keys() == {"error"}


@pytest.mark.parametrize(("cut_after", "texts"), [(0, []), (2, ["a", "b"]), (99, ["a", "b", "c"])])
async def test_a_cut_connection_delivers_so_many_chunks_and_no_end(
    asker: Asker, cut_after: int, texts: list[str]
) -> None:
    await asker.script(Reply(text=["a", "b", "c"], cut_after=cut_after))
    answer = await asker.openai()
    assert answer.broken
    assert [delta["content"] for delta in answer.openai_deltas if delta.get("content")] == texts
    assert all(chunk["choices"][0]["finish_reason"] is None for chunk in answer.openai_chunks)
    (seen,) = await asker.server.requests(asker.key)
    assert (seen.chunks_sent, seen.finished, seen.cut_by_client) == (len(texts), False, False)


async def test_a_document_can_be_cut_in_its_middle(asker: Asker) -> None:
    await asker.script(Reply(text="x", cut_after=0))
    answer = await asker.openai(stream=False)
    assert answer.broken
    with pytest.raises(json.JSONDecodeError):
        json.loads(answer.raw)


async def test_a_stall_lasts_until_the_client_leaves_and_that_is_noted(asker: Asker) -> None:
    await asker.script(Reply(text=["a", "b", "c"], stall_after=1))
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.3):
            await asker.openai()
    seen = await cut_request(asker)
    assert (seen.chunks_sent, seen.finished) == (1, False)
    assert seen.cut_after_s is not None
    assert 0.1 < seen.cut_after_s < 5


async def test_a_client_that_leaves_before_the_first_byte_is_noted(asker: Asker) -> None:
    await asker.script(Reply(text="x", delay_s=30))
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.3):
            await asker.openai()
    assert (await cut_request(asker)).chunks_sent == 0


async def test_a_client_that_leaves_in_the_middle_is_noted(asker: Asker) -> None:
    await asker.script(Reply(text=["a"] * 1000, token_delay_s=0.02))
    body = {"model": "m", "messages": USER, "stream": True}
    async with (
        aiohttp.ClientSession(headers={"Authorization": f"Bearer {asker.key}"}) as http,
        http.post(f"{asker.server.openai_url}/chat/completions", json=body) as response,
    ):
        await response.content.readline()
    assert (await cut_request(asker)).chunks_sent < 1000


async def test_delays_are_kept(asker: Asker) -> None:
    await asker.script(Reply(text=["a", "b", "c"], delay_s=0.1, token_delay_s=0.1))
    started = time.monotonic()
    answer = await asker.openai()
    assert 0.3 <= time.monotonic() - started < 5
    assert len(answer.pieces) >= 3

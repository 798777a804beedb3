"""What servers do that call themselves compatible, on raw sockets."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import msgspec
import pytest

from codelab.llm.catalog.entries import ModelEntry
from codelab.llm.errors import ModelError
from codelab.llm.providers.http_pool import HttpPool, parse_target
from codelab.llm.providers.openai_plan import WireCall
from codelab.llm.providers.openai_wire import OpenAIWire
from codelab.sdk.model import Completion
from tests.llm.providers.test_http_pool import read_request, serving
from tests.model_server.openai_wire import OpenAIWire as Spoken
from tests.model_server.script import Reply, ToolCall

ENTRY = ModelEntry(name="mine", model="openai/mine")
ASKED = {"model": "mine", "messages": [], "stream_options": {"include_usage": True}}
REPLY = Reply(text="Yes, да.", tool_calls=[ToolCall("read_file", {"path": "a"})])


@pytest.fixture
async def pool() -> AsyncIterator[HttpPool]:
    made = HttpPool()
    yield made
    await made.close()
    await asyncio.sleep(0.01)


async def run(pool: HttpPool, url: str) -> Completion:
    target = parse_target(url)
    assert target is not None
    call = WireCall(target, {"Authorization": "Bearer sk-secret-key"}, b"{}")
    return await asyncio.wait_for(OpenAIWire(pool).run(ENTRY, call, lambda delta: None), 3)


def answer(body: bytes, kind: str = "text/event-stream") -> bytes:
    head = f"HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


async def of(pool: HttpPool, raw: bytes) -> Completion:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(raw)
        await writer.drain()

    async with serving(serve) as url:
        return await run(pool, url)


STREAM = b"".join(frame.data for frame in Spoken().frames(REPLY, ASKED))


@pytest.mark.parametrize(
    "raw",
    [
        answer(STREAM),
        answer(STREAM.replace(b"\n", b"\r\n")),
        # No [DONE], no last empty line, no content type, no length.
        answer(STREAM.replace(b"data: [DONE]\n\n", b"").rstrip()),
        answer(STREAM, "text/plain"),
        b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + STREAM,
        # A server that does not stream although it was asked to.
        answer(Spoken().whole(REPLY, ASKED), "application/json"),
        # The server hangs up right after the reason for the end.
        answer(STREAM)[: answer(STREAM).index(b'"usage":{')],
    ],
    ids=["plain", "crlf", "bare", "mislabelled", "unframed", "whole", "cut behind the end"],
)
async def test_a_whole_answer_is_taken_in_any_form(pool: HttpPool, raw: bytes) -> None:
    completion = await of(pool, raw)
    assert completion.text == "Yes, да."
    assert completion.tool_calls[0].arguments == '{"path": "a"}'
    assert completion.finish_reason == "tool_calls"


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (answer(b"data: {not json}\n\n"), "model_failed"),
        (answer(b'data: "text"\n\n'), "model_failed"),
        (answer(b"data: \xff\n\n"), "model_failed"),
        (answer(b"<html></html>", "text/html"), "model_unreachable"),
        (answer(b"[]", "application/json"), "model_failed"),
        (answer(b'data: {"error": {"message": "x", "code": 429}}\n\n'), "model_rate_limited"),
        (answer(b'data: {"choices": []}\n\n'), "model_unreachable"),
        (
            b"HTTP/1.1 302 Found\r\nLocation: /\r\nContent-Length: 0\r\n\r\n",
            "model_refused",
        ),
        (b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 4\r\n\r\noops", "model_failed"),
        (b"SSH-2.0-OpenSSH_9.9\r\n", "model_unreachable"),
    ],
)
async def test_what_is_no_answer_is_a_condition(pool: HttpPool, raw: bytes, code: str) -> None:
    with pytest.raises(ModelError) as caught:
        await of(pool, raw)
    assert caught.value.code == code
    assert "sk-secret-key" not in caught.value.message


async def test_a_connection_that_dies_under_the_next_request_is_replaced(pool: HttpPool) -> None:
    connections: list[int] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connections.append(0)
        await read_request(reader)
        writer.write(answer(STREAM))
        await writer.drain()
        # The second request on this connection is read and not answered.
        connections[-1] = len(await reader.read(1))

    async with serving(serve) as url:
        for _ in range(3):
            assert (await run(pool, url)).text == "Yes, да."
        await pool.close()
        await asyncio.sleep(0.05)
    assert connections == [1, 1, 0]


async def test_a_provider_s_own_price_is_taken(pool: HttpPool) -> None:
    document = {"choices": [{"delta": {"content": "a"}, "finish_reason": "stop"}]}
    usage = {"usage": {"prompt_tokens": 3, "completion_tokens": 1, "cost": 0.25}}
    body = b"data: " + msgspec.json.encode({**document, **usage}) + b"\n\n"
    assert (await of(pool, answer(body))).usage.cost_usd == 0.25

"""What servers do that call themselves compatible, on raw sockets."""

from __future__ import annotations

import asyncio
import gc
import weakref
from collections.abc import AsyncIterator, Callable
from typing import NamedTuple

import msgspec
import pytest

from codelab.llm.catalog.entries import ModelEntry
from codelab.llm.errors import ModelError
from codelab.llm.providers.answer_stream import AnswerFormat
from codelab.llm.providers.anthropic_wire import AnthropicAnswer
from codelab.llm.providers.http_pool import HttpPool, parse_target
from codelab.llm.providers.ollama_wire import OllamaAnswer
from codelab.llm.providers.openai_wire import OpenAIAnswer
from codelab.llm.providers.wire import Wire, WireCall
from codelab.sdk.model import Completion, OnDelta
from tests.llm.providers.test_http_pool import read_request, serving
from tests.model_server.anthropic_wire import AnthropicWire as SpokenAnthropic
from tests.model_server.ollama_wire import OllamaWire as SpokenOllama
from tests.model_server.openai_wire import OpenAIWire as SpokenOpenAI
from tests.model_server.script import Reply, ToolCall
from tests.model_server.wire import Wire as SpokenWire

ENTRY = ModelEntry(name="mine", model="openai/mine")
ASKED = {"model": "mine", "messages": [], "stream_options": {"include_usage": True}}
REPLY = Reply(text="Yes, да.", tool_calls=[ToolCall("read_file", {"path": "a"})])


class Format(NamedTuple):
    """A wire as it is spoken, and as it is read."""

    spoken: SpokenWire
    read: Callable[[OnDelta], AnswerFormat]

    @property
    def stream(self) -> bytes:
        return b"".join(frame.data for frame in self.spoken.frames(REPLY, ASKED))

    @property
    def whole(self) -> bytes:
        return self.spoken.whole(REPLY, ASKED)


OPENAI = Format(SpokenOpenAI(), OpenAIAnswer)
ANTHROPIC = Format(SpokenAnthropic(), AnthropicAnswer)
OLLAMA = Format(SpokenOllama(), OllamaAnswer)


@pytest.fixture
async def pool() -> AsyncIterator[HttpPool]:
    made = HttpPool()
    yield made
    await made.close()
    await asyncio.sleep(0.01)


async def run(pool: HttpPool, url: str, form: Format = OPENAI) -> Completion:
    target = parse_target(url)
    assert target is not None
    call = WireCall(target, {"Authorization": "Bearer sk-secret-key"}, b"{}")
    running = Wire(pool).run(ENTRY, call, lambda: form.read(lambda delta: None))
    return await asyncio.wait_for(running, 3)


def answer(body: bytes, kind: str = "text/event-stream") -> bytes:
    head = f"HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


async def of(pool: HttpPool, *pieces: bytes, form: Format = OPENAI) -> Completion:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        for piece in pieces:
            writer.write(piece)
            await writer.drain()
            if len(pieces) > 1:
                await asyncio.sleep(0)

    async with serving(serve) as url:
        return await run(pool, url, form)


STREAM = OPENAI.stream
COMMENTED = ANTHROPIC.stream.replace(b"\n\n", b"\n\n: keep-alive\n\n")
LINES = "application/x-ndjson"
_CLOSING = b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n"
IN_ANY_FORM = {
    "plain": (OPENAI, answer(STREAM)),
    "crlf": (OPENAI, answer(STREAM.replace(b"\n", b"\r\n"))),
    # No [DONE], no last empty line, no content type, no length.
    "bare": (OPENAI, answer(STREAM.replace(b"data: [DONE]\n\n", b"").rstrip())),
    "mislabelled": (OPENAI, answer(STREAM, "text/plain")),
    "unframed": (OPENAI, _CLOSING + STREAM),
    # A server that does not stream although it was asked to.
    "whole": (OPENAI, answer(OPENAI.whole, "application/json")),
    # The server hangs up right after the reason for the end.
    "cut behind the end": (OPENAI, answer(STREAM)[: answer(STREAM).index(b'"usage":{')]),
    "rubbish behind the end": (OPENAI, answer(STREAM + b"data: {oops}\n\n")),
    "named": (ANTHROPIC, answer(ANTHROPIC.stream)),
    "named, crlf": (ANTHROPIC, answer(ANTHROPIC.stream.replace(b"\n", b"\r\n"))),
    "named, with comments": (ANTHROPIC, answer(COMMENTED)),
    "named, whole": (ANTHROPIC, answer(ANTHROPIC.whole, "application/json")),
    "named, unframed": (ANTHROPIC, _CLOSING + ANTHROPIC.stream),
    "named, rubbish behind the end": (ANTHROPIC, answer(ANTHROPIC.stream + b"data: {oops}\n\n")),
    "named, cut behind the end": (
        ANTHROPIC,
        answer(ANTHROPIC.stream)[: answer(ANTHROPIC.stream).index(b"event: message_stop")],
    ),
    "lines": (OLLAMA, answer(OLLAMA.stream, LINES)),
    "lines, crlf": (OLLAMA, answer(OLLAMA.stream.replace(b"\n", b"\r\n"), LINES)),
    "lines, no last end": (OLLAMA, answer(OLLAMA.stream.rstrip(), LINES)),
    "lines, mislabelled": (OLLAMA, answer(OLLAMA.stream, "application/json")),
    "lines, whole": (OLLAMA, answer(OLLAMA.whole, "application/json")),
    "lines, rubbish behind the end": (OLLAMA, answer(OLLAMA.stream + b"oops\n", LINES)),
}


def is_whole(completion: Completion) -> None:
    assert completion.text == "Yes, да."
    [call] = completion.tool_calls
    assert msgspec.json.decode(call.arguments) == {"path": "a"}
    assert completion.finish_reason == "tool_calls"


@pytest.mark.parametrize("kind", IN_ANY_FORM)
async def test_a_whole_answer_is_taken_in_any_form(pool: HttpPool, kind: str) -> None:
    form, raw = IN_ANY_FORM[kind]
    is_whole(await of(pool, raw, form=form))


@pytest.mark.parametrize("kind", ["crlf", "named, crlf", "lines, crlf"])
async def test_an_answer_may_come_byte_by_byte(pool: HttpPool, kind: str) -> None:
    form, raw = IN_ANY_FORM[kind]
    is_whole(await of(pool, *(raw[at : at + 1] for at in range(len(raw))), form=form))


@pytest.mark.parametrize("form", [ANTHROPIC, OLLAMA], ids=["anthropic", "ollama"])
@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"[1]\n\n", "model_failed"),
        (b"\xff\n\n", "model_failed"),
        (b"{}\n\n", "model_unreachable"),
        (b"", "model_unreachable"),
    ],
)
async def test_what_is_no_answer_in_a_wire_of_its_own_is_a_condition(
    pool: HttpPool, form: Format, body: bytes, code: str
) -> None:
    prefix = b"" if form is OLLAMA or not body else b"data: "
    with pytest.raises(ModelError) as caught:
        await of(pool, answer(prefix + body, form.spoken.stream_type), form=form)
    assert caught.value.code == code


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        ("overloaded_error", "model_failed"),
        ("rate_limit_error", "model_rate_limited"),
        ("authentication_error", "model_auth_failed"),
        ("not_found_error", "model_missing"),
        ("something_new", "model_failed"),
    ],
)
async def test_an_error_event_has_no_status_but_a_name(
    pool: HttpPool, kind: str, code: str
) -> None:
    event = {"type": "error", "error": {"type": kind, "message": "As it is."}}
    body = b"event: error\ndata: " + msgspec.json.encode(event) + b"\n\n"
    with pytest.raises(ModelError) as caught:
        await of(pool, answer(body), form=ANTHROPIC)
    assert caught.value.code == code


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (answer(b"data: {not json}\n\n"), "model_failed"),
        (answer(b'data: "text"\n\n'), "model_failed"),
        (answer(b"data: \xff\n\n"), "model_failed"),
        (answer(b"<html></html>", "text/html; charset=utf-8"), "model_failed"),
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


async def test_answers_are_let_go_at_once(pool: HttpPool) -> None:
    made: list[weakref.ref[AnswerFormat]] = []

    def read(on_delta: OnDelta) -> AnswerFormat:
        reading = OpenAIAnswer(on_delta)
        made.append(weakref.ref(reading))
        return reading

    event = {"choices": [{"delta": {"content": "x" * 1024 * 1024}}]}
    endless = answer((b"data: " + msgspec.json.encode(event) + b"\n\n") * 9)
    gc.disable()
    try:
        with pytest.raises(ModelError, match="without end"):
            await of(pool, endless, form=Format(SpokenOpenAI(), read))
        await of(pool, answer(STREAM), form=Format(SpokenOpenAI(), read))
        await asyncio.sleep(0)
        assert [one() for one in made] == [None, None]
    finally:
        gc.enable()


async def test_a_web_page_is_named_as_one_and_not_read_to_its_end(pool: HttpPool) -> None:
    page = answer(b"<p>Sign in to this network.</p>", "text/html")
    endless = page.replace(b"Content-Length: 31", b"Content-Length: 310000")
    with pytest.raises(ModelError, match="sent a web page in place of an answer"):
        await of(pool, endless)


@pytest.mark.parametrize("count", [1.5, -1, "7", [{}], True, None])
async def test_a_count_that_is_none_costs_no_answer(pool: HttpPool, count: object) -> None:
    counts = {
        "input_tokens": count,
        "output_tokens": count,
        "cache_read_input_tokens": count,
        "cache_creation_input_tokens": count,
    }
    events: list[dict[str, object]] = [
        {"type": "message_start", "message": {"usage": counts}},
        {"type": "content_block_delta", "delta": {"type": "text_delta", "text": "Yes."}},
        {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": counts},
        {"type": "message_stop"},
    ]
    said = b"".join(b"data: " + msgspec.json.encode(one) + b"\n\n" for one in events)
    assert (await of(pool, answer(said), form=ANTHROPIC)).text == "Yes."
    line = {"message": {"content": "Yes."}, "done": True, "prompt_eval_count": count}
    said = msgspec.json.encode(line | {"eval_count": count}) + b"\n"
    assert (await of(pool, answer(said, LINES), form=OLLAMA)).text == "Yes."


async def test_a_provider_s_own_price_is_taken(pool: HttpPool) -> None:
    document = {"choices": [{"delta": {"content": "a"}, "finish_reason": "stop"}]}
    usage = {"usage": {"prompt_tokens": 3, "completion_tokens": 1, "cost": 0.25}}
    body = b"data: " + msgspec.json.encode({**document, **usage}) + b"\n\n"
    assert (await of(pool, answer(body))).usage.cost_usd == 0.25

"""The HTTP routes, over a real server: models, usage, and OpenAI's chat completions."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import msgspec
import openai
import pytest

from tests.llm.conftest import add_user
from tests.llm.layer import Layer, ask, eventually
from tests.llm.served import SECRET, Api, served
from tests.model_server import script
from tests.model_server.script import Reply, ToolCall

IMAGE = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA=="}}


@pytest.fixture
async def api(layer: Layer) -> AsyncIterator[Api]:
    """The API with one model, on a real server."""
    async with served(layer.build(layer.entry("openai"))) as made:
        yield made


async def test_models_are_listed(api: Api) -> None:
    status, body = await api.get("/models", "u")
    assert status == 200
    assert body["configured"] is True
    assert [model["name"] for model in body["models"]] == ["openai"]
    assert body["roles"]["coding"] == "openai"
    assert body["advice"] == ""


async def test_without_a_model_the_list_says_what_to_set(layer: Layer) -> None:
    health = layer.build(discover=False).health()
    assert not health.configured
    assert "models.yaml" in health.advice


async def test_usage_is_one_s_own_or_for_administrators(api: Api, layer: Layer) -> None:
    one, other = await add_user(layer.db), await add_user(layer.db)
    await layer.script(Reply(text="a", usage=script.Usage(10, 2), repeat=True))
    await ask(api.models, "openai", user_id=one)
    await ask(api.models, "openai", user_id=other)
    status, body = await api.get("/usage?group=model", one)
    assert status == 200
    assert [(total["key"], total["calls"]) for total in body["sums"]] == [("openai", 1)]
    assert body["total"]["input_tokens"] == 10
    for path in ("/usage?everybody=true", "/usage?group=user"):
        assert await api.get(path, one) == (403, {"code": "forbidden"})
    status, body = await api.get("/usage?group=user", f"{other} admin")
    assert {total["key"] for total in body["sums"]} == {one, other}
    assert body["total"]["output_tokens"] == 4
    for path in ("/usage?group=colour", "/usage?since=yesterday"):
        assert (await api.get(path, one))[0] == 400


async def test_a_whole_answer_with_tools(api: Api, layer: Layer) -> None:
    calls = [ToolCall("read_file", {"path": "ж"})]
    await layer.script(
        Reply(text="I look.", tool_calls=calls, usage=script.Usage(30, 4, cached=20))
    )
    tool = {"type": "function", "function": {"name": "read_file"}}
    status, body = await api.chat(tools=[tool], temperature=0.5, max_tokens=50)
    assert status == 200
    message = body["choices"][0]["message"]
    assert (message["role"], message["content"]) == ("assistant", "I look.")
    assert message["tool_calls"][0]["function"]["name"] == "read_file"
    assert msgspec.json.decode(message["tool_calls"][0]["function"]["arguments"]) == {"path": "ж"}
    assert body["choices"][0]["finish_reason"] == "tool_calls"
    assert body["usage"]["prompt_tokens"] == 30
    assert body["usage"]["prompt_tokens_details"]["cached_tokens"] == 20
    [seen] = await layer.seen()
    assert seen.body["max_tokens"] == 50


async def test_openai_s_own_client_streams_a_conversation(api: Api, layer: Layer) -> None:
    await layer.script(
        Reply(text="Привет, 👋", tool_calls=[ToolCall("a", {"b": 1})], split="bytes")
    )
    client = openai.AsyncOpenAI(
        base_url=f"{api.url}/llm",
        api_key="unused",
        default_headers={"X-Internal-Secret": SECRET},
        max_retries=0,
    )
    messages: Any = [
        {"role": "system", "content": "You help."},
        {"role": "user", "content": [{"type": "text", "text": "Hi"}]},
        {
            "role": "assistant",
            "content": None,
            "tool_calls": [
                {"id": "c1", "type": "function", "function": {"name": "a", "arguments": "{}"}}
            ],
        },
        {"role": "tool", "tool_call_id": "c1", "content": "done"},
    ]
    text, calls, usage, reason = "", "", None, None
    async with client:
        stream = await client.chat.completions.create(
            model="openai",
            messages=messages,
            tools=[{"type": "function", "function": {"name": "a", "parameters": {}}}],
            stream=True,
            stream_options={"include_usage": True},
        )
        async for chunk in stream:
            usage = chunk.usage or usage
            for choice in chunk.choices:
                text += choice.delta.content or ""
                reason = choice.finish_reason or reason
                for call in choice.delta.tool_calls or ():
                    calls += (call.function and call.function.arguments) or ""
    assert (text, reason) == ("Привет, 👋", "tool_calls")
    assert msgspec.json.decode(calls) == {"b": 1}
    assert usage is not None
    assert usage.total_tokens == 15


@pytest.mark.parametrize(
    ("fields", "status", "param"),
    [
        ({"model": "gpt-9"}, 404, "model"),
        ({"messages": []}, 400, "messages"),
        ({"messages": [{"role": "tool", "content": "x"}]}, 400, "messages[0].tool_call_id"),
        ({"messages": [{"role": "wizard", "content": "x"}]}, 400, "messages[0].role"),
        ({"temperature": 9}, 400, "temperature"),
        ({"logprobs": True}, 400, "logprobs"),
        ({"n": 2}, 400, "n"),
        ({"functions": [{}]}, 400, "functions"),
        ({"messages": [{"role": "user", "content": [IMAGE]}]}, 400, "messages[0].content[0].type"),
    ],
)
@pytest.mark.parametrize("stream", [False, True])
async def test_bad_requests_are_refused_in_openai_s_shape(
    api: Api, fields: dict[str, Any], status: int, param: str | None, stream: bool
) -> None:
    answered, body = await api.chat(**fields, stream=stream)
    assert answered == status
    assert body["error"]["type"] == "invalid_request_error"
    assert body["error"]["param"] == param
    assert body["error"]["message"]


async def test_only_those_with_the_secret_may_ask(api: Api, layer: Layer) -> None:
    await layer.script(Reply(text="a"))
    status, body = await api.chat(secret="wrong")
    assert (status, body["error"]["code"]) == (403, "forbidden")
    assert await layer.seen() == []


async def test_a_body_that_is_no_json_is_refused(api: Api) -> None:
    for raw in (b"", b"{", b'{"model": "\xff"}'):
        async with api.http.post(
            f"{api.url}/llm/chat/completions", data=raw, headers={"X-Internal-Secret": SECRET}
        ) as answer:
            assert answer.status == 400
            assert (await answer.json())["error"]["code"] == "invalid_input"


@pytest.mark.parametrize("stream", [False, True])
async def test_a_failure_before_the_first_piece_has_its_status(
    api: Api, layer: Layer, stream: bool
) -> None:
    await layer.script(*[Reply(status=429, headers={"Retry-After": "70"})] * 2)
    status, body = await api.chat(stream=stream)
    assert (status, body["error"]["code"]) == (503, "no_model_available")


async def test_a_failure_in_the_middle_is_the_stream_s_last_event(api: Api, layer: Layer) -> None:
    await layer.script(Reply(text="one two three", cut_after=2))
    document = {
        "model": "openai",
        "messages": [{"role": "user", "content": "Hi"}],
        "stream": True,
    }
    async with api.http.post(
        f"{api.url}/llm/chat/completions", json=document, headers={"X-Internal-Secret": SECRET}
    ) as answer:
        assert answer.status == 200
        events = (await answer.text()).strip().split("\n\n")
    last = msgspec.json.decode(events[-1].removeprefix("data: "))
    assert last["error"]["code"] == "model_interrupted"


@pytest.mark.parametrize("stream", [False, True])
async def test_a_client_that_leaves_ends_the_model_s_call(
    api: Api, layer: Layer, stream: bool
) -> None:
    await layer.script(Reply(text="word " * 100, token_delay_s=0.05))
    document = {
        "model": "openai",
        "messages": [{"role": "user", "content": "Hi"}],
        "stream": stream,
    }
    with pytest.raises(TimeoutError):
        async with (
            asyncio.timeout(0.4),
            api.http.post(
                f"{api.url}/llm/chat/completions",
                json=document,
                headers={"X-Internal-Secret": SECRET},
            ) as answer,
        ):
            await answer.read()
    await eventually(layer.was_cut)
    assert layer.calls[0].error_code == "cancelled"


async def test_a_client_that_leaves_before_the_first_piece_ends_the_call_too(
    api: Api, layer: Layer
) -> None:
    await layer.script(Reply(text="late", delay_s=5))
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.3):
            await api.chat(stream=True)
    await eventually(layer.was_cut)

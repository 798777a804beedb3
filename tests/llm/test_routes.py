"""The HTTP routes, over a real server: models, usage, and OpenAI's chat completions."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import msgspec
import openai
import pytest

from codelab.llm.api import Attribution, Caps
from tests.llm.conftest import add_user
from tests.llm.layer import Heard, Layer, ask, eventually, request
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
    for path in ("/usage?everybody=true", "/usage?group=user", f"/usage?user={other}"):
        assert await api.get(path, one) == (403, {"code": "forbidden"})
    status, body = await api.get("/usage?group=user", f"{other} admin")
    assert {total["key"] for total in body["sums"]} == {one, other}
    assert body["total"]["output_tokens"] == 4
    status, body = await api.get(f"/usage?group=day&user={one}", f"{other} admin")
    assert body["total"]["output_tokens"] == 2
    for path in ("/usage?group=colour", "/usage?since=yesterday"):
        assert (await api.get(path, one))[0] == 400


async def test_usage_can_be_narrowed_down(api: Api, layer: Layer) -> None:
    one = await add_user(layer.db)
    await layer.script(Reply(text="a", usage=script.Usage(10, 2), repeat=True))
    for session, turn, agent in (("s1", "t1", "coder"), ("s1", "t2", "ask"), ("s2", "t3", "ask")):
        who = Attribution(user_id=one, session_id=session, turn_id=turn, agent=agent)
        await api.models.stream(request("openai"), Heard(), attribution=who)
    for query, keys in {
        "group=turn": {"t1", "t2", "t3"},
        "group=turn&session_id=s1": {"t1", "t2"},
        "group=session&agent=ask": {"s1", "s2"},
        "group=agent&session_id=s1&model=openai": {"coder", "ask"},
        "group=agent&model=another": set(),
    }.items():
        status, body = await api.get(f"/usage?{query}", one)
        assert (status, {total["key"] for total in body["sums"]}) == (200, keys)
        assert body["total"]["input_tokens"] == 10 * len(body["sums"])
    # Another's session is as good as none.
    stranger = await add_user(layer.db)
    assert (await api.get("/usage?group=turn&session_id=s1", stranger))[1]["sums"] == []


async def test_limits_are_one_s_own_and_the_server_s_for_administrators(
    api: Api, layer: Layer
) -> None:
    one, other = await add_user(layer.db), await add_user(layer.db)
    assert await api.get("/usage/limits", one) == (200, {"caps": [], "requests_per_hour": 100})
    caps = Caps(turn_usd=1, session_usd=2, user_day_usd=3, server_day_usd=4)
    info = {"input_cost_per_token": 0.001, "output_cost_per_token": 0.001}
    models = layer.build(layer.entry("openai") | {"model_info": info}, caps=caps)
    await layer.script(Reply(text="a", usage=script.Usage(10, 2), repeat=True))
    async with served(models) as capped:
        who = Attribution(user_id=one, session_id="s1", turn_id="t1", agent="ask")
        await models.stream(request("openai", max_output_tokens=10), Heard(), attribution=who)

        async def spent(user: str, query: str = "") -> dict[str, float]:
            status, body = await capped.get(f"/usage/limits{query}", user)
            assert status == 200
            assert all(
                cap["left_usd"] == pytest.approx(cap["cap_usd"] - cap["spent_usd"])
                for cap in body["caps"]
            )
            return {cap["scope"]: cap["spent_usd"] for cap in body["caps"]}

        assert await spent(one) == {"user": 0.012}
        assert await spent(one, "?session_id=s1") == {"session": 0.012, "user": 0.012}
        assert await spent(other, "?session_id=s1") == {"session": 0, "user": 0}
        assert await spent(f"{other} admin") == {"user": 0, "server": 0.012}


async def test_a_refused_call_is_402_which_no_client_tries_again(layer: Layer) -> None:
    info = {"input_cost_per_token": 0.001, "output_cost_per_token": 0.001}
    models = layer.build(
        layer.entry("openai") | {"model_info": info}, caps=Caps(server_day_usd=0.001)
    )
    await layer.script(Reply(text="a"))
    async with served(models) as capped:
        client = openai.AsyncOpenAI(
            base_url=f"{capped.url}/llm",
            api_key="unused",
            default_headers={"X-Internal-Secret": SECRET},
            max_retries=2,
        )
        async with client:
            with pytest.raises(openai.APIStatusError) as caught:
                await client.chat.completions.create(
                    model="openai", messages=[{"role": "user", "content": "Hi"}]
                )
    assert caught.value.status_code == 402
    assert caught.value.code == "insufficient_quota"
    assert caught.value.type == "insufficient_quota"
    assert await layer.seen() == []
    assert [call.error_code for call in layer.calls] == ["budget_exhausted"]


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


async def test_a_model_that_rests_is_listed_with_the_reason(api: Api, layer: Layer) -> None:
    await layer.script(Reply(status=429, headers={"Retry-After": "70"}))
    await api.chat()
    _, body = await api.get("/models", "ann user")
    (resting,) = body["resting"]
    assert (resting["name"], resting["code"]) == ("openai", "model_rate_limited")
    assert resting["reason"].endswith("says to come back in 70 s.")
    # The next caller is told the same at once, without asking the provider.
    status, answer = await api.chat()
    assert (status, answer["error"]["code"]) == (503, "no_model_available")
    assert len(await layer.seen()) == 1


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
        assert (answer.status, answer.content_type) == (200, "text/event-stream")
        events = (await answer.text()).strip().split("\n\n")
    last = msgspec.json.decode(events[-1].removeprefix("data: "))
    assert last["error"]["code"] == "model_interrupted"


async def _leave(asking: asyncio.Task[Any]) -> None:
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking


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
    has_begun = asyncio.Event()

    async def listen() -> None:
        url, headers = f"{api.url}/llm/chat/completions", {"X-Internal-Secret": SECRET}
        async with api.http.post(url, json=document, headers=headers) as answer:
            await answer.content.readline()
            has_begun.set()
            await answer.read()

    asking = asyncio.create_task(listen())
    await (has_begun.wait() if stream else eventually(layer.was_asked))
    await _leave(asking)
    await eventually(layer.was_cut)
    assert layer.calls[0].error_code == "cancelled"


async def test_a_client_that_leaves_before_the_first_piece_ends_the_call_too(
    api: Api, layer: Layer
) -> None:
    await layer.script(Reply(text="late", delay_s=5))
    asking = asyncio.create_task(api.chat(stream=True))
    await eventually(layer.was_asked)
    await _leave(asking)
    await eventually(layer.was_cut)

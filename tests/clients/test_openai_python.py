"""OpenAI's own package for Python through our `/v1`."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import openai
import pytest

from tests.clients.conftest import CHAT, MODELS, V1, VECTORS
from tests.model_server.embeddings import vector_of
from tests.model_server.script import Reply, ToolCall, Usage

LOOK = {"name": "look", "parameters": {"type": "object", "properties": {"at": {"type": "string"}}}}


@pytest.fixture
async def client(v1: V1) -> AsyncIterator[openai.AsyncOpenAI]:
    """The client, as its documentation shows it."""
    async with openai.AsyncOpenAI(base_url=v1.url, api_key=v1.token) as made:
        yield made


async def test_models(client: openai.AsyncOpenAI) -> None:
    assert [model.id async for model in client.models.list()] == MODELS
    assert (await client.models.retrieve(CHAT)).object == "model"


async def test_a_conversation_with_a_tool_from_its_question_to_its_answer(
    client: openai.AsyncOpenAI, v1: V1
) -> None:
    await v1.script(
        Reply(text="I look.", tool_calls=[ToolCall("look", {"at": "ж"})], split="bytes"),
        Reply(text="It is there. 👋", usage=Usage(30, 4, cached=20)),
    )
    tools: Any = [{"type": "function", "function": LOOK | {"strict": True}}]
    messages: Any = [{"role": "user", "content": "Is it there?"}]
    async with client.chat.completions.stream(model=CHAT, messages=messages, tools=tools) as turn:
        first = (await turn.get_final_completion()).choices[0]
    assert first.finish_reason == "tool_calls"
    assert first.message.tool_calls is not None
    (call,) = first.message.tool_calls
    assert json.loads(call.function.arguments) == {"at": "ж"}
    messages += [
        first.message.to_dict(),
        {"role": "tool", "tool_call_id": call.id, "content": "yes"},
    ]
    stream = await client.chat.completions.create(
        model=CHAT,
        messages=messages,
        tools=tools,
        stream=True,
        stream_options={"include_usage": True},
    )
    chunks = [chunk async for chunk in stream]
    text = "".join(one.choices[0].delta.content or "" for one in chunks if one.choices)
    assert text == "It is there. 👋"
    usage = chunks[-1].usage
    assert usage is not None and usage.prompt_tokens_details is not None
    assert (usage.total_tokens, usage.prompt_tokens_details.cached_tokens) == (34, 20)
    assert [message["role"] for message in (await v1.seen())[-1].body["messages"]] == [
        *("user", "assistant", "tool"),
    ]


async def test_a_response_with_a_tool_from_its_question_to_its_answer(
    client: openai.AsyncOpenAI, v1: V1
) -> None:
    await v1.script(
        Reply(reasoning="Hm.", text="I look.", tool_calls=[ToolCall("look", {"at": "x"})]),
        Reply(text="It is there."),
    )
    tools: Any = [{"type": "function", "strict": False, **LOOK}]
    items: Any = [{"role": "user", "content": "Is it there?"}]
    async with client.responses.stream(model=CHAT, input=items, tools=tools) as turn:
        kinds = [event.type async for event in turn]
        first = await turn.get_final_response()
    assert kinds[0] == "response.created"
    assert kinds[-1] == "response.completed"
    assert [item.type for item in first.output] == ["reasoning", "message", "function_call"]
    call: Any = first.output[-1]
    assert json.loads(call.arguments) == {"at": "x"}
    items += [item.to_dict() for item in first.output]
    items.append({"type": "function_call_output", "call_id": call.call_id, "output": "yes"})
    second = await client.responses.create(model=CHAT, input=items, tools=tools, store=False)
    assert (second.status, second.output_text) == ("completed", "It is there.")
    assert second.usage is not None and second.usage.total_tokens > 0


async def test_vectors(client: openai.AsyncOpenAI, v1: V1) -> None:
    await v1.script()
    # The client asks for packed vectors by itself, and unpacks them.
    answer = await client.embeddings.create(model=VECTORS, input=["one", "three"])
    assert [one.embedding for one in answer.data] == [vector_of("one"), vector_of("three")]
    plain = await client.embeddings.create(model=VECTORS, input="one", encoding_format="float")
    assert plain.data[0].embedding == vector_of("one")


async def test_errors_are_the_client_s_own(client: openai.AsyncOpenAI, v1: V1) -> None:
    ask: Any = {"messages": [{"role": "user", "content": "Hi"}]}
    with pytest.raises(openai.NotFoundError) as unknown:
        await client.chat.completions.create(model="gpt-9", **ask)
    assert (unknown.value.code, unknown.value.param) == ("model_not_found", "model")
    with pytest.raises(openai.NotFoundError):
        await client.files.list()
    with pytest.raises(openai.AuthenticationError) as stranger:
        await client.with_options(api_key="codelab_x").models.list()
    assert stranger.value.code == "invalid_api_key"
    await v1.script(Reply(context_overflow=True))
    with pytest.raises(openai.BadRequestError) as long:
        await client.responses.create(model=CHAT, input="Hi")
    assert long.value.code == "context_length_exceeded"
    await v1.script(Reply(text="one two three", cut_after=2))
    with pytest.raises(openai.APIError, match="broke off"):
        stream = await client.chat.completions.create(model=CHAT, stream=True, **ask)
        async for _ in stream:
            pass


async def test_what_will_not_get_better_is_not_tried_again(
    client: openai.AsyncOpenAI, v1: V1
) -> None:
    await v1.script(*[Reply(status=401)] * 3)
    before = len(await v1.seen())
    with pytest.raises(openai.InternalServerError) as refused:
        await client.responses.create(model=CHAT, input="Hi")
    assert refused.value.code == "model_auth_failed"
    assert len(await v1.seen()) == before + 1

"""The same conversation over each provider's wire."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec
import pytest

from codelab.kit.errors import CodeLabError
from codelab.llm.api import Models
from codelab.sdk.messages import AssistantMessage, ToolCall, ToolMessage, UserMessage
from codelab.sdk.model import (
    Completion,
    Delta,
    ModelInfo,
    ModelProvider,
    ModelRequest,
    OnDelta,
)
from tests.llm.layer import ASK, READ_FILE, Heard, Layer, ask, eventually
from tests.model_server import script
from tests.model_server.script import Reply

# litellm warns of its own code; raised as errors, these warnings would break it from within.
pytestmark = pytest.mark.filterwarnings("default")

# Before litellm is loaded, OpenAI's wire is served without it.
WIRES = ["early openai", "openai", "anthropic", "ollama"]
TEXT = "Привет, 👋 world.\nSecond line."


@pytest.fixture(params=WIRES)
async def wire(request: pytest.FixtureRequest, layer: Layer) -> tuple[Models, str]:
    """A model layer with one model, and the model's name."""
    name = str(request.param).rpartition(" ")[2]
    models = layer.build(layer.entry(name))
    if request.param != "early openai":
        await models.warm_up()
    return models, name


@pytest.mark.parametrize("split", ["normal", "bytes", "network"])
async def test_text_comes_in_pieces_and_whole(
    wire: tuple[Models, str], layer: Layer, split: Any
) -> None:
    await layer.script(Reply(text=TEXT, split=split, usage=script.Usage(120, 9, cached=0)))
    heard = Heard()
    completion = await ask(wire[0], wire[1], heard)
    assert completion.text == heard.text == TEXT
    assert len(heard.deltas) > 3
    assert completion.model == wire[1]
    assert completion.finish_reason == "stop"
    usage = completion.usage
    assert (usage.input_tokens, usage.output_tokens, usage.estimated) == (120, 9, False)


@pytest.mark.parametrize("split", ["normal", "bytes", "network"])
async def test_tool_calls_are_put_together(
    wire: tuple[Models, str], layer: Layer, split: Any
) -> None:
    calls = [
        script.ToolCall("read_file", {"path": "ж/a.py", "lines": [1, 2]}),
        script.ToolCall("list_files", {"path": "."}),
    ]
    await layer.script(Reply(text="I look.", tool_calls=calls, split=split))
    tools = (READ_FILE, msgspec.structs.replace(READ_FILE, name="list_files"))
    completion = await ask(wire[0], wire[1], tools=tools)
    assert completion.text == "I look."
    assert completion.finish_reason == "tool_calls"
    assert [call.name for call in completion.tool_calls] == ["read_file", "list_files"]
    arguments = [msgspec.json.decode(call.arguments) for call in completion.tool_calls]
    assert arguments == [{"path": "ж/a.py", "lines": [1, 2]}, {"path": "."}]
    assert len({call.id for call in completion.tool_calls}) == 2


async def test_broken_arguments_reach_the_caller_as_they_are(layer: Layer) -> None:
    models = layer.build(layer.entry("openai"))
    await layer.script(Reply(tool_calls=[script.ToolCall("read_file", '{"path": "a')]))
    completion = await ask(models, "openai", tools=(READ_FILE,))
    assert completion.tool_calls[0].arguments == '{"path": "a'


async def test_reasoning_is_kept_apart(wire: tuple[Models, str], layer: Layer) -> None:
    await layer.script(Reply(text="Yes.", reasoning="let me think"))
    heard = Heard()
    completion = await ask(wire[0], wire[1], heard)
    assert (completion.text, completion.reasoning) == ("Yes.", "let me think")
    assert (heard.text, heard.reasoning) == ("Yes.", "let me think")


async def test_cached_tokens_are_counted_and_cost_less(layer: Layer) -> None:
    entry = layer.entry("openai")
    entry["model_info"] = {
        "input_cost_per_token": 1e-3,
        "output_cost_per_token": 1e-2,
        "cache_read_input_token_cost": 1e-4,
    }
    models = layer.build(entry)
    await layer.script(Reply(text="Yes.", usage=script.Usage(100, 10, cached=60)))
    usage = (await ask(models, "openai")).usage
    assert (usage.input_tokens, usage.cached_tokens, usage.output_tokens) == (100, 60, 10)
    assert usage.cost_usd == pytest.approx(40 * 1e-3 + 60 * 1e-4 + 10 * 1e-2)


async def test_litellm_s_prices_are_used_where_the_file_has_none(layer: Layer) -> None:
    models = layer.build(layer.entry("anthropic"))
    await models.warm_up()
    await layer.script(Reply(text="Yes.", usage=script.Usage(1000, 100, cached=0)))
    usage = (await ask(models, "anthropic")).usage
    assert usage.cost_usd == pytest.approx(1000 * 3e-6 + 100 * 15e-6)
    assert models.window("anthropic") > 100_000


async def test_usage_that_was_not_sent_is_estimated_and_says_so(
    wire: tuple[Models, str], layer: Layer
) -> None:
    await layer.script(Reply(text="word " * 40, usage=None))
    usage = (await ask(wire[0], wire[1])).usage
    assert usage.estimated
    assert 10 < usage.output_tokens < 100
    assert usage.input_tokens > 0


async def test_a_history_with_tool_calls_is_accepted(
    wire: tuple[Models, str], layer: Layer
) -> None:
    history = (
        *ASK,
        AssistantMessage(
            text="I look.",
            tool_calls=(ToolCall(id="call_abc123", name="read_file", arguments='{"path": "a"}'),),
        ),
        ToolMessage(call_id="call_abc123", name="read_file", content="print(1)"),
        AssistantMessage(text="It prints."),
        UserMessage(text="What?"),
    )
    await layer.script(Reply(text="One."))
    completion = await ask(
        wire[0],
        wire[1],
        messages=history,
        tools=(READ_FILE,),
        max_output_tokens=77,
        temperature=0.5,
    )
    assert completion.text == "One."
    [seen] = await layer.seen()
    assert msgspec.json.encode(seen.body).count(b"print(1)") == 1
    assert b"77" in msgspec.json.encode(seen.body)
    assert b"0.5" in msgspec.json.encode(seen.body)


async def test_cancelling_closes_the_connection_at_once(
    wire: tuple[Models, str], layer: Layer
) -> None:
    await layer.script(Reply(text="word " * 50, token_delay_s=0.05))
    heard = Heard()
    task = asyncio.create_task(ask(wire[0], wire[1], heard))
    await asyncio.wait_for(heard.started.wait(), 5)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    count = len(heard.deltas)
    await eventually(layer.was_cut)
    assert not (await layer.seen())[0].finished
    assert len(heard.deltas) == count
    [call] = layer.calls
    assert (call.ok, call.error_code) == (False, "cancelled")
    assert call.usage.estimated
    assert call.usage.output_tokens > 0


async def test_both_ways_to_openai_send_the_same_request(layer: Layer) -> None:
    models = layer.build(layer.entry("openai"))
    fields: dict[str, Any] = {"tools": (READ_FILE,), "max_output_tokens": 50, "temperature": 0.1}
    await layer.script(Reply(text="One."), Reply(text="Two."))
    await ask(models, "openai", **fields)
    await models.warm_up()
    await ask(models, "openai", **fields)
    early, late = await layer.seen()
    assert early.body == late.body
    assert early.body["stream_options"] == {"include_usage": True}


class Parrot:
    """A plugin's client."""

    async def stream(self, request: ModelRequest, on_delta: OnDelta) -> Completion:
        on_delta(Delta("Polly"))
        return Completion(model=request.model, text="Polly")


async def test_a_plugin_s_model_is_asked_through_its_own_client(layer: Layer) -> None:
    provider = ModelProvider(
        client=Parrot(), models=(ModelInfo(name="parrot", provider="A bird", context_tokens=8),)
    )
    models = layer.build(providers=[provider])
    assert [info.name for info in models.catalogue()] == ["parrot"]
    assert models.window("parrot") == 8
    assert (await ask(models, "parrot")).text == "Polly"
    assert layer.calls[0].provider == "A bird"


async def test_an_unknown_model_is_named(layer: Layer) -> None:
    models = layer.build(layer.entry("openai"))
    with pytest.raises(CodeLabError) as caught:
        await ask(models, "gpt-9")
    assert caught.value.code == "model_unknown"
    assert caught.value.field == "model"
    assert "openai" in caught.value.message

"""The same conversation over each wire, with two servers that know nothing of each other.

What only one server can play is played by that one: awkward cuts and counts of caches by ours.
"""

from __future__ import annotations

import asyncio
import time
from typing import Any, NamedTuple

import msgspec
import pytest

from codelab.kit.errors import CodeLabError
from codelab.llm.api import Models
from codelab.llm.fallback import RetryPolicy
from codelab.sdk.messages import AssistantMessage, SystemMessage, ToolCall, ToolMessage, UserMessage
from codelab.sdk.model import (
    Completion,
    Delta,
    ModelInfo,
    ModelProvider,
    ModelRequest,
    OnDelta,
)
from tests.llm.layer import ASK, READ_FILE, Heard, Layer, ask, eventually
from tests.llm.peers import AimockPeer, Peer, ScriptedPeer
from tests.model_server import script
from tests.model_server.script import Reply
from tests.support.aimock import Aimock

# litellm warns of its own code; raised as errors, these warnings would break it from within.
pytestmark = pytest.mark.filterwarnings("default")

# Before litellm is loaded, OpenAI's wire is served without it.
WIRES = ["early openai", "openai", "anthropic", "ollama"]
TEXT = "Привет, 👋 world.\nSecond line."
ONCE = RetryPolicy(retries=0)


class Line(NamedTuple):
    """A model layer with one model, and the server at the other end of its wire."""

    models: Models
    name: str
    peer: Peer


@pytest.fixture(params=["ours", "aimock"])
def peer(request: pytest.FixtureRequest, layer: Layer) -> Peer:
    """A server that speaks all wires."""
    if request.param == "ours":
        return ScriptedPeer(layer)
    return AimockPeer(layer, request.getfixturevalue("aimock"))


async def connect(wire: str, layer: Layer, peer: Peer) -> Line:
    name = wire.rpartition(" ")[2]
    models = layer.build(peer.entry(name), retry=ONCE)
    if wire != "early openai":
        await models.warm_up()
    return Line(models, name, peer)


@pytest.fixture(params=WIRES)
async def line(request: pytest.FixtureRequest, layer: Layer, peer: Peer) -> Line:
    """Each wire to each server."""
    return await connect(str(request.param), layer, peer)


@pytest.fixture(params=WIRES)
async def wire(request: pytest.FixtureRequest, layer: Layer) -> Line:
    """Each wire to our own server."""
    return await connect(str(request.param), layer, ScriptedPeer(layer))


async def test_text_comes_in_pieces_and_whole(line: Line) -> None:
    await line.peer.answer(Reply(text=TEXT, usage=script.Usage(120, 9)))
    heard = Heard()
    completion = await ask(line.models, line.name, heard)
    assert completion.text == heard.text == TEXT
    assert len(heard.deltas) > 3
    assert completion.model == line.name
    assert completion.finish_reason == "stop"


async def test_several_tools_are_called_at_once(line: Line) -> None:
    calls = [
        script.ToolCall("read_file", '{"path": "ж/a.py", "lines": [1, 2]}'),
        script.ToolCall("list_files", '{"path": "."}'),
    ]
    await line.peer.answer(Reply(text="I look.", tool_calls=calls))
    tools = (READ_FILE, msgspec.structs.replace(READ_FILE, name="list_files"))
    completion = await ask(line.models, line.name, tools=tools)
    assert completion.text == "I look."
    assert completion.finish_reason == "tool_calls"
    assert [call.name for call in completion.tool_calls] == ["read_file", "list_files"]
    arguments = [msgspec.json.decode(call.arguments) for call in completion.tool_calls]
    assert arguments == [{"path": "ж/a.py", "lines": [1, 2]}, {"path": "."}]
    assert len({call.id for call in completion.tool_calls}) == 2


async def test_a_tool_is_called_without_a_word(line: Line) -> None:
    await line.peer.answer(Reply(tool_calls=[script.ToolCall("read_file", '{"path": "a"}')]))
    completion = await ask(line.models, line.name, tools=(READ_FILE,))
    [call] = completion.tool_calls
    assert (call.name, msgspec.json.decode(call.arguments)) == ("read_file", {"path": "a"})
    assert completion.text == ""


@pytest.mark.parametrize(
    ("status", "code", "retry_after_s"),
    [
        (400, "model_refused", None),
        (401, "model_auth_failed", None),
        (403, "model_auth_failed", None),
        (404, "model_missing", None),
        (429, "no_model_available", 7),
        (500, "no_model_available", None),
        (529, "no_model_available", None),
    ],
)
async def test_an_error_is_one_of_our_conditions(
    line: Line, layer: Layer, status: int, code: str, retry_after_s: float | None
) -> None:
    headers = {"Retry-After": f"{retry_after_s:g}"} if retry_after_s else {}
    await line.peer.answer(Reply(status=status, headers=headers))
    with pytest.raises(CodeLabError) as caught:
        await ask(line.models, line.name)
    assert (caught.value.code, caught.value.retry_after_s) == (code, retry_after_s)
    assert layer.key not in caught.value.message
    assert line.name in caught.value.message


async def test_an_answer_that_breaks_off_is_said_to(line: Line) -> None:
    await line.peer.answer(Reply(text="one two three four five six seven eight", cut_after=4))
    heard = Heard()
    with pytest.raises(CodeLabError) as caught:
        await ask(line.models, line.name, heard)
    assert caught.value.code == "model_interrupted"
    assert heard.text
    assert "eight" not in heard.text


@pytest.mark.parametrize("split", ["normal", "bytes", "network"])
async def test_text_is_the_same_however_it_is_cut(wire: Line, layer: Layer, split: Any) -> None:
    await layer.script(Reply(text=TEXT, split=split, usage=script.Usage(120, 9)))
    heard = Heard()
    completion = await ask(wire.models, wire.name, heard)
    assert completion.text == heard.text == TEXT
    usage = completion.usage
    assert (usage.input_tokens, usage.output_tokens, usage.estimated) == (120, 9, False)


@pytest.mark.parametrize("split", ["normal", "bytes", "network"])
async def test_tool_calls_are_put_together(wire: Line, layer: Layer, split: Any) -> None:
    calls = [
        script.ToolCall("read_file", {"path": "ж/a.py", "lines": [1, 2]}),
        script.ToolCall("list_files", {"path": "."}),
    ]
    await layer.script(Reply(text="I look.", tool_calls=calls, split=split))
    tools = (READ_FILE, msgspec.structs.replace(READ_FILE, name="list_files"))
    completion = await ask(wire.models, wire.name, tools=tools)
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


async def reasoning_is_kept_apart(line: Line) -> None:
    await line.peer.answer(Reply(text="Yes.", reasoning="let me think"))
    heard = Heard()
    completion = await ask(line.models, line.name, heard)
    assert (completion.text, completion.reasoning) == ("Yes.", "let me think")
    assert (heard.text, heard.reasoning) == ("Yes.", "let me think")


async def test_reasoning_is_kept_apart(wire: Line) -> None:
    await reasoning_is_kept_apart(wire)


# aimock sends Ollama's reasoning under a name that Ollama does not use.
@pytest.mark.parametrize("name", ["openai", "anthropic"])
async def test_reasoning_is_kept_apart_by_aimock_too(
    name: str, layer: Layer, aimock: Aimock
) -> None:
    await reasoning_is_kept_apart(await connect(name, layer, AimockPeer(layer, aimock)))


async def test_thinking_goes_back_while_a_tool_s_result_is_awaited(
    wire: Line, layer: Layer
) -> None:
    call = script.ToolCall("read_file", {"path": "a"})
    await layer.script(Reply(reasoning="let me think", tool_calls=[call]), Reply(text="Done."))
    first = await ask(wire.models, wire.name, tools=(READ_FILE,))
    [made] = first.tool_calls
    said = AssistantMessage(text=first.text, tool_calls=(made,), thinking=first.thinking)
    result = ToolMessage(call_id=made.id, name=made.name, content="print(1)")
    messages = (*ASK, said, result)
    assert (
        await ask(wire.models, wire.name, messages=messages, tools=(READ_FILE,))
    ).text == "Done."
    body = (await layer.seen())[1].body
    if wire.name == "anthropic":
        kinds = [block["type"] for block in body["messages"][1]["content"]]
        assert kinds == ["thinking", "tool_use"]
        assert body["messages"][1]["content"][0]["thinking"] == "let me think"
    else:
        assert b"let me think" not in msgspec.json.encode(body)


async def test_claude_s_prompts_are_marked_for_its_cache(layer: Layer) -> None:
    models = layer.build(layer.entry("anthropic"))
    await models.warm_up()
    await layer.script(Reply(text="Yes."))
    messages = (SystemMessage(text="You help. " * 1000), UserMessage(text="Hello?"))
    await ask(models, "anthropic", messages=messages, tools=(READ_FILE,))
    body = (await layer.seen())[0].body
    mark = {"type": "ephemeral"}
    assert body["system"][-1]["cache_control"] == mark
    assert body["messages"][-1]["content"][-1]["cache_control"] == mark
    assert msgspec.json.encode(body).count(b"cache_control") == 2


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


async def test_what_anthropic_s_cache_took_and_gave_is_counted(layer: Layer) -> None:
    models = layer.build(layer.entry("anthropic"))
    await models.warm_up()
    counts = script.Usage(1000, 100, cached=600, cache_written=300)
    await layer.script(Reply(text="Yes.", usage=counts))
    usage = (await ask(models, "anthropic")).usage
    assert (usage.input_tokens, usage.cached_tokens, usage.cache_write_tokens) == (1000, 600, 300)
    assert usage.cost_usd == pytest.approx(100 * 3e-6 + 600 * 0.3e-6 + 300 * 3.75e-6 + 100 * 15e-6)


async def test_litellm_s_prices_are_used_where_the_file_has_none(layer: Layer) -> None:
    models = layer.build(layer.entry("anthropic"))
    await models.warm_up()
    await layer.script(Reply(text="Yes.", usage=script.Usage(1000, 100, cached=0)))
    usage = (await ask(models, "anthropic")).usage
    assert usage.cost_usd == pytest.approx(1000 * 3e-6 + 100 * 15e-6)
    assert models.window("anthropic") > 100_000


async def test_usage_that_was_not_sent_is_estimated_and_says_so(wire: Line, layer: Layer) -> None:
    await layer.script(Reply(text="word " * 40, usage=None))
    usage = (await ask(wire.models, wire.name)).usage
    assert usage.estimated
    assert 10 < usage.output_tokens < 100
    assert usage.input_tokens > 0


async def test_a_history_with_tool_calls_is_accepted(wire: Line, layer: Layer) -> None:
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
        wire.models,
        wire.name,
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


async def test_cancelling_closes_the_connection_at_once(wire: Line, layer: Layer) -> None:
    await layer.script(Reply(text="word " * 50, token_delay_s=0.05))
    heard = Heard()
    started = time.monotonic()
    task = asyncio.create_task(ask(wire.models, wire.name, heard))
    await asyncio.wait_for(heard.started.wait(), 5)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    ran_s = time.monotonic() - started
    count = len(heard.deltas)
    await eventually(layer.was_cut)
    [seen] = await layer.seen()
    assert not seen.finished
    # The whole answer would have taken 2.5 s; the machine may be a busy one.
    assert (seen.cut_after_s or 9) < ran_s + 0.5
    assert len(heard.deltas) == count
    [call] = layer.calls
    assert (call.ok, call.error_code) == (False, "cancelled")
    assert call.usage.estimated
    assert call.usage.output_tokens > 0


async def test_cancelling_ends_a_call_of_any_server(line: Line) -> None:
    await line.peer.answer(Reply(text="word " * 50, token_delay_s=0.05))
    heard = Heard()
    task = asyncio.create_task(ask(line.models, line.name, heard))
    await asyncio.wait_for(heard.started.wait(), 5)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert len(heard.text) < 200


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

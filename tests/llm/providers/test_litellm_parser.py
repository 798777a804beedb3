"""Providers whose wire only litellm knows: its parser and our connection, or its whole stream.

They are played by aimock and by our own server, which both speak their wires.
"""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec
import pytest

from codelab.kit.errors import CodeLabError
from codelab.llm.api import Models
from codelab.llm.errors import ModelError, ModelFailed, ModelInterrupted
from codelab.llm.fallback import RetryPolicy
from codelab.llm.providers.litellm_parser import ParsedAnswer
from codelab.sdk.model import Delta
from tests.llm.layer import READ_FILE, Heard, Layer, ask, eventually
from tests.model_server import script
from tests.model_server.script import Reply
from tests.support.aimock import Aimock

pytestmark = pytest.mark.filterwarnings("default")

ONCE = RetryPolicy(retries=0)
# Each has a translation and a parser of its own in litellm.
PROVIDERS = {
    "databricks": "databricks/scripted",
    "huggingface": "huggingface/org/scripted",
    "azure_ai": "azure_ai/scripted",
}


@pytest.fixture(params=PROVIDERS)
async def models(request: pytest.FixtureRequest, layer: Layer) -> Models:
    """A model layer whose only model has a provider that is rare."""
    model = PROVIDERS[request.param]
    base = layer.server.url if request.param == "huggingface" else layer.server.openai_url
    params = {"model": model, "api_base": base, "api_key": layer.key}
    made = layer.build({"model_name": "rare", "litellm_params": params}, retry=ONCE)
    await made.warm_up()
    return made


async def is_sent_by_us(layer: Layer) -> bool:
    # Our connections want no compression; litellm's do.
    return (await layer.seen())[-1].headers["accept-encoding"] == "identity"


@pytest.mark.parametrize("split", ["normal", "network"])
async def test_an_answer_comes_over_our_connection(
    models: Models, layer: Layer, split: Any
) -> None:
    calls = [script.ToolCall("read_file", {"path": "a"})]
    await layer.script(Reply(text="Привет, 👋 world.", tool_calls=calls, split=split))
    heard = Heard()
    completion = await ask(models, "rare", heard, tools=(READ_FILE,))
    assert completion.text == heard.text == "Привет, 👋 world."
    assert len(heard.deltas) > 1
    [call] = completion.tool_calls
    assert (call.name, msgspec.json.decode(call.arguments)) == ("read_file", {"path": "a"})
    assert completion.finish_reason == "tool_calls"
    assert completion.usage.input_tokens > 0
    assert await is_sent_by_us(layer)


@pytest.mark.parametrize(
    ("reply", "code"),
    [
        (Reply(status=401), "model_auth_failed"),
        (Reply(status=404), "model_missing"),
        (Reply(status=429), "no_model_available"),
        (Reply(text="one two three", cut_after=2), "model_interrupted"),
        (Reply(text="one two three", error_after=2), "model_interrupted"),
    ],
    ids=["401", "404", "429", "cut", "error in the middle"],
)
async def test_failures_have_the_same_names(
    models: Models, layer: Layer, reply: Reply, code: str
) -> None:
    await layer.script(reply)
    with pytest.raises(CodeLabError) as caught:
        await ask(models, "rare")
    assert caught.value.code == code
    assert layer.key not in caught.value.message
    assert len(await layer.seen()) == 1


async def test_cancelling_closes_the_connection(models: Models, layer: Layer) -> None:
    await layer.script(Reply(text="word " * 50, token_delay_s=0.05))
    heard = Heard()
    task = asyncio.create_task(ask(models, "rare", heard))
    await asyncio.wait_for(heard.started.wait(), 10)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await eventually(layer.was_cut)


async def test_gemini_s_wire_is_parsed(layer: Layer, aimock: Aimock) -> None:
    name = f"gemini-{layer.key}"
    params = {"model": f"gemini/{name}", "api_base": f"{aimock.url}/v1beta", "api_key": layer.key}
    models = layer.build({"model_name": "gemini", "litellm_params": params}, retry=ONCE)
    await models.warm_up()
    response = {
        "content": "Hello there, world.",
        "reasoning": "let me think",
        "toolCalls": [{"name": "read_file", "arguments": '{"path": "a"}'}],
        "usage": {"promptTokenCount": 12, "candidatesTokenCount": 5, "totalTokenCount": 17},
    }
    await aimock.answer(name, response, chunkSize=5)
    heard = Heard()
    completion = await ask(models, "gemini", heard, tools=(READ_FILE,))
    assert (completion.text, completion.reasoning) == ("Hello there, world.", "let me think")
    assert heard.text == completion.text
    assert len(heard.deltas) > 3
    assert [call.name for call in completion.tool_calls] == ["read_file"]
    assert completion.finish_reason == "tool_calls"
    assert (completion.usage.input_tokens, completion.usage.output_tokens) == (12, 5)
    assert not completion.usage.estimated


async def test_a_provider_that_insists_on_its_own_client_is_left_to_litellm(layer: Layer) -> None:
    entry = layer.entry("openai")
    # It changes the transport, and the client of OpenAI's own package is no HTTP client of ours.
    entry["litellm_params"]["ssl_verify"] = False
    models = layer.build(entry, retry=ONCE)
    await models.warm_up()
    await layer.script(Reply(text="One."), Reply(text="Two."))
    assert [(await ask(models, "openai")).text for _ in range(2)] == ["One.", "Two."]
    assert len(await layer.seen()) == 2
    assert not await is_sent_by_us(layer)


class OldParser:
    """A parser that returns pieces in litellm's older form."""

    def chunk_parser(self, chunk: dict[str, Any]) -> dict[str, Any]:
        return chunk


def name_condition(error: Exception, *, started: bool) -> ModelError:
    return ModelInterrupted(str(error)) if started else ModelFailed(str(error))


def test_what_the_parser_raises_is_named() -> None:
    class Broken:
        def chunk_parser(self, chunk: dict[str, Any]) -> dict[str, Any]:
            if chunk.get("text"):
                return {"text": "Yes.", "is_finished": False, "finish_reason": "", "usage": None}
            raise ValueError("no")

    answer = ParsedAnswer(lambda delta: None, Broken(), name_condition)
    with pytest.raises(ModelFailed):
        answer.take(b'data: {"text": ""}')
    assert not answer.take(b'data: {"text": "Yes."}')
    with pytest.raises(ModelInterrupted):
        answer.take(b'data: {"text": ""}')


def test_pieces_in_litellm_s_older_form_are_read() -> None:
    heard: list[Delta] = []
    answer = ParsedAnswer(heard.append, OldParser(), name_condition)
    call = {"index": 0, "id": "call_abcdef", "function": {"name": "t", "arguments": "{}"}}
    for piece in (
        {"text": "Yes.", "is_finished": False, "finish_reason": "", "usage": None},
        {"text": "", "tool_use": call, "is_finished": False, "finish_reason": "", "usage": None},
        {"text": "", "is_finished": True, "finish_reason": "stop", "usage": {"prompt_tokens": 3}},
    ):
        assert not answer.take(b"data: " + msgspec.json.encode(piece))
    assert not answer.take(b": keep-alive")
    assert answer.take(b"data: [DONE]")
    completion = answer.assembler.complete("m")
    assert (completion.text, completion.finish_reason) == ("Yes.", "tool_calls")
    assert completion.usage.input_tokens == 3
    assert heard[0] == Delta("Yes.")

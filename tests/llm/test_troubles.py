"""Every way in which a provider fails, over each wire: one condition, one sentence, no secret."""

from __future__ import annotations

import asyncio
import gc
import socket
import time
import weakref
from typing import Any

import pytest

from codelab.kit.errors import CodeLabError
from codelab.llm.api import Models
from codelab.llm.errors import AnswerTimeout, ModelError, NoModelAvailable
from codelab.llm.fallback import RetryPolicy
from codelab.llm.time_limits import TimeLimits
from codelab.sdk.model import (
    Completion,
    Delta,
    ModelInfo,
    ModelProvider,
    ModelRequest,
    OnDelta,
)
from tests.llm.layer import QUICK, READ_FILE, Heard, Layer, ask, eventually
from tests.model_server.script import Reply, ToolCall

pytestmark = pytest.mark.filterwarnings("default")

ONCE = RetryPolicy(retries=0)


@pytest.fixture(params=["openai", "anthropic", "ollama"])
async def wire(request: pytest.FixtureRequest, layer: Layer) -> tuple[Models, str]:
    """A model layer with one model, impatient, and the model's name."""
    name: str = request.param
    models = layer.build(
        layer.entry(name), time_limits=TimeLimits(first_token_s=0.4, idle_s=0.4), retry=ONCE
    )
    await models.warm_up()
    return models, name


async def failure(models: Models, name: str, layer: Layer, **fields: Any) -> CodeLabError:
    with pytest.raises(CodeLabError) as caught:
        await ask(models, name, **fields)
    assert layer.key not in caught.value.message
    assert "127.0.0.1" not in caught.value.message
    return caught.value


@pytest.mark.parametrize(
    ("reply", "codes"),
    [
        (Reply(status=401), {"model_auth_failed"}),
        (Reply(status=403), {"model_auth_failed"}),
        (Reply(status=404), {"model_missing"}),
        (Reply(status=400), {"model_refused"}),
        (Reply(context_overflow=True), {"context_too_long"}),
    ],
    ids=["401", "403", "404", "400", "overflow"],
)
async def test_a_refusal_has_a_condition_of_its_own(
    wire: tuple[Models, str], layer: Layer, reply: Reply, codes: set[str]
) -> None:
    await layer.script(reply)
    error = await failure(*wire, layer)
    assert error.code in codes
    assert not error.retryable
    assert len(await layer.seen()) == 1


@pytest.mark.parametrize(
    "reply",
    [
        Reply(status=429),
        Reply(status=500),
        Reply(status=503),
        Reply(text="one two three", cut_after=0),
        Reply(text="one", delay_s=2),
    ],
    ids=["429", "500", "503", "cut", "silent"],
)
async def test_a_model_that_does_not_answer_is_named_with_what_was_tried(
    wire: tuple[Models, str], layer: Layer, reply: Reply
) -> None:
    await layer.script(reply)
    error = await failure(*wire, layer)
    assert error.code == "no_model_available"
    assert error.retryable
    assert wire[1] in error.message


async def test_a_cut_in_the_middle_is_not_mixed_with_another_answer(
    wire: tuple[Models, str], layer: Layer
) -> None:
    await layer.script(Reply(text="one two three four", cut_after=2), Reply(text="other"))
    heard = Heard()
    with pytest.raises(ModelError) as caught:
        await ask(*wire, heard)
    assert caught.value.code == "model_interrupted"
    assert caught.value.retryable
    assert caught.value.begun_by == wire[1]
    assert heard.text == "one two"
    assert len(await layer.seen()) == 1
    assert layer.calls[0].usage.output_tokens > 0


async def test_an_error_in_the_middle_breaks_the_answer_off(
    wire: tuple[Models, str], layer: Layer
) -> None:
    await layer.script(Reply(text="one two three four", error_after=2))
    error = await failure(*wire, layer)
    assert error.code == "model_interrupted"


async def test_a_model_that_stops_in_the_middle_is_given_up(
    wire: tuple[Models, str], layer: Layer
) -> None:
    await layer.script(Reply(text="one two three four", stall_after=2))
    error = await failure(*wire, layer)
    assert isinstance(error, ModelError)
    assert (error.code, error.begun_by) == ("model_timeout", wire[1])
    assert "0.4 s" in error.message
    await eventually(layer.was_cut)


@pytest.mark.parametrize("name", ["openai", "anthropic", "ollama"])
async def test_an_answer_that_dribbles_on_for_ever_is_cut_off(layer: Layer, name: str) -> None:
    models = layer.build(layer.entry(name), time_limits=TimeLimits(answer_s=0.6))
    await models.warm_up()
    await layer.script(Reply(text="and so on " * 1000, token_delay_s=0.05))
    heard = Heard()
    with pytest.raises(AnswerTimeout) as caught:
        await ask(models, name, heard)
    assert caught.value.begun_by == name
    assert heard.text.startswith("and so on")
    await eventually(layer.was_cut)
    (call,) = layer.calls
    assert (call.error_code, call.usage.output_tokens > 0) == ("answer_timeout", True)


@pytest.mark.parametrize(("pieces", "said"), [(0, "did not start"), (2, "in the middle")])
async def test_a_ping_is_no_token(
    wire: tuple[Models, str], layer: Layer, pieces: int, said: str
) -> None:
    await layer.script(Reply(text="one two three four", stall_after=pieces, ping_s=0.05))
    error = await failure(*wire, layer)
    assert said in error.message


async def test_a_thought_is_a_sign_of_life(wire: tuple[Models, str], layer: Layer) -> None:
    # The whole takes longer than the limit, each piece does not.
    thoughts = " ".join(["hm"] * 8)
    await layer.script(Reply(reasoning=thoughts, text="Here.", token_delay_s=0.1))
    heard = Heard()
    assert (await ask(*wire, heard)).text == "Here."
    assert heard.reasoning == thoughts


async def test_a_long_tool_call_is_a_sign_of_life(layer: Layer) -> None:
    models = layer.build(
        layer.entry("openai"), time_limits=TimeLimits(first_token_s=0.3, idle_s=0.3)
    )
    call = ToolCall("read_file", {"path": "a/b/c/d/e/f/g/h/i/j"})
    await layer.script(Reply(tool_calls=[call], split="bytes", token_delay_s=0.04))
    heard = Heard()
    completion = await ask(models, "openai", heard, tools=(READ_FILE,))
    assert completion.tool_calls[0].name == "read_file"
    assert heard.deltas == []


class Silent:
    """A plugin's client whose model says one word, or none, and then nothing."""

    def __init__(self, word: str) -> None:
        self._word = word

    async def stream(self, request: ModelRequest, on_delta: OnDelta) -> Completion:
        if self._word:
            on_delta(Delta(self._word))
        return await asyncio.Future[Completion]()


@pytest.mark.parametrize(("word", "said"), [("", "did not start"), ("Well", "in the middle")])
async def test_a_plugin_s_model_has_the_same_limits(layer: Layer, word: str, said: str) -> None:
    offered = ModelInfo(name="theirs", provider="plugin")
    models = layer.build(
        providers=[ModelProvider(client=Silent(word), models=(offered,))],
        discover=False,
        time_limits=TimeLimits(first_token_s=0.2, idle_s=0.2),
    )
    error = await failure(models, "theirs", layer)
    assert said in error.message


async def test_a_passing_failure_is_retried_silently(layer: Layer) -> None:
    models = layer.build(layer.entry("openai"))
    await layer.script(Reply(status=500), Reply(text="Here."))
    assert (await ask(models, "openai")).text == "Here."
    assert layer.calls[0].tried == ("openai: model_failed",)
    assert layer.calls[0].ok


async def test_retry_after_is_honoured(layer: Layer) -> None:
    models = layer.build(layer.entry("openai"))
    await layer.script(Reply(status=429, headers={"Retry-After": "0.4"}), Reply(text="Here."))
    started = time.monotonic()
    assert (await ask(models, "openai")).text == "Here."
    assert time.monotonic() - started >= 0.4


async def test_a_long_retry_after_is_told_and_not_waited_for(layer: Layer) -> None:
    models = layer.build(layer.entry("openai"))
    await layer.script(Reply(status=429, headers={"Retry-After": "60"}), Reply(text="Here."))
    with pytest.raises(NoModelAvailable) as caught:
        await ask(models, "openai")
    assert caught.value.retry_after_s == 60
    assert len(await layer.seen()) == 1


@pytest.mark.parametrize(
    "reply",
    [Reply(status=401), Reply(status=500), Reply(text="a b", cut_after=0), Reply(delay_s=3)],
    ids=["401", "500", "cut", "silent"],
)
async def test_the_next_of_the_chain_answers_across_providers(layer: Layer, reply: Reply) -> None:
    second = f"{layer.key}-second"
    models = layer.build(
        layer.entry("openai", "first"),
        layer.entry("anthropic", "second", second),
        layer.entry("ollama", "third", f"{layer.key}-third"),
        ours={"fallbacks": ["second", "third"]},
        time_limits=TimeLimits(first_token_s=0.5),
    )
    await models.warm_up()
    await layer.script(reply, reply)
    await layer.script(Reply(status=403), key=second)
    await layer.script(Reply(text="From Ollama."), key=f"{layer.key}-third")
    heard = Heard()
    completion = await ask(models, "first", heard)
    assert (completion.model, completion.text) == ("third", "From Ollama.")
    assert heard.text == "From Ollama."
    *paid_for, call = layer.calls
    # Whoever had begun to work on it and was not waited for is paid for what was sent.
    assert [one.error_code for one in paid_for] == (["model_timeout"] if reply.delay_s else [])
    assert (call.model, call.provider, call.ok) == ("third", "ollama_chat", True)
    assert call.tried[-1] == "second: model_auth_failed"
    assert call.tried[0].startswith("first: ")
    assert len(call.tried) == 2


@pytest.mark.parametrize(
    "reply", [Reply(status=500), Reply(text="one two three", cut_after=2)], ids=["refused", "cut"]
)
async def test_nothing_of_a_failed_call_stays(layer: Layer, reply: Reply) -> None:
    models = layer.build(layer.entry("openai"))
    await layer.script(*[reply] * 3)
    heard = Heard()
    listening = weakref.ref(heard)
    gc.disable()
    try:
        with pytest.raises(ModelError):
            await ask(models, "openai", heard)
        del heard
        await asyncio.sleep(0)
        assert listening() is None
    finally:
        gc.enable()


async def test_when_nothing_answers_the_user_reads_what_was_tried(layer: Layer) -> None:
    models = layer.build(
        layer.entry("openai", "first"),
        layer.entry("openai", "second"),
        ours={"fallbacks": {"first": ["second"]}},
        retry=ONCE,
    )
    await layer.script(Reply(status=401), Reply(status=503))
    error = await failure(models, "first", layer)
    assert error.code == "no_model_available"
    assert "first: The provider of first refused the key." in error.message
    assert "second: The provider of second had a failure" in error.message
    assert layer.calls[0].error_code == "no_model_available"


async def test_nothing_listens_at_the_address(layer: Layer) -> None:
    entry = layer.entry("openai")
    with socket.socket() as bound:
        # Bound and not listening: nobody else gets the port meanwhile, and connecting fails.
        bound.bind(("127.0.0.1", 0))
        port = bound.getsockname()[1]
        entry["litellm_params"]["api_base"] = f"http://127.0.0.1:{port}/v1"
        await _unreachable(layer, entry)


async def _unreachable(layer: Layer, entry: dict[str, Any]) -> None:
    models = layer.build(entry, retry=QUICK)
    error = await failure(models, "openai", layer)
    assert error.code == "no_model_available"
    assert "cannot be reached" in error.message


async def test_a_key_with_a_line_break_never_reaches_the_wire(layer: Layer) -> None:
    entry = layer.entry("openai")
    entry["litellm_params"]["api_key"] = "sk-first\r\nX-Injected: 1"
    models = layer.build(entry, retry=ONCE)
    error = await failure(models, "openai", layer)
    assert "line break" in error.message
    assert "sk-first" not in error.message

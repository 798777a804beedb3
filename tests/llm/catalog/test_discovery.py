"""Models that are found without a models file."""

from __future__ import annotations

import time

import pytest

from codelab.llm.catalog.discovery import Found, catalogue_of, ollama_url
from codelab.llm.catalog.role_defaults import PREFERRED
from codelab.llm.errors import NoModelConfigured
from codelab.sdk.agent import ModelRole
from codelab.sdk.model import ModelInfo, ModelProvider
from codelab.sdk.testing import ScriptedModel
from tests.llm.layer import Layer, ask
from tests.model_server.script import Reply

pytestmark = pytest.mark.filterwarnings("default")

# What Ollama's users set to let others in.
EVERYWHERE = ".".join("0000")
# Nothing listens there.
NOWHERE = "http://127.0.0.1:9"


def test_no_key_and_no_ollama_is_no_model() -> None:
    assert catalogue_of({}, Found()).entries == {}


def test_keys_alone_give_the_best_of_each_provider_and_a_chain_across() -> None:
    environ = {"OPENAI_API_KEY": "a", "ANTHROPIC_API_KEY": "b"}
    catalogue = catalogue_of(environ, Found(ollama=("llama3:8b",)))
    strongest = catalogue.choose(ModelRole.REASONING)
    assert strongest == PREFERRED["anthropic"][0][0]
    assert catalogue.chain(strongest) == (
        strongest,
        PREFERRED["openai"][0][0],
        "ollama/llama3:8b",
    )
    assert catalogue.chain("ollama/llama3:8b")[0] == "ollama/llama3:8b"
    assert catalogue.choose(ModelRole.FAST) == PREFERRED["anthropic"][2][0]
    assert "a" not in repr(catalogue.entry(PREFERRED["openai"][0][0]).params["api_key"]).split("/")


def test_only_what_exists_is_offered() -> None:
    found = Found(openai=("gpt-4.1-mini", "gpt-5", "whisper-1"))
    catalogue = catalogue_of({"OPENAI_API_KEY": "a"}, found)
    assert set(catalogue.entries) == {"gpt-5", "gpt-4.1-mini"}
    assert catalogue.choose(ModelRole.CODING) == "gpt-5"
    assert catalogue.choose(ModelRole.FAST) == "gpt-4.1-mini"


def test_a_server_with_models_of_its_own_is_taken_as_it_is() -> None:
    environ = {"OPENAI_API_KEY": "a", "OPENAI_BASE_URL": "http://gpu:8000/v1"}
    catalogue = catalogue_of(environ, Found(openai=("qwen-7b", "qwen-coder")))
    assert set(catalogue.entries) == {"qwen-7b", "qwen-coder"}
    assert catalogue.choose(ModelRole.CODING) == "qwen-coder"
    assert catalogue.choose(ModelRole.FAST) == "qwen-7b"


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("", "http://127.0.0.1:11434"),
        (EVERYWHERE, "http://127.0.0.1:11434"),
        (f"{EVERYWHERE}:8080", "http://127.0.0.1:8080"),
        (":8080", "http://127.0.0.1:8080"),
        ("gpu", "http://gpu:11434"),
        ("http://gpu:80/", "http://gpu:80"),
        ("https://ollama.example", "https://ollama.example"),
    ],
)
def test_ollama_host_has_many_forms(host: str, url: str) -> None:
    assert ollama_url({"OLLAMA_HOST": host}) == url


async def test_a_local_ollama_is_found_and_answers(layer: Layer) -> None:
    await layer.script(Reply(text="From Ollama."))
    models = layer.build(environ={"OLLAMA_HOST": layer.server.url})
    await models.warm_up()
    name = f"ollama/scripted-{layer.key}:latest"
    assert name in [info.name for info in models.catalogue()]
    assert models.window(name) == 16_384
    assert (await ask(models, name)).text == "From Ollama."
    [seen] = await layer.seen()
    assert seen.body["options"]["num_ctx"] == 16_384


async def test_an_openai_server_is_found_and_answers_at_once(
    layer: Layer, monkeypatch: pytest.MonkeyPatch
) -> None:
    environ = {
        "OPENAI_API_KEY": layer.key,
        "OPENAI_BASE_URL": layer.server.openai_url,
        "OLLAMA_HOST": NOWHERE,
    }
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    await layer.script(Reply(text="Early."), Reply(text="Late."))
    models = layer.build(environ=environ)
    early = models.resolve(ModelRole.CODING)
    warm = models.warm_up()
    # A name from before the search is still understood during and after it.
    assert (await ask(models, early)).text == "Early."
    await warm
    assert [info.name for info in models.catalogue()] == ["scripted-model"]
    assert (await ask(models, models.resolve(ModelRole.CODING))).text == "Late."
    assert models.resolve(ModelRole.FAST) == "scripted-model"
    assert models.health().configured


async def test_a_plugins_model_is_not_chosen_while_a_real_one_may_be_found(layer: Layer) -> None:
    provider = ModelProvider(
        client=ScriptedModel([]), models=(ModelInfo(name="tiny", provider="plugin"),)
    )
    models = layer.build(environ={"OLLAMA_HOST": layer.server.url}, providers=[provider])
    await layer.script(Reply(text="From Ollama."))
    warm = models.warm_up()
    assert models.resolve(ModelRole.FAST) == "tiny", "nothing else is known yet"
    await models.discovered()
    assert models.resolve(ModelRole.FAST).startswith("ollama/")
    assert [info.name for info in models.catalogue()][-1] == "tiny"
    assert "tiny" not in models.roles().values()
    await warm


async def test_with_nothing_everything_works_but_asking(layer: Layer) -> None:
    models = layer.build(environ={"OLLAMA_HOST": NOWHERE})
    started = time.monotonic()
    await models.warm_up()
    assert time.monotonic() - started < 3
    assert models.catalogue() == []
    assert models.roles() == {}
    health = models.health()
    assert not health.configured
    for requested in (None, "x"):
        with pytest.raises(NoModelConfigured) as caught:
            models.resolve(ModelRole.FAST, requested)
        assert caught.value.code == "no_model"
        assert caught.value.message == health.advice
    assert "OPENAI_API_KEY" in health.advice
    with pytest.raises(NoModelConfigured):
        await ask(models, "anything")
    assert layer.calls == []


async def test_a_key_that_is_not_set_is_pointed_out(
    layer: Layer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CODELAB_TEST_NO_KEY", raising=False)
    entry = layer.entry("openai", "mine")
    entry["litellm_params"]["api_key"] = "os.environ/CODELAB_TEST_NO_KEY"
    health = layer.build(entry).health()
    assert health.configured
    assert health.advice == "mine needs CODELAB_TEST_NO_KEY."

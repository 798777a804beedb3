"""The models file: LiteLLM's form, our section, and sentences for what is wrong."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from codelab.llm.catalog.entries import Catalogue
from codelab.llm.catalog.models_file import build_catalogue, read_models_file
from codelab.llm.catalog.places import lines_of
from codelab.llm.catalog.prices import read_price_list
from codelab.llm.catalog.role_defaults import PREFERRED, pick
from codelab.llm.errors import CatalogueInvalid
from codelab.sdk.agent import ModelRole

WHOLE = """
model_list:
  - model_name: smart
    litellm_params:
      model: anthropic/claude-opus-5
      api_key: os.environ/CODELAB_TEST_SMART_KEY
  - model_name: quick
    litellm_params: {model: openai/gpt-5-mini, api_key: sk-literal-0123456789, rpm: 5}
    model_info: {max_input_tokens: 5000, description: Small and quick.}
  - model_name: local
    litellm_params: {model: ollama_chat/llama3, api_base: "http://127.0.0.1:11434"}
litellm_settings:
  fallbacks: [{quick: [smart]}]
general_settings: {master_key: unused}
codelab:
  agents: {coder: local}
  roles: {reasoning: smart, fast: quick}
  fallbacks: [local]
  default: quick
"""


VECTORS = """  - model_name: vectors
    litellm_params: {model: openai/text-embedding-3-small}
    model_info: {mode: embedding}
"""


def entry(name: str = "a", **params: Any) -> dict[str, Any]:
    return {"model_name": name, "litellm_params": {"model": "openai/gpt-x", **params}}


def read(tmp_path: Path, text: str) -> Catalogue:
    path = tmp_path / "models.yaml"
    path.write_text(text)
    return read_models_file(path)


def test_the_whole_form_is_understood(tmp_path: Path) -> None:
    catalogue = read(tmp_path, WHOLE)
    assert list(catalogue.entries) == ["smart", "quick", "local"]
    assert catalogue.choose(ModelRole.REASONING) == "smart"
    assert catalogue.choose(ModelRole.FAST) == "quick"
    assert catalogue.choose(ModelRole.CODING, "coder") == "local"
    assert catalogue.chain("quick") == ("quick", "smart")
    assert catalogue.chain("smart") == ("smart", "local")
    assert catalogue.chain("local") == ("local",)
    infos = {info.name: info for info in catalogue.offered(read_price_list())}
    assert infos["quick"].context_tokens == 5000
    assert infos["quick"].description == "Small and quick."
    assert infos["smart"].context_tokens == 1_000_000
    assert infos["local"].provider == "ollama_chat"


def test_keys_are_looked_up_when_used_and_never_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CODELAB_TEST_SMART_KEY", raising=False)
    catalogue = read(tmp_path, WHOLE)
    smart, quick = catalogue.entry("smart"), catalogue.entry("quick")
    assert smart.missing_variables() == ("CODELAB_TEST_SMART_KEY",)
    monkeypatch.setenv("CODELAB_TEST_SMART_KEY", "sk-from-environment")
    assert smart.resolved()["api_key"] == "sk-from-environment"
    assert smart.missing_variables() == ()
    assert quick.resolved()["api_key"] == "sk-literal-0123456789"
    for shown in (repr(catalogue), repr(quick.params), str(smart)):
        assert "sk-literal" not in shown
        assert "sk-from-environment" not in shown


def test_entries_of_one_name_follow_each_other() -> None:
    catalogue = build_catalogue({"model_list": [entry("a"), entry("b"), entry("a")]}, "f")
    assert list(catalogue.entries) == ["a", "b", "a#2"]
    assert catalogue.chain("a") == ("a", "a#2")


def test_roles_nobody_has_set_go_by_the_models_names() -> None:
    listed = [
        {"model_name": name, "litellm_params": {"model": model}}
        for name, model in (
            ("middle", "openai/gpt-5.4"),
            ("small", "gemini/gemini-2.5-flash"),
            ("big", "anthropic/claude-opus-5"),
        )
    ]
    roles = build_catalogue({"model_list": listed}, "f").roles
    assert roles[ModelRole.REASONING] == roles[ModelRole.CODING] == "big"
    assert roles[ModelRole.BALANCED] == "middle"
    assert roles[ModelRole.FAST] == "small"


@pytest.mark.parametrize(
    ("document", "sentence"),
    [
        (None, "Expected `object`, got `null` at the top"),
        ({}, "missing required field `model_list` at the top"),
        ({"model_list": {}}, "model_list: Expected `array`, got `object`"),
        (
            {"model_list": [entry(), {"litellm_params": {"model": "x"}}]},
            "model_list[1]: Object missing required field `model_name`",
        ),
        (
            {"model_list": [{"model_name": "a"}]},
            "model_list[0] (a): Object missing required field `litellm_params`",
        ),
        (
            {"model_list": [{"model_name": "a", "litellm_params": {}}]},
            "model_list[0].litellm_params (a): Object missing required field `model`",
        ),
        (
            {"model_list": [entry(model=3)]},
            "model_list[0].litellm_params.model (a): Expected `str`, got `int`",
        ),
        (
            {"model_list": [entry(model="openai/*")]},
            "model_list[0].litellm_params.model (a): A * stands for Ollama's models only",
        ),
        (
            {"model_list": [entry()], "codelab": {"roles": {"clever": "a"}}},
            "codelab.roles: Invalid enum value 'clever'",
        ),
        (
            {"model_list": [entry()], "codelab": {"agent": {}}},
            "codelab: Object contains unknown field `agent`",
        ),
        (
            {"model_list": [entry()], "codelab": {"agents": {"coder": "b"}}},
            "codelab.agents.coder names the model 'b', which model_list does not have",
        ),
        (
            {"model_list": [entry()], "codelab": {"default": "b"}},
            "codelab.default names the model 'b'",
        ),
        (
            {"model_list": [entry()], "codelab": {"fallbacks": ["b"]}},
            "codelab.fallbacks[0] names the model 'b'",
        ),
        (
            {"model_list": [entry()], "litellm_settings": {"fallbacks": [{"a": ["b"]}]}},
            "litellm_settings.fallbacks[0].a[0] names the model 'b'",
        ),
    ],
)
def test_what_is_wrong_is_named(document: Any, sentence: str) -> None:
    with pytest.raises(CatalogueInvalid) as caught:
        build_catalogue(document, "models.yaml")
    assert sentence in caught.value.message
    assert caught.value.message.startswith("models.yaml: ")
    assert caught.value.message.endswith(".")


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("  agents: {coder: smrat}", "line 19: codelab.agents.coder names the model 'smrat'"),
        ("  agents: {coder: smrat}", "(did you mean 'smart'?)"),
        ("  agents:\n    ask: local\n    coder: [quick, x]", "line 21: codelab.agents.coder[1]"),
        ("  agents: {coder: []}", "line 19: codelab.agents.coder names no model at all"),
        ("  agent: {}", "line 19: codelab: Object contains unknown field `agent`"),
        ("  agent: {}", "(did you mean 'agents'?)"),
        ("  default: 3", "line 19: codelab.default: Expected `str`, got `int`"),
        ("  aliases: {smart: local}", "line 19: codelab.aliases.smart is the name of a model"),
        ("  aliases: {a: b, b: a}", "line 19: codelab.aliases.a leads round in a circle"),
        ("  aliases: {a: lokal}", "codelab.aliases.a names the model 'lokal'"),
        ("  fallbacks: {local: [smart, y]}", "line 19: codelab.fallbacks.local[1] names"),
        ("  default: vectors", "codelab.default names 'vectors', which only turns texts"),
    ],
)
def test_what_is_wrong_is_named_with_its_line(tmp_path: Path, text: str, sentence: str) -> None:
    lines = WHOLE.replace("  - model_name: quick", f"{VECTORS}  - model_name: quick")
    head = lines.partition("codelab:")[0]
    with pytest.raises(CatalogueInvalid) as caught:
        read(tmp_path, f"{head}codelab:\n{text}\n")
    assert caught.value.message.startswith("models.yaml, line ")
    assert sentence in caught.value.message


def test_aliases_mean_their_model_everywhere(tmp_path: Path) -> None:
    text = (
        WHOLE.partition("codelab:")[0]
        + """
router_settings:
  model_group_alias: {gpt-4o: quick, old: {model: gpt-4o, hidden: true}}
codelab:
  aliases: {sonnet: smart}
  agents: {coder: [sonnet, old, local], ask: old}
  roles: {fast: old}
  fallbacks: {sonnet: [gpt-4o]}
  default: sonnet
"""
    )
    catalogue = read(tmp_path, text)
    assert catalogue.aliases == {"gpt-4o": "quick", "old": "quick", "sonnet": "smart"}
    assert catalogue.entry("old").name == "quick"
    assert catalogue.choose(ModelRole.FAST) == "quick"
    assert catalogue.choose(ModelRole.CODING, "coder") == catalogue.default == "smart"
    assert catalogue.chain("sonnet", "coder") == ("smart", "quick", "local")
    assert catalogue.chain("sonnet") == ("smart", "quick")
    # An agent with one model of its own has that model's chain.
    assert catalogue.chain("old", "ask") == catalogue.chain("quick")


@given(st.data())
def test_a_chain_starts_where_it_is_asked_to_and_names_each_model_once(data: st.DataObject) -> None:
    names = data.draw(st.lists(st.sampled_from("abcdef"), min_size=1, unique=True))
    pairs = st.dictionaries(st.sampled_from(["p", "q", "r"]), st.sampled_from(names))
    aliases = data.draw(pairs)
    known = st.sampled_from([*names, *aliases])
    coder = data.draw(st.lists(known, min_size=2))
    section = {
        "aliases": aliases,
        "agents": {"coder": coder},
        "fallbacks": data.draw(
            st.lists(known) | st.dictionaries(st.sampled_from(names), st.lists(known))
        ),
    }
    catalogue = build_catalogue(
        {"model_list": [entry(name) for name in names], "codelab": section}, "f"
    )
    asked = data.draw(known)
    for agent in (None, "coder", "ask"):
        chain = catalogue.chain(asked, agent)
        assert chain[0] == catalogue.entry(asked).name
        assert len(set(chain)) == len(chain)
        assert set(chain) <= set(catalogue.entries)
    own = [catalogue.entry(name).name for name in coder]
    first = catalogue.entry(asked).name
    # What a user has chosen instead of the agent's models goes to none of them.
    expected = own[own.index(first) :] if first in own else catalogue.chain(first)
    assert catalogue.chain(asked, "coder") == tuple(dict.fromkeys(expected))


def test_a_model_of_vectors_serves_no_agent_and_abilities_are_told(tmp_path: Path) -> None:
    text = WHOLE.partition("codelab:")[0].replace("model_list:\n", f"model_list:\n{VECTORS}")
    catalogue = read(tmp_path, text)
    infos = {info.name: info for info in catalogue.offered(read_price_list())}
    assert infos["vectors"].kind == "embedding"
    assert infos["smart"].kind == "chat"
    assert infos["smart"].tools
    assert infos["smart"].images
    assert infos["smart"].reasoning
    assert "vectors" not in {catalogue.choose(role) for role in ModelRole}


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(CatalogueInvalid, match=r"models.yaml is not valid YAML \(line 2\)"):
        read(tmp_path, "a: 1\n  b: [")
    with pytest.raises(CatalogueInvalid, match=r"gone.yaml cannot be read: No such file"):
        read_models_file(tmp_path / "gone.yaml")


def test_an_error_shows_no_key(tmp_path: Path) -> None:
    with pytest.raises(CatalogueInvalid) as caught:
        build_catalogue({"model_list": [entry(api_key="sk-secret", model=[])]}, "f")
    assert "sk-secret" not in caught.value.message


def test_every_preferred_model_is_in_litellm_s_list() -> None:
    prices = read_price_list()
    assert len(prices) > 1000
    for provider, tiers in PREFERRED.items():
        for name in (name for tier in tiers for name in tier):
            assert prices[name].mode == "chat", (provider, name)


@pytest.mark.parametrize("provider", PREFERRED)
def test_the_best_of_what_exists_is_picked(provider: str) -> None:
    newest = pick(provider, None)
    assert newest[ModelRole.REASONING] == PREFERRED[provider][0][0]
    assert newest[ModelRole.FAST] == PREFERRED[provider][2][0]
    oldest = PREFERRED[provider][2][-1]
    assert set(pick(provider, [oldest]).values()) == {oldest}
    assert pick(provider, ["something-else"]) == {}


def test_the_file_may_name_models_that_plugins_bring() -> None:
    document = {"model_list": [entry("a")], "codelab": {"fallbacks": ["tiny"], "default": "tiny"}}
    catalogue = build_catalogue(document, "models.yaml", ["tiny"])
    assert (catalogue.chain("a"), catalogue.default) == (("a", "tiny"), "tiny")
    with pytest.raises(CatalogueInvalid, match="'tiny', which model_list does not have"):
        build_catalogue(document, "models.yaml", ["other"])


@pytest.mark.parametrize("told", [{}, {"model_info": {"mode": "embedding"}}])
def test_no_role_goes_to_a_model_that_makes_vectors(told: dict[str, Any]) -> None:
    name = "openai/vectors-small" if told else "openai/text-embedding-small"
    vectors = entry("vectors", model=name) | told
    catalogue = build_catalogue({"model_list": [vectors, entry("a")]}, "f")
    assert {catalogue.choose(role) for role in ModelRole} == {"a"}


OPEN = """
model_list:
  - model_name: home/*
    litellm_params: {model: ollama_chat/*, api_base: "http://127.0.0.1:11434", num_ctx: 8192}
  - model_name: home/written
    litellm_params: {model: openai/gpt-x}
codelab:
  aliases: {mine: home/qwen3}
  roles: {fast: mine, coding: home/qwen3}
"""


def test_a_star_stands_for_what_is_listed_and_for_what_the_file_names() -> None:
    catalogue = build_catalogue(
        yaml.safe_load(OPEN),
        "models.yaml",
        lines=lines_of(OPEN),
        listed=lambda entry: ("llama3:8b", "written", "nomic-embed-text"),
    )
    assert list(catalogue.entries) == [
        "home/llama3:8b",
        "home/nomic-embed-text",
        "home/qwen3",
        "home/written",
    ]
    llama = catalogue.entry("home/llama3:8b")
    assert (llama.model, llama.params["num_ctx"]) == ("ollama_chat/llama3:8b", 8192)
    vectors = catalogue.entry("home/nomic-embed-text")
    assert (vectors.model, vectors.is_embedding) == ("ollama/nomic-embed-text", True)
    assert catalogue.entry("home/written").model == "openai/gpt-x"
    assert catalogue.choose(ModelRole.FAST) == "home/qwen3"
    assert catalogue.origins["home/llama3:8b"] == "models.yaml, line 3"
    assert catalogue.origins["home/written"] == "models.yaml, line 5"


@pytest.mark.parametrize(
    ("name", "model", "sentence"),
    [
        ("x/*", "openai/*", "A * stands for Ollama's models only"),
        ("x/*", "ollama_chat/qwen*", "A * stands for Ollama's models only"),
        ("x*", "openai/gpt-x", "A * stands for Ollama's models only"),
        ("x", "ollama_chat/*", "Expected one * for the names"),
        ("*/*", "ollama_chat/*", "Expected one * for the names"),
    ],
)
def test_other_stars_are_refused_with_their_line(
    name: str, model: str, sentence: str, tmp_path: Path
) -> None:
    text = f'model_list:\n  - model_name: "{name}"\n    litellm_params: {{model: "{model}"}}\n'
    with pytest.raises(CatalogueInvalid, match=r"line [23]") as caught:
        read(tmp_path, text)
    assert sentence in caught.value.message


def test_a_key_that_stands_twice_is_refused_with_its_line(tmp_path: Path) -> None:
    text = "model_list: []\ncodelab:\n  default: a\n  default: b\n"
    with pytest.raises(CatalogueInvalid, match=r"line 4.*'default' stands twice"):
        read(tmp_path, text)


@pytest.mark.parametrize(
    ("section", "line", "place"),
    [
        ("  agents:\n    ask: a\n    coder: 3\n", 6, "codelab.agents.coder"),
        ("  fallbacks:\n    a: [a]\n    b: 7\n", 6, "codelab.fallbacks.b"),
        ("  agents:\n    ask: a\n    coder: [a, 3]\n", 6, "codelab.agents.coder[1]"),
    ],
)
def test_a_wrong_value_in_a_map_is_named_with_its_key_and_line(
    section: str, line: int, place: str, tmp_path: Path
) -> None:
    text = (
        "model_list:\n  - {model_name: a, litellm_params: {model: openai/x}}\n"
        f"codelab:\n{section}"
    )
    with pytest.raises(CatalogueInvalid) as caught:
        read(tmp_path, text)
    assert f"line {line}: {place}: Expected" in caught.value.message

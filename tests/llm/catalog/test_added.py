"""What a model may be that is added while the server runs."""

from __future__ import annotations

from typing import Any

import pytest

from codelab.kit.errors import InvalidInput
from codelab.llm.catalog.added import (
    SET,
    AddedModel,
    build_entry,
    changed,
    check_info,
    check_name,
    check_params,
    shown,
)
from codelab.llm.catalog.entries import Catalogue, ModelEntry
from codelab.llm.providers.addresses import NOTHING

KEY = "sk-of-the-gateway"
WHOLE: dict[str, Any] = {
    "model": "openai/gpt-5",
    "api_base": "https://models.example.com/v1",
    "api_key": KEY,
    "temperature": 0.5,
    "top_p": 1,
    "max_tokens": 4096,
    "num_ctx": 8192,
    "reasoning_effort": "low",
    "extra_headers": {"X-Team": "compilers"},
}


def test_everything_that_is_allowed_is_allowed_together() -> None:
    check_params(WHOLE, NOTHING)
    entry = build_entry(AddedModel(name="mine", params=WHOLE, info={}))
    assert entry.guarded
    assert (entry.name, entry.model, entry.provider) == ("mine", "openai/gpt-5", "openai")
    assert entry.resolved() == {name: WHOLE[name] for name in WHOLE if name != "model"}
    assert KEY not in repr(entry)
    assert "compilers" not in repr(entry)


def test_a_model_at_its_provider_s_own_address_is_any_provider_s() -> None:
    params = {"model": "gemini/gemini-3-pro", "api_key": KEY}
    check_params(params, NOTHING)
    assert not build_entry(AddedModel(name="mine", params=params, info={})).guarded


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("model", "gpt-5"),
        ("model", ""),
        ("model", 5),
        ("model", "huggingface/https://inner.example.com"),
        ("model", "openai/gpt 5"),
        ("model", "os.environ/MODEL"),
        ("api_key", "os.environ/OPENAI_API_KEY"),
        ("api_key", "two\r\nlines"),
        ("api_key", ""),
        ("api_key", SET),
        ("api_key", {"a": 1}),
        ("api_base", "http://127.0.0.1:8080/v1"),
        ("api_base", "os.environ/OPENAI_BASE_URL"),
        ("api_base", ["https://models.example.com"]),
        ("api_base", ""),
        ("api_base", None),
        ("base_url", "https://models.example.com/v1"),
        ("azure_ad_token", "x"),
        ("aws_bedrock_runtime_endpoint", "http://169.254.169.254"),
        ("vertex_credentials", "/etc/passwd"),
        ("mock_response", "hello"),
        ("temperature", 3),
        ("temperature", True),
        ("temperature", "0.5"),
        ("max_tokens", 0),
        ("num_ctx", 1.5),
        ("reasoning_effort", "os.environ/EFFORT"),
        ("reasoning_effort", {}),
        ("extra_headers", {"Authorization": "Bearer x"}),
        ("extra_headers", {"HOST": "inner"}),
        ("extra_headers", {"X-Key": "os.environ/OPENAI_API_KEY"}),
        ("extra_headers", {"X-Key": "a\nb"}),
        ("extra_headers", {"X Key": "a"}),
        ("extra_headers", {"X-Key": 1}),
        ("extra_headers", "X-Key: a"),
    ],
)
def test_everything_else_is_refused_by_its_name(field: str, value: Any) -> None:
    with pytest.raises(InvalidInput) as caught:
        check_params({**WHOLE, field: value}, NOTHING)
    assert caught.value.field == f"litellm_params.{field}"
    assert KEY not in caught.value.message


def test_only_providers_that_we_read_ourselves_may_have_an_address() -> None:
    for model in ("openai/x", "anthropic/x", "ollama_chat/x"):
        check_params({**WHOLE, "model": model}, NOTHING)
    for model in ("azure/x", "gemini/x", "ollama/x", "hosted_vllm/x", "litellm_proxy/x"):
        with pytest.raises(InvalidInput, match="openai/…") as caught:
            check_params({**WHOLE, "model": model}, NOTHING)
        assert caught.value.field == "litellm_params.api_base"


def test_a_model_is_needed() -> None:
    with pytest.raises(InvalidInput, match="missing"):
        check_params({"api_key": KEY}, NOTHING)


@pytest.mark.parametrize("name", ["", "-x", "a/b", "a b", "x" * 101, "ü", "a\n"])
def test_names_fit_into_a_path(name: str) -> None:
    check_name("Team-4:large@eu.v2_1")
    with pytest.raises(InvalidInput):
        check_name(name)


@pytest.mark.parametrize("info", [{"a": [1]}, {"a": {}}, {"a": "os.environ/X"}, {"a": "x" * 5000}])
def test_what_is_known_of_a_model_is_plain(info: dict[str, Any]) -> None:
    check_info({"input_cost_per_token": 1e-6, "description": "Ours.", "max_input_tokens": 8192})
    with pytest.raises(InvalidInput):
        check_info(info)


def test_secrets_are_written_and_not_read() -> None:
    document = shown(WHOLE)
    assert document["api_key"] == document["extra_headers"] == SET
    assert document["api_base"] == WHOLE["api_base"]
    assert changed(WHOLE, document) == WHOLE


def test_a_change_names_what_changes() -> None:
    after = changed(WHOLE, {"temperature": None, "max_tokens": 10, "model": "openai/gpt-6"})
    assert after == {
        **{name: value for name, value in WHOLE.items() if name != "temperature"},
        "max_tokens": 10,
        "model": "openai/gpt-6",
    }


@pytest.mark.parametrize(
    "change",
    [
        {"api_base": "https://models.example.org/v1"},
        {"api_base": None},
        {"model": "anthropic/claude"},
        {"api_base": "https://models.example.org/v1", "api_key": SET},
        {"api_base": "https://models.example.org/v1", "api_key": "new"},
    ],
)
def test_a_stored_secret_does_not_follow_to_another_address(change: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput, match="again"):
        changed(WHOLE, change)
    fresh = {"api_key": "new", "extra_headers": None}
    assert changed(WHOLE, {**change, **fresh})["api_key"] == "new"


def test_added_models_stand_behind_the_file_s_and_never_in_their_place() -> None:
    own = ModelEntry(name="a", model="openai/own")
    added = {
        "a": ModelEntry(name="a", model="openai/added"),
        "b": ModelEntry(name="b", model="openai/b"),
    }
    merged = Catalogue(entries={"a": own}).with_added(added)
    assert list(merged.entries) == ["a", "b"]
    assert merged.entries["a"] is own

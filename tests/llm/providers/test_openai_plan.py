"""litellm's translation for providers that speak OpenAI's wire: addresses, keys and quirks."""

from __future__ import annotations

import socket
from typing import Any

import msgspec
import pytest

from codelab.llm.catalog.entries import ModelEntry, hide
from codelab.llm.providers.litellm_library import LiteLLM
from codelab.llm.providers.openai_plan import build_call, build_direct, make_plan
from codelab.sdk.model import ModelRequest
from tests.llm.layer import ASK, READ_FILE

pytestmark = pytest.mark.filterwarnings("default")

REQUEST = ModelRequest(
    model="m", messages=ASK, tools=(READ_FILE,), max_output_tokens=99, temperature=0.3
)


@pytest.fixture
async def litellm() -> Any:
    return await LiteLLM().load()


def entry(model: str, **params: Any) -> ModelEntry:
    return ModelEntry(name="m", model=model, params=hide({"api_key": "sk-mine", **params}))


def body_of(call: Any) -> dict[str, Any]:
    document: dict[str, Any] = msgspec.json.decode(call.body)
    return document


@pytest.mark.parametrize(
    ("model", "host", "path"),
    [
        ("openai/gpt-4.1", "api.openai.com", "/v1/chat/completions"),
        ("gpt-4.1", "api.openai.com", "/v1/chat/completions"),
        ("openrouter/meta/llama-3", "openrouter.ai", "/api/v1/chat/completions"),
        ("groq/llama-3.3-70b-versatile", "api.groq.com", "/openai/v1/chat/completions"),
        ("mistral/mistral-large-latest", "api.mistral.ai", "/v1/chat/completions"),
        ("deepseek/deepseek-chat", "api.deepseek.com", "/beta/chat/completions"),
        ("xai/grok-4", "api.x.ai", "/v1/chat/completions"),
        ("together_ai/some/model", "api.together.ai", "/v1/chat/completions"),
    ],
)
def test_providers_that_speak_openai_s_wire_are_read_by_us(
    litellm: Any, model: str, host: str, path: str
) -> None:
    plan = make_plan(litellm, entry(model))
    assert plan is not None
    call = build_call(litellm, plan, entry(model), REQUEST)
    assert call is not None
    assert (call.target.address.host, call.target.path) == (host, path)
    assert call.target.address.tls
    assert call.headers["Authorization"] == "Bearer sk-mine"
    body = body_of(call)
    assert body["stream"] is True
    assert body["messages"][-1] == {"role": "user", "content": "Hello?"}
    assert body["tools"][0]["function"]["name"] == "read_file"
    assert "sk-mine" not in repr(call)


@pytest.mark.parametrize(
    "model",
    [
        "gemini/gemini-2.5-pro",
        "bedrock/anthropic.claude-v2",
        "azure/my-deployment",
        "cohere/command-r",
    ],
)
def test_other_wires_are_left_to_litellm(litellm: Any, model: str) -> None:
    assert make_plan(litellm, entry(model, api_base="https://host.example")) is None


def test_parameters_that_change_the_transport_are_left_to_litellm(litellm: Any) -> None:
    assert make_plan(litellm, entry("openai/x", api_base="http://h/v1", ssl_verify=False)) is None
    assert make_plan(litellm, entry("openai/x", api_base="http://user:pw@h/v1")) is None


def test_a_request_that_only_openai_s_other_interface_takes_is_left_to_litellm(
    litellm: Any,
) -> None:
    newest = entry("openai/gpt-5.5")
    plan = make_plan(litellm, newest)
    assert plan is not None
    assert build_call(litellm, plan, newest, REQUEST) is None
    without_tools = msgspec.structs.replace(REQUEST, tools=())
    assert build_call(litellm, plan, newest, without_tools) is not None


def test_what_a_model_does_not_take_is_translated_or_dropped(litellm: Any) -> None:
    reasoning = entry("openai/o3")
    plan = make_plan(litellm, reasoning)
    assert plan is not None
    body = body_of(build_call(litellm, plan, reasoning, REQUEST))
    assert body["max_completion_tokens"] == 99
    assert "max_tokens" not in body
    assert "temperature" not in body


def test_parameters_of_the_models_file_reach_the_provider(litellm: Any) -> None:
    given = entry(
        "hosted_vllm/mine",
        api_base="http://gpu:8000/v1",
        top_p=0.9,
        extra_headers={"X-Team": "a"},
        extra_body={"chat_template_kwargs": {"thinking": True}},
        rpm=5,
    )
    plan = make_plan(litellm, given)
    assert plan is not None
    call = build_call(litellm, plan, given, REQUEST)
    assert call is not None
    body = body_of(call)
    assert body["top_p"] == 0.9
    assert body["chat_template_kwargs"] == {"thinking": True}
    assert call.headers["X-Team"] == "a"
    assert not {"rpm", "api_base", "api_key", "extra_headers", "extra_body"} & body.keys()


@pytest.mark.parametrize("early", [True, False])
def test_a_key_from_the_environment_goes_to_its_own_provider_only(
    litellm: Any, monkeypatch: pytest.MonkeyPatch, early: bool
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-from-environment")
    elsewhere = ModelEntry(
        name="m", model="openai/mine", params={"api_base": "http://elsewhere.example/v1"}
    )
    if early:
        call = build_direct(elsewhere, REQUEST)
    else:
        plan = make_plan(litellm, elsewhere)
        assert plan is not None
        call = build_call(litellm, plan, elsewhere, REQUEST)
    assert call is not None
    assert "sk-from-environment" not in str(call.headers)
    if not early:
        home = ModelEntry(name="m", model="openai/gpt-4.1")
        plan = make_plan(litellm, home)
        assert plan is not None
        call = build_call(litellm, plan, home, REQUEST)
        assert call is not None
        assert call.headers["Authorization"] == "Bearer sk-from-environment"


def test_only_plain_servers_are_served_before_litellm_is_there() -> None:
    assert build_direct(entry("openai/mine", api_base="http://gpu/v1"), REQUEST) is not None
    for other in (
        entry("openai/gpt-4.1"),
        entry("openai/gpt-4.1", api_base="https://api.openai.com/v1"),
        entry("anthropic/claude-opus-5", api_base="http://gpu/v1"),
        entry("openai/mine", api_base="http://gpu/v1", top_k=3),
    ):
        assert build_direct(other, REQUEST) is None


def test_anthropic_s_and_ollama_s_own_wires_are_read_by_us_too(
    litellm: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("ANTHROPIC_BASE_URL", raising=False)
    claude = entry(
        "anthropic/claude-sonnet-4-6", thinking={"type": "enabled", "budget_tokens": 2000}
    )
    plan = make_plan(litellm, claude)
    assert plan is not None
    assert plan.target.address.host == "api.anthropic.com"
    call = build_call(litellm, plan, claude, REQUEST)
    assert call is not None
    assert (call.wire, call.target.path) == ("anthropic", "/v1/messages")
    body = body_of(call)
    assert (body["stream"], body["max_tokens"]) == (True, 99)
    assert body["system"][0]["text"] == "You help."
    assert body["tools"][0]["name"] == "read_file"
    # The two do not go together there.
    assert "thinking" in body
    assert "temperature" not in body
    assert len({name.lower() for name in call.headers}) == len(call.headers)

    llama = entry("ollama_chat/llama3", api_base="http://gpu:11434", num_ctx=4096)
    plan = make_plan(litellm, llama)
    assert plan is not None
    call = build_call(litellm, plan, llama, REQUEST)
    assert call is not None
    assert (call.wire, call.target.path) == ("ollama", "/api/chat")
    assert body_of(call)["options"] == {"num_ctx": 4096, "num_predict": 99, "temperature": 0.3}


def test_nobody_is_asked_while_a_request_is_written(
    litellm: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as ollama:
        ollama.setblocking(False)
        base = f"http://127.0.0.1:{ollama.getsockname()[1]}"
        monkeypatch.setenv("OLLAMA_API_BASE", base)
        for model in ("ollama_chat/unheard-of", "anthropic/claude-unheard-of"):
            given = entry(model, api_base=base)
            plan = make_plan(litellm, given)
            assert plan is not None
            assert build_call(litellm, plan, given, REQUEST) is not None
        with pytest.raises(BlockingIOError):
            ollama.accept()


def test_anthropic_s_key_from_the_environment_stays_at_home(
    litellm: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-from-environment")
    elsewhere = ModelEntry(
        name="m", model="anthropic/mine", params={"api_base": "http://elsewhere.example"}
    )
    plan = make_plan(litellm, elsewhere)
    assert plan is not None
    call = build_call(litellm, plan, elsewhere, REQUEST)
    assert call is not None
    assert "sk-from-environment" not in str(call.headers)


def test_an_answer_that_only_litellm_can_translate_back_is_left_to_it(litellm: Any) -> None:
    claude = entry("anthropic/claude-sonnet-4-6")
    plan = make_plan(litellm, claude)
    assert plan is not None
    odd = msgspec.structs.replace(READ_FILE, name="files.read/one")
    request = msgspec.structs.replace(REQUEST, tools=(odd,))
    assert build_call(litellm, plan, claude, request) is None

"""A provider's key goes to that provider's address and nowhere else, whoever would send it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from codelab.llm.api import Attribution, Models
from codelab.llm.errors import ModelError
from codelab.llm.providers.embeddings import embedding_request
from codelab.llm.providers.key_destinations import own_headers
from tests.llm.layer import Layer, ask

WHOSE = Attribution(user_id="", session_id="", turn_id="", agent="")
SECRETS = {
    name: f"sk-of-the-environment-{name.lower()}"
    for name in (
        *("OPENAI_API_KEY", "ANTHROPIC_API_KEY", "GEMINI_API_KEY", "GOOGLE_API_KEY"),
        *("COHERE_API_KEY", "CO_API_KEY", "MISTRAL_API_KEY", "OPENROUTER_API_KEY"),
        *("OLLAMA_API_KEY", "GROQ_API_KEY", "VOYAGE_API_KEY", "DEEPSEEK_API_KEY"),
    )
}


class Listener:
    """A server at which nobody's key is of any use; keeps all that it is sent."""

    def __init__(self) -> None:
        self.url = ""
        self.heard: list[str] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        length = next(
            int(line.split(":")[1])
            for line in head.lower().splitlines()
            if line.startswith("content-length")
        )
        self.heard.append(head + (await reader.readexactly(length)).decode())
        body = b'{"error": {"message": "No."}}'
        start = "HTTP/1.1 403 Forbidden\r\nContent-Type: application/json\r\nConnection: close"
        writer.write(f"{start}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body)
        writer.close()


@pytest.fixture
async def listener() -> AsyncIterator[Listener]:
    made = Listener()
    server = await asyncio.start_server(made.serve, "127.0.0.1", 0)
    made.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    yield made
    server.close()


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """An environment that is full of keys."""
    for name, secret in SECRETS.items():
        monkeypatch.setenv(name, secret)
    for name in ("OPENAI_BASE_URL", "OPENAI_API_BASE", "ANTHROPIC_BASE_URL", "ANTHROPIC_API_BASE"):
        monkeypatch.delenv(name, raising=False)


def entry(model: str, **params: Any) -> dict[str, Any]:
    return {"model_name": "it", "litellm_params": {"model": model, **params}}


async def embed(models: Models) -> None:
    await models.try_out(embedding_request("it", ["A text."], None), lambda delta: None, WHOSE)


@pytest.mark.parametrize(
    ("model", "params"),
    [
        ("openai/gpt-5", {}),
        # What only litellm can translate, so that it is loaded.
        ("openai/gpt-5", {"temperature": 1}),
        ("anthropic/claude-sonnet-4-6", {}),
        ("ollama_chat/qwen3", {}),
        ("openrouter/x", {}),
        ("mistral/mistral-large", {}),
        ("groq/llama", {}),
        ("deepseek/deepseek-chat", {}),
        # Rare ones, whose requests litellm writes to the last.
        ("gemini/gemini-2.5-pro", {}),
        ("cohere_chat/command-r", {}),
    ],
)
async def test_an_address_of_one_s_own_gets_no_key_from_the_environment(
    layer: Layer, listener: Listener, model: str, params: dict[str, Any]
) -> None:
    models = layer.build(entry(model, api_base=listener.url, **params))
    with pytest.raises(ModelError):
        await ask(models, "it")
    assert listener.heard
    assert "sk-of-the-environment" not in "".join(listener.heard)
    own = layer.build(entry(model, api_base=listener.url, api_key="sk-its-own", **params))
    listener.heard.clear()
    with pytest.raises(ModelError):
        await ask(own, "it")
    assert "sk-its-own" in "".join(listener.heard)


@pytest.mark.parametrize("model", ["openai/text-embedding-3-small", "voyage/voyage-3"])
async def test_nor_do_requests_for_vectors(layer: Layer, listener: Listener, model: str) -> None:
    with pytest.raises(ModelError):
        await embed(layer.build(entry(model, api_base=listener.url)))
    assert listener.heard
    assert "sk-of-the-environment" not in "".join(listener.heard)


@pytest.mark.parametrize(
    ("variable", "model"),
    [("OPENAI_BASE_URL", "openai/gpt-5"), ("ANTHROPIC_BASE_URL", "anthropic/claude-sonnet-4-6")],
)
async def test_the_address_that_the_environment_names_gets_the_key(
    layer: Layer,
    listener: Listener,
    monkeypatch: pytest.MonkeyPatch,
    variable: str,
    model: str,
) -> None:
    monkeypatch.setenv(variable, listener.url)
    with pytest.raises(ModelError):
        await ask(layer.build(entry(model)), "it")
    assert SECRETS[variable.replace("BASE_URL", "API_KEY")] in listener.heard[0]


async def test_it_gets_the_key_for_vectors_too(
    layer: Layer, listener: Listener, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", listener.url)
    with pytest.raises(ModelError):
        await embed(layer.build(entry("openai/text-embedding-3-small")))
    assert SECRETS["OPENAI_API_KEY"] in listener.heard[0]


def test_headers_that_an_entry_names_itself_are_its_own() -> None:
    params = {"api_base": "http://x", "extra_headers": {"Authorization": "Basic own"}}
    headers = {"authorization": "Basic own", "X-Api-Key": "none", "X-Other": "1"}
    assert own_headers(headers, params) == {"authorization": "Basic own", "X-Other": "1"}
    keyed = {"api_base": "http://x", "api_key": "k"}
    assert own_headers(headers, keyed) == headers
    assert own_headers(headers, {}) == headers

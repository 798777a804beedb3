"""A provider's key goes to that provider's configured address and nowhere else."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from codelab.llm.errors import ModelError
from tests.llm.layer import Layer, ask

# litellm warns of its own code; raised as errors, these warnings would break it from within.
pytestmark = pytest.mark.filterwarnings("default")

SECRET = "sk-only-for-its-own-provider"
MODELS = [
    "openai/gpt-x",
    "anthropic/claude-sonnet-5",
    "groq/qwen-x",
    "mistral/mistral-large",
    "deepseek/deepseek-chat",
    "openrouter/some/model",
    "xai/grok-3",
    "fireworks_ai/qwen-x",
    "together_ai/qwen-x",
    "cohere_chat/command-r",
    "gemini/gemini-2.5-flash",
    "ollama_chat/qwen-x",
]
VARIABLES = [f"{model.partition('/')[0].upper()}_API_KEY" for model in MODELS] + [
    *("CO_API_KEY", "COHERE_API_KEY", "GOOGLE_API_KEY", "TOGETHERAI_API_KEY"),
    *("OR_API_KEY", "OLLAMA_API_KEY", "TOGETHER_AI_TOKEN", "ANTHROPIC_AUTH_TOKEN"),
]


class Stranger:
    """A server that notes every byte it is sent and refuses everything."""

    def __init__(self) -> None:
        self.url = ""
        self.heard = bytearray()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Refuse one request."""
        self.heard += await reader.read(65536)
        writer.write(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 2\r\n\r\n{}")
        await writer.drain()
        writer.close()


@pytest.fixture
async def stranger() -> AsyncIterator[Stranger]:
    """A server that is nobody's provider."""
    made = Stranger()
    server = await asyncio.start_server(made.serve, "127.0.0.1", 0)
    made.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    yield made
    server.close()


@pytest.mark.parametrize("model", MODELS)
async def test_no_key_of_the_environment_goes_to_an_address_of_the_entry(
    layer: Layer, stranger: Stranger, monkeypatch: pytest.MonkeyPatch, model: str
) -> None:
    for variable in VARIABLES:
        monkeypatch.setenv(variable, SECRET)
    params = {"model": model, "api_base": stranger.url}
    models = layer.build({"model_name": "keyless", "litellm_params": params})
    await models.warm_up()
    with pytest.raises(ModelError):
        await ask(models, "keyless")
    assert stranger.heard
    assert SECRET.encode() not in stranger.heard

"""A server that sends us on to another gets no key to go there."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from codelab.llm.api import Attribution, Models
from codelab.llm.errors import ModelError
from codelab.llm.providers.embeddings import embedding_request
from tests.llm.layer import Layer, ask

# litellm warns of its own code; raised as errors, these warnings would break it from within.
pytestmark = pytest.mark.filterwarnings("default")

KEY = "sk-of-the-first-server"


class Redirecting:
    """A server that sends everybody on to a second one, which keeps what comes."""

    def __init__(self) -> None:
        self.url = ""
        self.elsewhere = ""
        self.asked: list[str] = []
        self.arrived: list[str] = []

    async def send_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer with the other server's address."""
        self.asked.append((await reader.read(65536)).decode("latin-1"))
        start = f"HTTP/1.1 307 Elsewhere\r\nLocation: {self.elsewhere}/taken"
        writer.write(f"{start}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n".encode())
        await writer.drain()
        writer.close()

    async def keep(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Keep a request."""
        self.arrived.append((await reader.read(65536)).decode("latin-1"))
        writer.close()


@pytest.fixture
async def redirecting() -> AsyncIterator[Redirecting]:
    """Both servers."""
    made = Redirecting()
    first = await asyncio.start_server(made.send_on, "127.0.0.1", 0)
    second = await asyncio.start_server(made.keep, "127.0.0.1", 0)
    made.url, made.elsewhere = (
        f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}" for server in (first, second)
    )
    yield made
    first.close()
    second.close()


def built(layer: Layer, redirecting: Redirecting, model: str) -> Models:
    """A model at the first server."""
    params = {"model": model, "api_base": redirecting.url, "api_key": KEY}
    if model.startswith("azure/"):
        params["api_version"] = "2024-06-01"
    return layer.build({"model_name": "it", "litellm_params": params})


@pytest.mark.parametrize(
    "model",
    [
        "azure/gpt-x",
        "text-completion-openai/gpt-x",
        "watsonx_text/some/model",
        "databricks/some-model",
        "gemini/gemini-2.5-flash",
        "cohere_chat/command-r",
        "openai/gpt-x",
        "anthropic/claude-sonnet-4-6",
    ],
)
async def test_no_question_goes_on(layer: Layer, redirecting: Redirecting, model: str) -> None:
    with pytest.raises(ModelError):
        await ask(built(layer, redirecting, model), "it")
    assert redirecting.arrived == []
    if model.startswith(("azure", "gemini", "cohere", "openai")):
        assert KEY in "".join(redirecting.asked)


@pytest.mark.parametrize(
    "model", ["azure/embedding-x", "voyage/voyage-3", "openai/text-embedding-3-small"]
)
async def test_nor_does_a_request_for_vectors(
    layer: Layer, redirecting: Redirecting, model: str
) -> None:
    models = built(layer, redirecting, model)
    with pytest.raises(ModelError):
        await models.try_out(
            embedding_request("it", ["A text."], None), lambda delta: None, Attribution()
        )
    assert redirecting.arrived == []
    assert KEY in "".join(redirecting.asked)


async def test_the_caller_is_told_what_to_do(layer: Layer, redirecting: Redirecting) -> None:
    with pytest.raises(ModelError, match="sends us on to another address"):
        await ask(built(layer, redirecting, "azure/gpt-x"), "it")

"""docs/models.md: each model of each example answers over its own wire."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
import yaml

from codelab.llm.service import Models
from tests.conventions.documents import Example, examples
from tests.llm.layer import Layer, ask
from tests.model_server.script import Reply

EXAMPLES = list(examples("models.md", "yaml"))
PATHS = {
    "openai": "/v1/chat/completions",
    "anthropic": "/v1/messages",
    "ollama_chat": "/api/chat",
}
SERVER_ERROR = Reply(status=500, repeat=True)


class Place(msgspec.Struct, frozen=True):
    """A model of an example.

    Args:
        name: Its name in the example.
        path: Where its provider is asked.
        model: The provider's name for it.
        key: The key of its script.
    """

    name: str
    path: str
    model: str
    key: str


class Staged:
    """An example of the document whose providers are all the scripted server."""

    def __init__(self, example: Example, layer: Layer) -> None:
        document = yaml.safe_load(example.code)
        self.layer = layer
        self.ours: dict[str, Any] = document.get("codelab", {})
        self.entries: list[dict[str, Any]] = document["model_list"]
        self.places = [self._stage(number, entry) for number, entry in enumerate(self.entries)]

    async def open(self) -> Models:
        """Have every model answer with its own name, and make the layer."""
        for place in self.places:
            await self.script(place, Reply(text=f"I am {place.name}.", repeat=True))
        models = self.layer.build(*self.entries, ours=self.ours)
        await models.warm_up()
        return models

    async def script(self, place: Place, reply: Reply) -> None:
        """Set what a model answers."""
        await self.layer.script(reply, key=place.key)

    def _stage(self, number: int, entry: dict[str, Any]) -> Place:
        params = entry["litellm_params"]
        provider, _, model = params["model"].partition("/")
        name, key = entry["model_name"], f"{self.layer.key}-{number}"
        server = self.layer.server
        params["api_base"] = server.openai_url if provider == "openai" else server.url
        if provider != "ollama_chat":
            params["api_key"] = key
        elif model == "*":
            # The server has one model for each key, under this name.
            model = f"scripted-{key}:latest"
            name = name.replace("*", model)
        else:
            # Ollama takes no key: the server goes by the model's name.
            key = model
        return Place(name, PATHS[provider], model, key)


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.title)
async def test_every_model_of_the_example_is_asked_and_answers(
    example: Example, layer: Layer
) -> None:
    staged = Staged(example, layer)
    models = await staged.open()
    for place in staged.places:
        before = len(await layer.seen(place.key))
        answer = await ask(models, place.name)
        assert (answer.text, answer.model) == (f"I am {place.name}.", place.name)
        [seen] = (await layer.seen(place.key))[before:]
        assert (seen.path, seen.body["model"]) == (place.path, place.model)


CHAINS = [example for example in EXAMPLES if "fallbacks:" in example.code]


@pytest.mark.parametrize("example", CHAINS, ids=lambda example: example.title)
async def test_the_chain_is_followed_to_its_end(example: Example, layer: Layer) -> None:
    staged = Staged(example, layer)
    models = await staged.open()
    first, *following = staged.places
    failing = first
    for place in following:
        await staged.script(failing, SERVER_ERROR)
        answer = await ask(models, first.name)
        assert (answer.text, answer.model) == (f"I am {place.name}.", place.name)
        failing = place


def test_there_is_a_chain_to_follow() -> None:
    assert CHAINS

"""The models file is followed while the server runs: when it is read, and what a change does."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from codelab.llm.catalog.entries import Hidden
from codelab.llm.catalog.watching import Signature, Watched, look, signature_of
from codelab.llm.errors import CatalogueInvalid, ModelUnknown
from codelab.llm.service import Models
from codelab.sdk.agent import ModelRole
from tests.llm.layer import Heard, Layer, ask, eventually
from tests.model_server.process import ModelServer
from tests.model_server.script import Reply

# Two looks a second apart, and some patience with a busy machine.
WITHIN_S = 10.0
NOWHERE = {"OLLAMA_HOST": "http://127.0.0.1:9"}
STATES = st.one_of(
    st.none(), st.builds(Signature, mtime_ns=st.integers(0, 3), size=st.just(1), inode=st.just(1))
)


@given(start=STATES, looks=st.lists(STATES))
def test_a_file_is_read_when_it_rests_and_each_state_once(
    start: Signature | None, looks: list[Signature | None]
) -> None:
    watched, reads, seen = Watched(start, start), [start], [start]
    for now in looks:
        watched, due = look(watched, now)
        if due:
            assert seen[-1] == now, "it was read while it still changed"
            assert reads[-1] != now, "the same state was read twice in a row"
            reads.append(now)
        elif seen[-1] == now:
            assert reads[-1] == now, "a state at rest was left unread"
        seen.append(now)


def test_a_signature_follows_contents_replacement_and_removal(tmp_path: Path) -> None:
    path = tmp_path / "models.yaml"
    assert signature_of(path) is None
    path.write_text("a")
    first = signature_of(path)
    assert first == signature_of(path) is not None
    other = tmp_path / "other"
    other.write_text("b")
    other.replace(path)
    assert signature_of(path) not in (first, None)
    path.unlink()
    assert signature_of(path) is None


def test_hidden_values_are_equal_by_value_and_never_show() -> None:
    assert Hidden("sk-1") == Hidden("sk-1") != Hidden("sk-2")
    assert Hidden("sk-1") != "sk-1"
    assert len({Hidden({"a": 1}), Hidden({"a": 1})}) == 1
    assert "sk-1" not in repr(Hidden("sk-1"))


class Watching:
    """A models file and a layer that follows it."""

    def __init__(self, layer: Layer, path: Path) -> None:
        self.layer = layer
        self.path = path

    def write(self, *entries: dict[str, Any], by_rename: bool = False) -> None:
        """Put entries into the file."""
        text = yaml.safe_dump({"model_list": list(entries)})
        target = self.path.with_suffix(".new") if by_rename else self.path
        target.write_text(text)
        if by_rename:
            target.replace(self.path)

    async def start(self, **settings: Any) -> Models:
        """A layer that runs."""
        models = self.layer.build(models_file=self.path, environ=NOWHERE, **settings)
        await models.warm_up()
        return models

    async def offers(self, models: Models, *names: str) -> None:
        """Wait until these models are offered and no others."""

        async def holds() -> bool:
            return [info.name for info in models.catalogue()] == list(names)

        await eventually(holds, within_s=WITHIN_S)


@pytest.fixture
def watching(layer: Layer, tmp_path: Path) -> Watching:
    return Watching(layer, tmp_path / "watched.yaml")


async def test_changed_replaced_and_what_did_not_change_stays(watching: Watching) -> None:
    layer = watching.layer
    a, b, c = (layer.entry("openai", name) for name in "abc")
    watching.write(a)
    models = await watching.start()
    await layer.script(Reply(text="One two three.", token_delay_s=1.5), Reply(text="Again."))
    heard = Heard()
    call = asyncio.create_task(ask(models, "a", heard))
    await heard.started.wait()
    watching.write(b, a)
    await watching.offers(models, "b", "a")
    watching.write(b, c, by_rename=True)
    await watching.offers(models, "b", "c")
    assert (await call).text == "One two three.", "a running call keeps its model"
    with pytest.raises(ModelUnknown):
        models.resolve(ModelRole.FAST, "a")
    assert (await ask(models, "c")).text == "Again."


async def test_a_broken_file_is_named_and_changes_nothing(watching: Watching) -> None:
    good = watching.layer.entry("openai", "a")
    watching.write(good)
    models = await watching.start()
    assert models.health().advice == ""
    watching.path.write_text("model_list:\n  - model_name: a\n    litellm_params: {modl: x}\n")

    async def complains() -> bool:
        return "line 3" in models.health().advice

    await eventually(complains, within_s=WITHIN_S)
    assert "model_list[0].litellm_params" in models.health().advice
    assert [info.name for info in models.catalogue()] == ["a"]
    assert models.health().configured
    watching.path.write_text("model_list: [")

    async def complains_anew() -> bool:
        return "not valid YAML (line 1)" in models.health().advice

    await eventually(complains_anew, within_s=WITHIN_S)
    watching.write(good)

    async def content() -> bool:
        return models.health().advice == ""

    await eventually(content, within_s=WITHIN_S)


async def test_a_file_may_come_and_go(watching: Watching) -> None:
    models = await watching.start(models_file_optional=True)
    assert models.catalogue() == []
    watching.write(watching.layer.entry("openai", "a"))
    await watching.offers(models, "a")
    watching.path.unlink()
    await watching.offers(models)
    assert not models.health().configured


async def test_a_file_that_was_named_may_not_go(watching: Watching) -> None:
    watching.write(watching.layer.entry("openai", "a"))
    models = await watching.start()
    watching.path.unlink()

    async def complains() -> bool:
        return "cannot be read" in models.health().advice

    await eventually(complains, within_s=WITHIN_S)
    assert models.health().models == ("a",)


async def test_at_the_start_a_broken_file_is_refused(watching: Watching) -> None:
    watching.path.write_text("model_list: 3")
    with pytest.raises(CatalogueInvalid):
        await watching.start(models_file_optional=True)


async def test_a_star_stands_for_whatever_ollama_has(watching: Watching) -> None:
    layer = watching.layer
    await layer.script(Reply(text="From Ollama."))
    open_entry = {
        "model_name": "home/*",
        "litellm_params": {
            "model": "ollama_chat/*",
            "api_base": layer.server.url,
            "num_ctx": 8192,
        },
    }
    watching.write(layer.entry("openai", "a"), open_entry)
    models = await watching.start()
    name = f"home/scripted-{layer.key}:latest"
    assert name in models.health().models
    assert "home/*" not in models.health().models
    assert (await ask(models, name)).text == "From Ollama."
    [seen] = await layer.seen()
    assert seen.body["options"]["num_ctx"] == 8192


@pytest.mark.parametrize("by_file", [True, False])
async def test_a_new_model_of_ollama_appears_and_an_ollama_that_is_away_is_remembered(
    layer: Layer, by_file: bool
) -> None:
    with ModelServer() as ollama:
        await ollama.script("old", [Reply(text="Old.")])
        params = {"model": "ollama_chat/*", "api_base": ollama.url}
        entries = [{"model_name": "ollama/*", "litellm_params": params}] if by_file else []
        models = layer.build(*entries, environ={"OLLAMA_HOST": ollama.url}, search_every_s=0.1)
        await models.warm_up()
        assert models.health().models == ("ollama/scripted-old:latest",)
        await ollama.script("new", [Reply(text="New.")])

        async def appears() -> bool:
            return "ollama/scripted-new:latest" in models.health().models

        await eventually(appears, within_s=WITHIN_S)
    known = models.health().models
    await asyncio.sleep(0.5)
    assert models.health().models == known
    assert len(known) == 2

"""Models that administrators add while the server runs, over real servers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
import sqlalchemy as sa

from codelab.kit.crypto import Cipher
from codelab.llm.api import AddedModels, Attribution, Models, parse_allowed
from codelab.llm.errors import ModelRefused, ModelUnknown
from codelab.llm.events import AddedModelEvent, ModelAdded, ModelChanged, ModelRemoved
from codelab.llm.models import llm_models
from codelab.llm.providers.embeddings import embedding_request
from tests.llm.conftest import add_user
from tests.llm.layer import Heard, Layer, ask, eventually, request
from tests.llm.served import Api, served
from tests.model_server.script import Reply

ROOT = "root admin"
WHOSE = Attribution(user_id="", session_id="", turn_id="", agent="")
CIPHER = Cipher(["a-secret-of-this-test"])


def build(layer: Layer, *entries: dict[str, Any], allowed: bool = True, **settings: Any) -> Models:
    places = parse_allowed(["127.0.0.1"] if allowed else [])
    added = AddedModels(layer.db, CIPHER, places, poll_s=0.05)
    return layer.build(*entries, added=added, allowed=places, preload=False, **settings)


@pytest.fixture
async def api(layer: Layer) -> AsyncIterator[Api]:
    """The API with one model of the file, where loopback is an exception."""
    ours = {"aliases": {"fast": "openai"}}
    async with served(build(layer, layer.entry("openai"), ours=ours)) as made:
        yield made


async def call(
    api: Api, method: str, path: str = "", body: object = None, user: str = ROOT
) -> tuple[int, Any]:
    async with api.http.request(
        method, f"{api.url}/admin/models{path}", json=body, headers={"Authorization": user}
    ) as answer:
        return answer.status, await answer.json() if answer.status != 204 else None


def new(layer: Layer, name: str = "mine", **params: Any) -> dict[str, Any]:
    entry = layer.entry("openai")
    return {"name": name, "litellm_params": {**entry["litellm_params"], **params}}


async def test_a_model_is_added_used_changed_and_taken_away(api: Api, layer: Layer) -> None:
    told: list[AddedModelEvent] = []
    for kind in (ModelAdded, ModelChanged, ModelRemoved):
        layer.bus.subscribe(kind, told.append)
    status, model = await call(api, "POST", body=new(layer) | {"model_info": {"mode": "chat"}})
    assert status == 201
    assert model["litellm_params"]["api_key"] == "[set]"
    assert model["created_by"] == "root"
    assert (await call(api, "GET"))[1] == [model]

    await layer.script(Reply(text="One."), Reply(text="Two."))
    assert (await ask(api.models, "mine")).text == "One."
    _, body = await api.get("/models", "u")
    assert [known["name"] for known in body["models"]] == ["openai", "mine"]

    status, model = await call(api, "PATCH", "/mine", {"litellm_params": {"temperature": 0.25}})
    assert (status, model["litellm_params"]["temperature"]) == (200, 0.25)
    assert model["model_info"] == {"mode": "chat"}
    await ask(api.models, "mine")
    assert (await layer.seen())[-1].body["temperature"] == 0.25

    assert await call(api, "DELETE", "/mine") == (204, None)
    with pytest.raises(ModelUnknown):
        await ask(api.models, "mine")
    assert [(type(event), event.name, event.by) for event in told] == [
        (ModelAdded, "mine", "root"),
        (ModelChanged, "mine", "root"),
        (ModelRemoved, "mine", "root"),
    ]


async def test_the_key_is_nowhere_to_be_read(api: Api, layer: Layer) -> None:
    answers = [
        await call(api, "POST", body=new(layer, extra_headers={"X-Team": layer.key})),
        await call(api, "PATCH", "/mine", {"litellm_params": {"top_p": 0.5}}),
        await call(api, "PATCH", "/mine", {"litellm_params": {"api_base": "https://example.com"}}),
        await call(api, "GET"),
    ]
    assert [status for status, _ in answers] == [201, 200, 422, 200]
    assert layer.key not in repr(answers)
    async with layer.db.read() as db:
        (row,) = (await db.execute(sa.select(llm_models))).all()
    assert layer.key.encode() not in row.params
    assert layer.key not in repr(row)


async def test_only_administrators_may(api: Api, layer: Layer) -> None:
    for method, path, body in (
        ("GET", "", None),
        ("POST", "", new(layer)),
        ("PATCH", "/mine", {}),
        ("DELETE", "/mine", None),
        ("POST", "/openai/test", None),
    ):
        assert await call(api, method, path, body, user="u") == (403, {"code": "forbidden"})


async def test_what_cannot_be_is_refused(api: Api, layer: Layer) -> None:
    for taken in ("openai", "fast"):
        assert await call(api, "POST", body=new(layer, taken)) == (409, {"code": "conflict"})
    assert (await call(api, "POST", body=new(layer)))[0] == 201
    assert await call(api, "POST", body=new(layer)) == (409, {"code": "conflict"})
    inner = new(layer, "inner", api_base="http://10.0.0.1/v1")
    assert await call(api, "POST", body=inner) == (422, {"code": "invalid_input"})
    absent = (404, {"code": "not_found"})
    assert await call(api, "PATCH", "/openai", {}) == absent
    assert await call(api, "DELETE", "/openai") == absent
    assert (await call(api, "POST", "/nothing/test"))[1] == {"code": "model_unknown"}


async def test_a_name_that_leads_inside_is_refused_when_given_and_when_used(layer: Layer) -> None:
    port = layer.server.openai_url.rpartition(":")[2]
    async with served(build(layer, layer.entry("openai"), allowed=False)) as api:
        there = new(layer, api_base=f"http://localhost:{port}")
        assert (await call(api, "POST", body=there))[0] == 422
        await layer.script(Reply(text="Never."))
        # Another replica's administrator allows more, or the name has been an outer one until now.
        lenient = AddedModels(layer.db, CIPHER, parse_allowed(["127.0.0.1"]))
        await lenient.add("mine", new(layer)["litellm_params"], {}, by="root")
        status, trial = await call(api, "POST", "/mine/test")
        assert (status, trial["ok"], trial["code"]) == (200, False, "model_address_refused")
        assert "CODELAB_MODEL_ADDRESSES" in trial["message"]
        assert await layer.seen() == []


async def test_any_model_can_be_tried_out(api: Api, layer: Layer) -> None:
    by = f"{await add_user(layer.db)} admin"
    await layer.script(Reply(text="yes"), Reply(status=401))
    status, trial = await call(api, "POST", "/openai/test", user=by)
    assert (status, trial["ok"], trial["code"], trial["message"]) == (200, True, "", "")
    assert 0 <= trial["first_token_ms"] <= trial["latency_ms"]
    status, trial = await call(api, "POST", "/openai/test", user=by)
    assert (status, trial["ok"], trial["code"]) == (200, False, "model_auth_failed")
    assert "openai" in trial["message"]
    assert trial["first_token_ms"] is None
    assert len(await layer.seen()) == 2


async def test_replicas_see_each_other_s_changes(any_layer: Layer) -> None:
    entry = any_layer.entry("openai")
    one, other = build(any_layer, entry), build(any_layer, entry)
    assert one.added is not None
    other.warm_up()
    params = new(any_layer)["litellm_params"]

    async def names(expected: list[str]) -> None:
        async def seen() -> bool:
            return [info.name for info in other.catalogue()] == expected

        await eventually(seen)

    await one.added.add("mine", params, {}, by="root")
    assert [info.name for info in one.catalogue()] == ["openai", "mine"]
    await names(["openai", "mine"])
    await one.added.change("mine", {}, {"max_input_tokens": 4321}, by="root")

    async def is_smaller() -> bool:
        return other.window("mine") == 4321

    await eventually(is_smaller)
    await one.added.remove("mine", by="root")
    await names(["openai"])


async def test_a_fresh_replica_knows_added_models_before_it_has_warmed_up(layer: Layer) -> None:
    first = build(layer, layer.entry("openai"))
    assert first.added is not None
    await first.added.add("mine", new(layer)["litellm_params"], {}, by="root")
    await layer.script(Reply(text="Here."))
    assert (await ask(build(layer, layer.entry("openai")), "mine")).text == "Here."


async def test_two_replicas_cannot_add_the_same_name(any_layer: Layer) -> None:
    entry = any_layer.entry("openai")
    parts = [build(any_layer, entry).added for _ in range(2)]
    params = new(any_layer)["litellm_params"]
    results = await asyncio.gather(
        *(part.add("mine", params, {}, by="root") for part in parts if part),
        return_exceptions=True,
    )
    assert sorted(type(result).__name__ for result in results) == ["Conflict", "ShownModel"]


async def test_a_model_sealed_with_a_lost_key_can_be_taken_away(api: Api, layer: Layer) -> None:
    places = parse_allowed(["127.0.0.1"])
    lost = AddedModels(layer.db, Cipher(["another-secret"]), places)
    await lost.add("lost", new(layer)["litellm_params"], {}, by="root")
    await call(api, "POST", body=new(layer))
    _, shown = await call(api, "GET")
    assert [(model["name"], bool(model["litellm_params"])) for model in shown] == [
        ("lost", False),
        ("mine", True),
    ]
    assert "lost" not in api.models.health().models
    assert (await call(api, "DELETE", "/lost"))[0] == 204


@pytest.mark.parametrize("wire", ["openai", "anthropic", "ollama"])
async def test_every_wire_is_read_over_checked_connections(layer: Layer, wire: str) -> None:
    async with served(build(layer)) as api:
        entry = layer.entry(wire)
        body = {"name": wire, "litellm_params": entry["litellm_params"]}
        assert (await call(api, "POST", body=body))[0] == 201
        await layer.script(Reply(text="yes"))
        _, trial = await call(api, "POST", f"/{wire}/test")
        assert (trial["ok"], trial["message"]) == (True, "")


@pytest.mark.parametrize(
    ("wire", "info", "proxied"),
    [
        ("openai", {}, True),
        ("anthropic", {}, True),
        ("openai", {"mode": "embedding"}, True),
        ("ollama", {"mode": "embedding"}, False),
    ],
)
async def test_litellm_s_own_connections_are_out_of_reach(
    layer: Layer,
    monkeypatch: pytest.MonkeyPatch,
    wire: str,
    info: dict[str, str],
    *,
    proxied: bool,
) -> None:
    """It follows redirects and proxies, and connects to whatever a name says."""
    async with served(build(layer)) as api:
        if proxied:
            monkeypatch.setenv("http_proxy", layer.server.url)
            monkeypatch.setenv("no_proxy", "")
        await layer.script(Reply(text="Never."))
        models = api.models
        assert models.added is not None
        params = layer.entry(wire)["litellm_params"]
        await models.added.add("mine", params, info, by="root")
        question = embedding_request("mine", ["A text."], None) if info else request("mine")
        with pytest.raises(ModelRefused, match="checks addresses"):
            await models.try_out(question, Heard(), WHOSE)
        assert await layer.seen() == []


async def test_a_model_that_was_taken_away_is_no_longer_answered_for(
    api: Api, layer: Layer
) -> None:
    await layer.script(Reply(text="Hello.", repeat=True))
    body = {"model": "mine", "messages": [{"role": "user", "content": "Hi"}]}
    assert (await call(api, "POST", body=new(layer)))[0] == 201
    assert (await api.v1("POST", "/chat/completions", body))[0] == 200
    assert (await call(api, "DELETE", "/mine"))[0] == 204
    for asked in (body, {**body, "stream": True}):
        status, answer = await api.v1("POST", "/chat/completions", asked)
        assert (status, answer["error"]["code"]) == (404, "model_not_found")


@pytest.mark.parametrize("path", ["/ollama/qwen3/test", "/ollama%2Fqwen3/test"])
async def test_a_model_with_strokes_in_its_name_is_tried_out(layer: Layer, path: str) -> None:
    by = f"{await add_user(layer.db)} admin"
    async with served(build(layer, layer.entry("openai", "ollama/qwen3"))) as made:
        await layer.script(Reply(text="yes"))
        status, trial = await call(made, "POST", path, user=by)
        assert (status, trial["ok"]) == (200, True)
        assert (await call(made, "POST", path, user="u"))[0] == 403
        assert (await call(made, "POST", path.removesuffix("/test")))[0] == 404

"""Rules over HTTP: made, listed, revoked; what is wrong is named."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from litestar import Litestar, Router
from litestar.middleware import DefineMiddleware

from codelab.gateway.problems import exception_handlers
from codelab.hitl.routes import router as request_routes
from codelab.hitl.routes import rule_router
from codelab.kit.ids import new_id
from tests.hitl.conftest import Scene
from tests.hitl.test_routes import ByName
from tests.support.http import Client, client_of

URL = "/api/v1/hitl/rules"


@pytest.fixture
async def client(scene: Scene) -> AsyncIterator[Client]:
    api = Router(
        "/api/v1",
        route_handlers=[rule_router(scene.rules), request_routes(scene.hitl)],
        middleware=[DefineMiddleware(ByName)],
    )
    app = Litestar([api], exception_handlers=exception_handlers(), logging_config=None)
    async with client_of(app) as made:
        made.headers["user"] = "ann"
        yield made


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """Routes don't see which database it is."""
    return sqlite_url


async def test_a_rule_is_made_listed_and_revoked(client: Client, scene: Scene) -> None:
    wanted = {"session_id": scene.session_id, "decision": "allow", "commands": ["pytest *"]}
    made = (await client.post(URL, json=wanted)).json()
    assert {name: made[name] for name in wanted} == wanted
    listed = await client.get(URL, params={"session_id": scene.session_id})
    assert listed.json() == (await client.get(URL)).json() == [made]
    assert (await client.delete(f"{URL}/{made['id']}")).status_code == 204
    assert (await client.get(URL, params={"session_id": scene.session_id})).json() == []
    gone = await client.delete(f"{URL}/{made['id']}")
    assert (gone.status_code, gone.json()["code"]) == (404, "rule_not_found")


async def test_always_is_part_of_a_yes(client: Client, scene: Scene) -> None:
    approval_id = await scene.ask()
    answer = await client.put(f"/api/v1/hitl/requests/{approval_id}/approve", json={"always": True})
    assert answer.json()["status"] == "approved"
    (rule,) = (await client.get(URL, params={"session_id": scene.session_id})).json()
    assert (rule["approval_id"], rule["decision"]) == (approval_id, "allow")


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"decision": "perhaps"}, 422),
        ({"paths": [""]}, 422),
        ({"paths": ["a"] * 51}, 422),
        ({"tool": "x" * 201}, 422),
        ({"workspace_id": "w"}, 422),
        ({"session_id": None}, 422),
        ({"session_id": "a\0b"}, 422),
        ({"extra": 1}, 422),
        ({"session_id": new_id()}, 404),
    ],
)
async def test_what_is_wrong_is_named(
    client: Client, scene: Scene, change: dict[str, Any], status: int
) -> None:
    wanted = {"session_id": scene.session_id, "decision": "ask"} | change
    refused = await client.post(URL, json=wanted)
    assert refused.status_code == status
    assert (await client.get(URL, params={"session_id": scene.session_id})).json() == []


async def test_what_belongs_to_others_is_not_there(client: Client, scene: Scene) -> None:
    made = await client.post(URL, json={"session_id": scene.session_id, "decision": "ask"})
    client.headers["user"] = "ben"
    for answer in (
        await client.get(URL, params={"session_id": scene.session_id}),
        await client.post(URL, json={"session_id": scene.session_id, "decision": "allow"}),
        await client.delete(f"{URL}/{made.json()['id']}"),
    ):
        assert answer.status_code == 404
    assert (await client.get(URL)).json() == []
    both = {"session_id": scene.session_id, "workspace_id": scene.workspace_id}
    assert (await client.get(URL, params=both)).status_code == 422

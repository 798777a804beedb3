"""The same over HTTP: shapes, statuses, problems."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
from litestar import Litestar, Router
from litestar.connection import ASGIConnection
from litestar.middleware import (
    AbstractAuthenticationMiddleware,
    AuthenticationResult,
    DefineMiddleware,
)

from codelab.gateway.problems import exception_handlers
from codelab.hitl.routes import router
from codelab.kit.clock import utc_now
from codelab.kit.ids import new_id
from tests.hitl.conftest import ANN, BEN, Scene
from tests.support.http import Client, client_of


class ByName(AbstractAuthenticationMiddleware):
    """Stands where the access token is checked: the header is the user's name."""

    async def authenticate_request(
        self, connection: ASGIConnection[Any, Any, Any, Any]
    ) -> AuthenticationResult:
        principal = {one.name: one for one in (ANN, BEN)}[connection.headers["user"]]
        return AuthenticationResult(user=principal, auth=None)


@pytest.fixture
async def client(scene: Scene) -> AsyncIterator[Client]:
    api = Router(
        "/api/v1", route_handlers=[router(scene.hitl)], middleware=[DefineMiddleware(ByName)]
    )
    app = Litestar([api], exception_handlers=exception_handlers(), logging_config=None)
    async with client_of(app) as made:
        made.headers["user"] = "ann"
        yield made


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """Routes don't see which database it is."""
    return sqlite_url


URL = "/api/v1/hitl/requests"


async def test_a_request_is_shown_whole(client: Client, scene: Scene) -> None:
    approval_id = await scene.ask()
    listed = (await client.get(URL, params={"status": "pending"})).json()
    one = (await client.get(f"{URL}/{approval_id}")).json()
    assert listed == [one]
    assert set(one) == {
        "id",
        "session_id",
        "call_id",
        "agent",
        "question",
        "reason",
        "tool",
        "parameters",
        "risk",
        "preview",
        "facts",
        "digest",
        "status",
        "created_at",
        "expires_at",
        "responded_at",
        "response",
    }
    assert one["parameters"] == {"path": "a.py", "content": "print(1)"}
    assert one["session_id"] == scene.session_id
    assert (one["responded_at"], one["response"]) == (None, None)
    assert (await client.get(URL, params={"status": "approved"})).json() == []
    assert (await client.get(URL, params={"session_id": new_id()})).json() == []


async def test_a_yes_without_a_body(client: Client, scene: Scene) -> None:
    approval_id = await scene.ask()
    answer = await client.put(f"{URL}/{approval_id}/approve")
    assert answer.status_code == 200
    shown = answer.json()
    assert shown["status"] == "approved"
    assert shown["response"]["by"] == "ann"
    assert shown["response"]["parameters"] is None
    assert shown["responded_at"] is not None
    again = await client.put(f"{URL}/{approval_id}/reject", json={"feedback": "no"})
    assert (again.status_code, again.json()["code"]) == (409, "already_answered")


async def test_a_yes_with_edited_parameters(client: Client, scene: Scene) -> None:
    approval_id = await scene.ask()
    edited = {"path": "a.py", "content": "print(2)"}
    answer = await client.put(f"{URL}/{approval_id}/approve", json={"parameters": edited})
    assert answer.json()["response"]["parameters"] == edited


async def test_a_no_with_feedback(client: Client, scene: Scene) -> None:
    approval_id = await scene.ask()
    answer = await client.put(f"{URL}/{approval_id}/reject", json={"feedback": "why?"})
    assert answer.status_code == 200
    assert answer.json()["response"]["feedback"] == "why?"
    approval_id = await scene.ask(scene.call("second"))
    assert (await client.put(f"{URL}/{approval_id}/reject")).json()["status"] == "rejected"


@pytest.mark.parametrize("wanted", ["0" * 32, "no-identifier", "x" * 33])
async def test_an_unknown_one_is_not_found(client: Client, wanted: str) -> None:
    for answer in (
        await client.get(f"{URL}/{wanted}"),
        await client.put(f"{URL}/{wanted}/approve"),
        await client.put(f"{URL}/{wanted}/reject"),
    ):
        assert (answer.status_code, answer.json()["code"]) == (404, "approval_not_found")


async def test_somebody_elses_is_not_found_either(client: Client, scene: Scene) -> None:
    approval_id = await scene.ask()
    ben = {"user": "ben"}
    assert (await client.get(URL, headers=ben)).json() == []
    assert (await client.get(f"{URL}/{approval_id}", headers=ben)).status_code == 404
    answer = await client.put(f"{URL}/{approval_id}/approve", headers=ben)
    assert (answer.status_code, answer.json()["code"]) == (404, "approval_not_found")


async def test_conflicts_have_codes_of_their_own(client: Client, scene: Scene) -> None:
    stale, late = await scene.ask(scene.call("stale")), await scene.ask(scene.call("late"))
    await scene.set_back(late, expires_at=utc_now() - timedelta(seconds=1))
    answer = await client.put(f"{URL}/{late}/approve")
    assert (answer.status_code, answer.json()["code"]) == (409, "approval_expired")
    scene.target.state = "changed"
    answer = await client.put(f"{URL}/{stale}/approve")
    assert (answer.status_code, answer.json()["code"]) == (409, "approval_stale")


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        ("approve", {"parameter": {}}, "parameter"),
        ("approve", {"parameters": []}, "parameters"),
        ("reject", {"feedback": "x" * 10_001}, "feedback"),
        ("reject", {"feedback": 3}, "feedback"),
        ("reject", [], ""),
    ],
)
async def test_a_wrong_body_is_refused_with_its_field(
    client: Client, scene: Scene, path: str, body: object, field: str
) -> None:
    approval_id = await scene.ask()
    answer = await client.put(f"{URL}/{approval_id}/{path}", json=body)
    assert answer.status_code in (400, 422)
    assert field in answer.text
    assert (await scene.hitl.get(ANN, approval_id)).status == "pending"


async def test_a_wrong_filter_is_refused(client: Client) -> None:
    for query in ({"status": "perhaps"}, {"limit": "0"}, {"limit": "1000000"}):
        assert (await client.get(URL, params=query)).status_code in (400, 422)

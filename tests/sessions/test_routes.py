"""Sessions over REST, on a real server."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from codelab.sdk.model import Usage
from codelab.sessions.events import (
    ApprovalAnswered,
    AssistantMessageCompleted,
    ToolCallCompleted,
    ToolCallRequested,
    TurnEnded,
)
from tests.gateway.rig import Replica, User, open_session, running, sign_up

SESSIONS = "/api/v1/sessions"
DONE = TurnEnded(message_id="m1", stop_reason="end", duration_ms=1, usage=Usage())


@pytest.fixture
async def replica(sqlite_url: str, tmp_path: Path) -> AsyncIterator[Replica]:
    async with running(sqlite_url, tmp_path) as one:
        yield one


@pytest.fixture
async def ada(replica: Replica) -> User:
    return await sign_up(replica, "ada")


@pytest.fixture
async def http(replica: Replica, ada: User) -> AsyncIterator[httpx.AsyncClient]:
    async with ada.http(replica) as client:
        yield client


@pytest.fixture
async def session_id(replica: Replica, ada: User, tmp_path: Path) -> str:
    return (await open_session(replica, ada, tmp_path)).id


def request_of(call_id: str, *, asks: bool = False) -> ToolCallRequested:
    return ToolCallRequested(
        call_id=call_id,
        tool="read_file",
        agent="ask",
        parameters={"path": "a"},
        risk="low",
        requires_approval=asks,
    )


def result_of(call_id: str, output: str) -> ToolCallCompleted:
    return ToolCallCompleted(call_id=call_id, tool="read_file", ok=True, output=output)


async def test_the_life_of_a_session(
    replica: Replica, http: httpx.AsyncClient, session_id: str
) -> None:
    workspace_id = (await http.get(f"{SESSIONS}/{session_id}")).json()["workspace_id"]
    body = {"workspace_id": workspace_id, "title": "First", "agent": "coder"}
    made = await http.post(SESSIONS, json=body)
    assert made.status_code == 201
    session = made.json()
    assert (session["title"], session["agent"], session["model"]) == ("First", "coder", None)
    assert (session["epoch"], session["last_seq"], session["active_turn_id"]) == (1, 0, None)
    path = f"{SESSIONS}/{session['id']}"
    changed = await http.patch(path, json={"title": "Second", "agent": None})
    assert (changed.json()["title"], changed.json()["agent"]) == ("Second", None)
    assert (await http.get(path)).json() == changed.json()
    await http.patch(path, json={"archived": True})
    assert [one["id"] for one in (await http.get(SESSIONS)).json()["sessions"]] == [session_id]
    archived = await http.get(SESSIONS, params={"archived": True})
    assert [one["id"] for one in archived.json()["sessions"]] == [session["id"]]
    assert (await http.delete(path)).status_code == 204
    assert (await http.get(path)).status_code == 404


async def test_pages_hold_every_session_once(
    replica: Replica, http: httpx.AsyncClient, ada: User, session_id: str
) -> None:
    workspace_id = (await replica.sessions.get(ada.principal, session_id)).workspace_id
    made = [session_id]
    for _ in range(6):
        made.append((await replica.sessions.create(ada.principal, workspace_id)).id)
    seen: list[str] = []
    page: dict[str, Any] = {"next": None}
    while not seen or page["next"]:
        cursor = {"before": page["next"]} if page["next"] else {}
        page = (await http.get(SESSIONS, params={"limit": 3, **cursor})).json()
        assert len(page["sessions"]) <= 3
        seen += [one["id"] for one in page["sessions"]]
    assert seen == sorted(made, reverse=True)


async def test_somebody_elses_session_does_not_exist(
    replica: Replica, http: httpx.AsyncClient, session_id: str
) -> None:
    bob = await sign_up(replica, "bob")
    path = f"{SESSIONS}/{session_id}"
    rating = {"message_id": "m1", "rating": "up"}
    async with bob.http(replica) as others:
        for answer in (
            await others.get(path),
            await others.patch(path, json={"title": "mine"}),
            await others.delete(path),
            await others.get(f"{path}/history"),
            await others.get(f"{path}/events"),
            await others.post(f"{path}/feedback", json=rating),
        ):
            assert (answer.status_code, answer.json()["code"]) == (404, "session_not_found")
        assert (await others.get(SESSIONS)).json()["sessions"] == []
        stranger = await others.get(f"{SESSIONS}/{'0' * 32}")
        assert stranger.json()["detail"] == (await others.get(path)).json()["detail"]
    assert (await http.get(path)).status_code == 200


@pytest.mark.parametrize(
    ("method", "path", "body", "field"),
    [
        ("POST", "", {}, "workspace_id"),
        ("POST", "", {"workspace_id": "1", "colour": "red"}, "colour"),
        ("POST", "", {"workspace_id": "1", "title": "x" * 201}, "title"),
        ("POST", "", {"workspace_id": "a\x00"}, "workspace_id"),
        ("PATCH", "/1", {"title": 5}, "title"),
        ("PATCH", "/1", {"archived": "perhaps"}, "archived"),
        ("POST", "/1/feedback", {"message_id": "m", "rating": "sideways"}, "rating"),
        ("GET", "?limit=0", None, "limit"),
        ("GET", "/1/events?after=-1", None, "after"),
        ("GET", "/1/history?after=x", None, "after"),
        ("GET", "/a%00b", None, "session_id"),
    ],
)
async def test_what_is_wrong_is_named(
    http: httpx.AsyncClient, method: str, path: str, body: object, field: str
) -> None:
    answer = await http.request(method, SESSIONS + path, json=body)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_input")
    assert [error["field"] for error in answer.json()["errors"]] == [field]


async def test_everything_needs_a_sign_in(http: httpx.AsyncClient) -> None:
    http.headers.clear()
    for method, path in (
        ("GET", ""),
        ("POST", ""),
        ("GET", "/1"),
        ("PATCH", "/1"),
        ("DELETE", "/1"),
        ("GET", "/1/history"),
        ("GET", "/1/events"),
        ("POST", "/1/feedback"),
    ):
        answer = await http.request(method, SESSIONS + path)
        assert (answer.status_code, answer.json()["code"]) == (401, "unauthenticated")


async def test_history_gives_each_call_its_result(
    replica: Replica, http: httpx.AsyncClient, ada: User, session_id: str
) -> None:
    await replica.sessions.start_turn(ada.principal, session_id, "read it")
    await replica.append(
        session_id,
        request_of("c1", asks=True),
        request_of("c2"),
        ApprovalAnswered(approval_id="a", call_id="c1", status="approved", by="ada"),
        result_of("c2", "two"),
        result_of("c1", "one"),
        AssistantMessageCompleted(message_id="m1", agent="ask", model="x", text="Done."),
        DONE,
    )
    rating = {"message_id": "m1", "rating": "up", "comment": "yes"}
    path = f"{SESSIONS}/{session_id}"
    assert (await http.post(f"{path}/feedback", json=rating)).status_code == 204
    whole = (await http.get(f"{path}/history")).json()
    assert [(item["role"], item.get("output")) for item in whole["items"]] == [
        ("user", None),
        ("tool", "one"),
        ("tool", "two"),
        ("assistant", None),
    ]
    assert whole["items"][1]["approval"] == "approved"
    assert (whole["items"][3]["text"], whole["items"][3]["rating"]) == ("Done.", "up")
    assert whole["next"] is None
    items: list[Any] = []
    after: int | None = 0
    while after is not None:
        page = (await http.get(f"{path}/history", params={"after": after, "limit": 2})).json()
        items += page["items"]
        after = page["next"]
    assert items == whole["items"]


async def test_events_are_the_frames_of_the_socket(
    replica: Replica, http: httpx.AsyncClient, ada: User, session_id: str
) -> None:
    await replica.sessions.start_turn(ada.principal, session_id, "hi")
    await replica.append(session_id, *(request_of(f"c{number}") for number in range(5)), DONE)
    path = f"{SESSIONS}/{session_id}/events"
    page = (await http.get(path)).json()
    assert [frame["seq"] for frame in page["events"]] == list(range(1, 8))
    assert [page["events"][index]["type"] for index in (0, 1, 6)] == [
        "message",
        "tool_call",
        "done",
    ]
    assert (page["epoch"], page["last_seq"], page["next"]) == (1, 7, None)
    rest = (await http.get(path, params={"after": 5, "limit": 1})).json()
    assert ([frame["seq"] for frame in rest["events"]], rest["next"]) == ([6], 6)

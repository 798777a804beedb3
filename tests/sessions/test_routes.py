"""Sessions over REST, on a real server."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import msgspec
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
            await others.get(f"{path}/export"),
            await others.post(f"{path}/rewind", json={"before_seq": 1}),
            await others.post(f"{path}/feedback", json=rating),
            await others.get(f"{path}/feedback"),
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
        ("GET", "/1/export"),
        ("GET", "/search"),
        ("POST", "/1/rewind"),
        ("POST", "/1/feedback"),
        ("GET", "/1/feedback"),
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
    assert (await http.get(f"{path}/feedback")).json() == {"m1": "up"}
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


async def test_a_message_is_undone_with_all_that_follows(
    replica: Replica, http: httpx.AsyncClient, ada: User, session_id: str
) -> None:
    path = f"{SESSIONS}/{session_id}"
    for text in ("first", "second"):
        await replica.sessions.start_turn(ada.principal, session_id, text)
        waiting = (await http.get(path)).json()["state"]
        busy = await http.post(f"{path}/rewind", json={"before_seq": 1})
        answer = AssistantMessageCompleted(message_id=text, agent="ask", model="x", text="Yes.")
        held = replica.leases[session_id]
        async with replica.db.transaction() as tx:
            await replica.turns.end(tx, held, [answer], DONE, "ask")
    assert (busy.status_code, busy.json()["code"], waiting) == (
        *(409, "turn_in_progress"),
        "processing",
    )
    second = (await http.get(f"{path}/history")).json()["items"][2]
    assert second["text"] == "second"
    for seq in (second["seq"] + 1, 99):
        wrong = await http.post(f"{path}/rewind", json={"before_seq": seq})
        assert (wrong.status_code, wrong.json()["code"]) == (404, "message_not_found")
    done = await http.post(f"{path}/rewind", json={"before_seq": second["seq"]})
    assert done.json()["through_seq"] == second["seq"] - 1
    items = (await http.get(f"{path}/history")).json()["items"]
    assert [item.get("hidden", False) for item in items] == [False, False, True, True]
    frame = (await http.get(f"{path}/events")).json()["events"][-1]
    assert (frame["type"], frame["data"]["conversation"]) == ("checkpoint_restored", True)
    assert frame["data"]["restoration_id"] == done.json()["restoration_id"]


async def test_sessions_are_found_by_title_and_by_text(
    replica: Replica, http: httpx.AsyncClient, ada: User, session_id: str
) -> None:
    workspace_id = (await replica.sessions.get(ada.principal, session_id)).workspace_id
    made = [
        (await replica.sessions.create(ada.principal, workspace_id, title=f"Straße {number}")).id
        for number in range(3)
    ]
    await replica.sessions.start_turn(ada.principal, made[0], f"{'far ' * 50}a NEEDLE{' off' * 50}")
    await http.patch(f"{SESSIONS}/{made[1]}", json={"archived": True})

    async def found(**query: str | bool) -> list[tuple[str, int]]:
        page = (await http.get(f"{SESSIONS}/search", params=query)).json()
        assert page["next"] is None
        return [(one["session"]["id"], one["seq"]) for one in page["found"]]

    assert await found(text="STRASSE") == [(made[2], 0), (made[0], 0)]
    assert await found(text="strasse", archived=True) == [(made[1], 0)]
    assert await found(text="needle") == []
    assert await found(text="needle", messages=True) == [(made[0], 1)]
    page = await http.get(f"{SESSIONS}/search", params={"text": "needle", "messages": True})
    excerpt = page.json()["found"][0]["excerpt"]
    assert "NEEDLE" in excerpt and (excerpt[0], excerpt[-1]) == ("…", "…") and len(excerpt) < 200
    bob = await sign_up(replica, "bob")
    async with bob.http(replica) as others:
        for text in ("strasse", "needle"):
            query = {"text": text, "messages": "true"}
            page = await others.get(f"{SESSIONS}/search", params=query)
            assert page.json() == {"found": [], "next": None}


async def test_a_search_is_bounded_and_goes_on(
    replica: Replica, http: httpx.AsyncClient, ada: User, session_id: str
) -> None:
    workspace_id = (await replica.sessions.get(ada.principal, session_id)).workspace_id
    oldest = await replica.sessions.create(ada.principal, workspace_id, title="the oldest")
    for _ in range(450):
        await replica.sessions.create(ada.principal, workspace_id)
    query: dict[str, Any] = {"text": "oldest", "messages": True}
    pages = [(await http.get(f"{SESSIONS}/search", params=query)).json()]
    while pages[-1]["next"]:
        query["before"] = pages[-1]["next"]
        pages.append((await http.get(f"{SESSIONS}/search", params=query)).json())
    assert len(pages) == 3
    assert [one["session"]["id"] for page in pages for one in page["found"]] == [oldest.id]


async def test_a_session_is_taken_along(
    replica: Replica, http: httpx.AsyncClient, ada: User, session_id: str
) -> None:
    await http.patch(f"{SESSIONS}/{session_id}", json={"title": "# <b>Title</b>"})
    await replica.sessions.start_turn(ada.principal, session_id, "read <script>it</script>")
    await replica.append(
        session_id,
        msgspec.structs.replace(request_of("c1"), preview="--- a\n+++ b\n@@ -1 +1 @@\n-x\n+y"),
        result_of("c1", "```\nout of the fence?\n```"),
        AssistantMessageCompleted(message_id="m", agent="ask", model="x", text="```\n<left> open"),
        DONE,
    )
    answer = await http.get(f"{SESSIONS}/{session_id}/export")
    assert answer.headers["content-type"] == "text/markdown; charset=utf-8"
    assert answer.headers["content-disposition"].endswith(f'session-{session_id}.md"')
    assert answer.text.startswith("# \\# \\<b\\>Title\\</b\\>\n")
    assert (
        "## You, 20" in answer.text and " UTC\n\n> read &lt;script>it&lt;/script>\n" in answer.text
    )
    assert "````\n```\nout of the fence?\n```\n````" in answer.text
    assert "```diff\n--- a\n+++ b\n@@ -1 +1 @@\n-x\n+y\n```" in answer.text
    assert "<summary>read_file: done, 20" in answer.text
    assert answer.text.endswith("> ```\n> <left> open\n")
    whole = (await http.get(f"{SESSIONS}/{session_id}/export", params={"format": "json"})).json()
    assert whole["title"] == "# <b>Title</b>"
    assert [item["role"] for item in whole["items"]] == ["user", "tool", "assistant"]
    assert whole["items"][1]["preview"].startswith("--- a")
    wrong = await http.get(f"{SESSIONS}/{session_id}/export", params={"format": "pdf"})
    assert wrong.status_code == 422

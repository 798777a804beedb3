"""The export of one's data: complete, one's own alone, and never whole in memory."""

from __future__ import annotations

import io
import secrets
import zipfile
from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest
from litestar import Litestar, Router

from codelab.audit.api import Audit
from codelab.auth.routes import authentication
from codelab.gateway.export import Export, export_route
from codelab.gateway.problems import exception_handlers
from codelab.kit.ratelimit import RateLimiter
from codelab.llm.accounting.repository import UsageRepository, usage_row
from codelab.llm.api import LlmSettings, Models
from codelab.llm.events import ModelCalled
from codelab.sdk.model import Usage
from codelab.sessions.api import SessionRecord
from codelab.sessions.events import AssistantMessageCompleted
from tests.gateway.conftest import NewUser
from tests.gateway.rig import Replica, User
from tests.support.http import client_of

PATH = "/api/v1/users/me/export"
KINDS = {"profile", "tokens", "workspaces", "sessions", "feedback", "approvals", "rules"}
KINDS |= {"usage", "audit", "preferences"}


@pytest.fixture
async def export(replica: Replica) -> AsyncIterator[Export]:
    """The export over the replica's services."""
    audit = Audit(replica.db, replica.bus, ["a secret of the audit log"])
    await audit.start()
    models = Models(LlmSettings(discover=False), replica.db, replica.bus, RateLimiter())
    yield Export(
        replica.auth,
        replica.workspaces,
        replica.sessions,
        replica.hitl,
        replica.rules,
        models,
        audit.entries_of,
    )
    await models.close()
    await audit.close()


@pytest.fixture
def app(replica: Replica, export: Export) -> Litestar:
    """The route behind the sign-in."""
    api = Router(
        "/api/v1", route_handlers=[export_route(export)], middleware=[authentication(replica.auth)]
    )
    return Litestar([api], exception_handlers=exception_handlers(), logging_config=None)


async def fetched(app: Litestar, user: User) -> dict[str, Any]:
    """Fetch a user's export over HTTP and return what its files hold."""
    async with client_of(app) as http:
        answer = await http.get(PATH, headers=user.headers)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/zip"
    assert "attachment" in answer.headers["content-disposition"]
    return contents(answer.content)


def contents(archive: bytes) -> dict[str, Any]:
    """Read a zip of JSON files."""
    with zipfile.ZipFile(io.BytesIO(archive)) as files:
        assert files.testzip() is None
        return {
            name.removesuffix(".json"): msgspec.json.decode(files.read(name))
            for name in files.namelist()
        }


def message(text: str, number: int = 0) -> AssistantMessageCompleted:
    return AssistantMessageCompleted(
        message_id=f"message{number}", agent="coder", model="m", text=text
    )


async def used(replica: Replica, user: User, session_id: str) -> None:
    """Write down a model call of a user's."""
    call = ModelCalled(
        user_id=user.principal.user_id,
        session_id=session_id,
        turn_id="t",
        agent="coder",
        model="m",
        provider="p",
        usage=Usage(input_tokens=7, output_tokens=2),
        first_token_ms=2,
        duration_ms=5,
        ok=True,
    )
    await UsageRepository(replica.db).insert([usage_row(call)])


async def test_everything_of_ones_own_is_in_it(
    app: Litestar, replica: Replica, ada: User, session: SessionRecord
) -> None:
    await replica.sessions.update(ada.principal, session.id, {"title": "Früh"})
    await replica.sessions.start_turn(ada.principal, session.id, "Write it")
    await replica.append(session.id, message("It is written."))
    approval_id = await replica.ask(session.id, ada)
    await replica.sessions.rate(ada.principal, session.id, "message0", "up", "good")
    await used(replica, ada, session.id)
    archived = await replica.sessions.create(ada.principal, session.workspace_id, title="old")
    await replica.sessions.update(ada.principal, archived.id, {"archived": True})

    found = await fetched(app, ada)

    assert found.keys() == KINDS
    assert found["profile"]["username"] == "ada"
    assert "password" not in str(found["profile"])
    assert [one["id"] for one in found["workspaces"]] == [session.workspace_id]
    by_id = {one["session"]["id"]: one for one in found["sessions"]}
    assert by_id.keys() == {session.id, archived.id}
    assert by_id[session.id]["session"]["title"] == "Früh"
    facts = [entry["fact"] for entry in by_id[session.id]["log"]]
    assert [fact["type"] for fact in facts] == ["user_message", "assistant_message"]
    assert [fact["text"] for fact in facts] == ["Write it", "It is written."]
    assert [one["id"] for one in found["approvals"]] == [approval_id]
    assert [(one["rating"], one["comment"]) for one in found["feedback"]] == [("up", "good")]
    assert [one["input_tokens"] for one in found["usage"]] == [7]
    assert "turn.started" in {one["action"] for one in found["audit"]}


async def test_nothing_of_others_is_in_it(
    app: Litestar, replica: Replica, ada: User, session: SessionRecord, new_user: NewUser
) -> None:
    await replica.sessions.start_turn(ada.principal, session.id, "Ada's own words")
    await replica.ask(session.id, ada)
    await used(replica, ada, session.id)
    bob = await new_user("bob")

    found = await fetched(app, bob)

    assert found.keys() == KINDS
    assert found["profile"]["username"] == "bob"
    empty = ("workspaces", "sessions", "feedback", "approvals", "usage")
    assert [found[kind] for kind in empty] == [[]] * len(empty)
    assert {one["user_id"] for one in found["audit"]} <= {bob.principal.user_id}


async def test_a_long_log_is_whole_and_comes_in_pieces(
    export: Export, replica: Replica, ada: User, session: SessionRecord
) -> None:
    await replica.sessions.start_turn(ada.principal, session.id, "Go on")
    # Noise, since what can be squeezed would hide how much is kept in memory.
    said = [secrets.token_hex(5_000) for _ in range(250)]
    await replica.append(session.id, *(message(text, n) for n, text in enumerate(said)))

    pieces = [piece async for piece in await export.of(ada.principal)]

    (only,) = contents(b"".join(pieces))["sessions"]
    assert [entry["seq"] for entry in only["log"]] == list(range(1, 252))
    assert [entry["fact"]["text"] for entry in only["log"][1:]] == said
    assert max(len(piece) for piece in pieces) < 200_000 < sum(len(piece) for piece in pieces)


async def test_nobody_gets_it_without_signing_in(app: Litestar) -> None:
    async with client_of(app) as http:
        answer = await http.get(PATH)
    assert answer.status_code == 401

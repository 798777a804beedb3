"""What administrators are shown of the whole server."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from litestar import Litestar, Router

from codelab.auth.routes import authentication
from codelab.gateway.administration import Server, administration_routes, store_details
from codelab.gateway.health import Health, database_check
from codelab.gateway.problems import exception_handlers
from codelab.hitl.api import answers
from codelab.hitl.models import approvals
from codelab.kit.bus import Bus
from codelab.kit.clock import utc_now
from codelab.kit.db import Database
from codelab.kit.ids import first_id, new_id
from codelab.plugins import load_plugins
from codelab.sessions.api import SessionRecord
from codelab.sessions.events import AssistantMessageCompleted, TurnEnded
from codelab.sessions.models import turns
from tests.gateway.conftest import NewUser
from tests.gateway.rig import Replica, User
from tests.support.http import Client, client_of


@pytest.fixture
async def http(replica: Replica, tmp_path: Path) -> AsyncIterator[Client]:
    """The routes behind the sign-in."""
    health = Health("1.2.3", {"database": database_check(replica.db)})
    server = Server(health, replica.db, tmp_path, "replica1", lambda: 3)
    routes = administration_routes(replica.db, server, load_plugins().inventory())
    api = Router("/api/v1", route_handlers=[routes], middleware=[authentication(replica.auth)])
    app = Litestar([api], exception_handlers=exception_handlers(), logging_config=None)
    async with client_of(app) as made:
        yield made


async def read(http: Client, path: str, who: User) -> Any:
    answer = await http.get(f"/api/v1/admin/{path}", headers=who.headers)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_others_are_told_nothing(http: Client, ada: User) -> None:
    for path in ("figures", "plugins", "health"):
        answer = await http.get(f"/api/v1/admin/{path}", headers=ada.headers)
        assert answer.status_code == 403


async def test_an_administrator_sees_the_process(http: Client, new_user: NewUser) -> None:
    details = await read(http, "health", await new_user("root", admin=True))
    assert details["health"]["checks"]["database"]["status"] == "ok"
    assert details["database"]["kind"] == "sqlite"
    assert details["database"]["size_bytes"] > 4096
    assert 0 < details["disk_free_bytes"] <= details["disk_total_bytes"]
    assert (details["replica"], details["connections"]) == ("replica1", 3)
    assert details["libraries"]["litestar"].count(".") >= 1


async def test_a_database_server_says_how_large_it_is(postgres_url: str) -> None:
    db = Database(postgres_url, Bus())
    try:
        details = await store_details(db)
    finally:
        await db.close()
    assert details.kind == "postgresql"
    assert details.size_bytes > 0


async def test_plugins_are_listed_with_what_they_bring(http: Client, new_user: NewUser) -> None:
    plugins = await read(http, "plugins", await new_user("root", admin=True))
    own = {plugin["name"]: plugin for plugin in plugins}["builtin-agents"]
    assert own["distribution"] == "codelab"
    assert "coder" in own["agents"]


async def test_figures_count_turns_ratings_and_answers(
    http: Client, new_user: NewUser, replica: Replica, ada: User, session: SessionRecord
) -> None:
    root = await new_user("root", admin=True)
    nothing = {"sessions": 0, "turns": 0, "endings": {}, "thumbs_up": 0, "thumbs_down": 0}
    assert (await read(http, "figures", root))["talk"] == nothing

    await replica.sessions.start_turn(ada.principal, session.id, "Write it")
    said = AssistantMessageCompleted(message_id="m1", agent="coder", model="m", text="Done.")
    await replica.append(session.id, said)
    await replica.sessions.rate(ada.principal, session.id, "m1", "up", "")
    ended = TurnEnded(message_id="m1", stop_reason="end", duration_ms=1)
    async with replica.db.transaction() as tx:
        await replica.turns.end(tx, replica.leases[session.id], [], ended, "coder")
    long_ago = utc_now() - timedelta(days=60)
    async with replica.db.transaction() as tx:
        row = {"session_id": session.id, "started_at": long_ago}
        await tx.execute(sa.insert(turns), [{"id": first_id(long_ago), **row}])
        for status, by in (("approved", "ada"), ("rejected", "ada"), ("approved", "policy")):
            await tx.execute(sa.insert(approvals).values(**approval(ada, session, status, by)))

    # Another number of days: the answer to the first question is kept for a while.
    figures = await read(http, "figures?days=7", root)
    assert figures["talk"] == nothing | {
        "sessions": 1,
        "turns": 1,
        "endings": {"end": 1},
        "thumbs_up": 1,
    }
    assert figures["approvals"] == {"approved": 1, "rejected": 1}
    assert await answers(replica.db, utc_now() + timedelta(seconds=1)) == {}
    assert (await read(http, "figures?days=90", root))["talk"]["turns"] == 2


def approval(user: User, session: SessionRecord, status: str, by: str) -> dict[str, Any]:
    """Make the row of a request that was answered."""
    texts = dict.fromkeys(("turn_id", "call_id", "agent", "tool", "digest"), "t")
    sealed = dict.fromkeys(("parameters", "preview"), b"")
    moments = dict.fromkeys(("created_at", "expires_at", "responded_at"), utc_now())
    return {
        "id": new_id(),
        "session_id": session.id,
        "user_id": user.principal.user_id,
        "risk": "low",
        "status": status,
        "responded_by": by,
        **texts,
        **sealed,
        **moments,
    }

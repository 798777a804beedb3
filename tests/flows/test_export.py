"""A user takes all of their data along and leaves: nothing of theirs stays behind."""

from __future__ import annotations

import io
import zipfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import create_async_engine

from tests.conftest import Stores
from tests.flows.harness import PASSWORD, Client, CodeLab, approve, send, signed_in
from tests.flows.installations import Installations
from tests.model_server.process import ModelServer
from tests.model_server.script import Reply, ToolCall
from tests.support.http import one_by_one

BOB = {"username": "bob", "password": "another-long-password"}
# What was recorded outlives what it is about.
KEPT = {"audit_log"}


@pytest.fixture
async def codelab(
    tmp_path: Path,
    project: Path,
    stores: Stores,
    models_yaml: str,
    installations: Installations,
) -> AsyncIterator[CodeLab]:
    """A server on which users may open projects of their own."""
    (tmp_path / "own" / "notes").mkdir(parents=True)
    extra = {"CODELAB_WORKSPACES_ROOT": str(tmp_path / "own")}
    server = CodeLab(tmp_path, project, stores, models_yaml, extra)
    installations.furnish(server)
    await server.start()
    try:
        yield server
    finally:
        server.stop()


async def row_counts(database_url: str) -> dict[str, int]:
    """Count the rows of every table that keeps nothing of users who left."""
    engine = create_async_engine(database_url)
    try:
        async with engine.connect() as db:
            tables = await db.run_sync(lambda sync: sa.inspect(sync).get_table_names())
            return {
                name: (
                    await db.execute(sa.select(sa.func.count()).select_from(sa.table(name)))
                ).scalar_one()
                for name in tables
                if name not in KEPT
            }
    finally:
        await engine.dispose()


async def sign_bob_in(ada: Client) -> Client:
    """Have the administrator make a second user, who signs in."""
    await ada.call("POST", "admin/users", BOB)
    tokens = await ada.call("POST", "auth/login", BOB)
    tokens = await ada.call("POST", "auth/refresh", {"refresh_token": tokens["refresh_token"]})
    return Client(ada.server, ada.http, tokens["access_token"])


async def exported(client: Client) -> dict[str, Any]:
    """Fetch one's data."""
    url = f"{client.server.url}/api/v1/users/me/export"
    async with client.http.get(url, headers=client.headers) as response:
        assert response.status == 200, await response.text()
        assert response.content_type == "application/zip"
        archive = zipfile.ZipFile(io.BytesIO(await response.read()))
    return {name: msgspec.json.decode(archive.read(name)) for name in archive.namelist()}


async def test_a_user_exports_everything_and_leaves_nothing(
    codelab: CodeLab, tmp_path: Path, model_server: ModelServer, model_key: str
) -> None:
    write = ToolCall("write_file", {"path": "plan.md", "content": "# Plan\n"})
    await model_server.script(
        model_key,
        [
            Reply(tool_calls=[write]),
            Reply(text="The plan is written."),
            Reply(tool_calls=[ToolCall("delete_file", {"path": "plan.md"})]),
        ],
    )
    async with signed_in(codelab) as ada:
        before = await row_counts(codelab.stores.database_url)
        bob = await sign_bob_in(ada)
        await bob.call("POST", "auth/ws-ticket")
        token = await bob.call("POST", "users/me/tokens", {"name": "laptop"})
        workspace = await bob.call("POST", "workspaces", {"path": "notes"})
        body = {"workspace_id": workspace["id"], "title": "Plans"}
        session_id = (await bob.call("POST", "sessions", body))["id"]
        frames = await bob.turn(session_id, "@coder write a plan", approve)
        message_id = frames[-1]["data"]["message_id"]
        rating = {"message_id": message_id, "rating": "up", "comment": "Well done"}
        await bob.call("POST", f"sessions/{session_id}/feedback", rating)
        # The account ends in the middle of a turn that waits for its owner.
        async with bob.socket() as socket:
            await send(socket, "chat", session_id, message="@coder delete it again")
            async for frame in socket:
                if '"waiting"' in str(frame):
                    break

        rule = {"session_id": session_id, "decision": "ask", "tool": "read_file"}
        await bob.call("POST", "hitl/rules", rule)
        found = await exported(bob)

        assert found["profile.json"]["username"] == "bob"
        assert [one["name"] for one in found["tokens.json"]] == ["laptop"]
        assert workspace["id"] in {one["id"] for one in found["workspaces.json"]}
        (session,) = found["sessions.json"]
        assert session["session"]["title"] == "Plans"
        page = await bob.call("GET", f"sessions/{session_id}/events")
        assert [entry["seq"] for entry in session["log"]] == [
            frame["seq"] for frame in page["events"]
        ]
        assert "The plan is written." in str(session["log"])
        statuses = {one["tool"]: one["status"] for one in found["approvals.json"]}
        assert statuses == {"write_file": "approved", "delete_file": "pending"}
        assert [one["comment"] for one in found["feedback.json"]] == ["Well done"]
        assert [one["model"] for one in found["usage.json"]] == ["scripted"] * 3
        assert {"auth.signed_in", "tool.executed"} <= {one["action"] for one in found["audit.json"]}
        assert [one["rule"]["tool"] for one in found["rules.json"]] == ["read_file"]
        assert PASSWORD not in str(found)
        assert BOB["password"] not in str(found)
        assert token["token"] not in str(found)

        held = await row_counts(codelab.stores.database_url)
        assert {name for name in before if held[name] > before[name]} >= {
            *("users", "token_families", "refresh_tokens", "ws_tickets", "workspaces"),
            *("sessions", "session_entries", "turns", "feedback"),
            *("approvals", "policy_rules", "llm_usage", "api_tokens"),
        }
        await bob.call("DELETE", "users/me", {"password": BOB["password"]})

        assert await row_counts(codelab.stores.database_url) == before
        await bob.call("GET", "auth/me", expect=401)
        record = await ada.call("GET", "admin/audit?action=auth.user_deleted")
        assert [entry["details"]["name"] for entry in record] == ["bob"]
    assert (tmp_path / "own/notes/plan.md").read_text() == "# Plan\n", "the files are the user's"
    async with one_by_one() as http:
        url = f"{codelab.url}/api/v1/users/me/export"
        async with http.get(url) as response:
            assert response.status == 401

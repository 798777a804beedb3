"""Changes of files reach those who look at them, and nobody else."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from websockets.asyncio.client import ClientConnection

from codelab.sessions.api import SessionRecord
from codelab.tools.events import ToolExecuted
from codelab.workspace.events import FileMoved, WorkspaceDeleted
from tests.gateway.conftest import NewUser
from tests.gateway.rig import Replica, User, open_session, read, send, sign_up


def project(tmp_path: Path, name: str = "ada") -> Path:
    return tmp_path / f"project-{name}"


async def ask(socket: ClientConnection, kind: str, workspace_id: str) -> None:
    await send(socket, {"type": kind, "id": kind, "data": {"workspace_id": workspace_id}})


async def changed(socket: ClientConnection) -> dict[str, Any]:
    while True:
        frame = await read(socket)
        if frame["type"] == "files_changed":
            data: dict[str, Any] = frame["data"]
            return data


async def watching(socket: ClientConnection, workspace_id: str) -> None:
    """Watch, and wait until changes are told."""
    assert (await read(socket))["type"] == "hello"
    await ask(socket, "watch", workspace_id)
    first = await changed(socket)
    assert first == {
        "workspace_id": workspace_id,
        "paths": [],
        "folders": [],
        "more": False,
        "git": False,
        "watching": True,
        "reason": "",
    }


async def told(socket: ClientConnection, *paths: str) -> dict[str, set[str]]:
    """Gather changes until all of these paths were told."""
    seen: dict[str, set[str]] = {"paths": set(), "folders": set()}
    while not set(paths) <= seen["paths"]:
        data = await changed(socket)
        assert not data["more"]
        seen["paths"].update(data["paths"])
        seen["folders"].update(data["folders"])
    return seen


async def test_what_others_change_is_told(
    replica: Replica, ada: User, session: SessionRecord, tmp_path: Path
) -> None:
    root = project(tmp_path)
    for folder in ("src", "node_modules/deep", ".git/refs"):
        (root / folder).mkdir(parents=True)
    (root / "src" / "old.py").write_text("x", "utf-8")
    async with ada.socket(replica) as socket:
        await watching(socket, session.workspace_id)
        (root / "src" / "old.py").write_text("y", "utf-8")
        seen = await told(socket, "src/old.py")
        assert seen["folders"] == set()
        # Nothing is told of what is excluded, nor of what is only being written.
        (root / "node_modules" / "deep" / "x.js").write_text("x", "utf-8")
        (root / f".codelab-{'0' * 32}.tmp").write_text("x", "utf-8")
        (root / "src" / "old.py").rename(root / "new.py")
        seen = await told(socket, "src/old.py", "new.py")
        assert seen == {"paths": {"src/old.py", "new.py"}, "folders": {"src", "."}}
        # A folder that is new is watched as well, however deep it comes.
        (root / "a" / "b").mkdir(parents=True)
        await told(socket, "a")
        (root / "a" / "b" / "c.txt").write_text("x", "utf-8")
        await told(socket, "a/b/c.txt")
        (root / "a").rename(root / "z")
        await told(socket, "a", "z")
        (root / "z" / "b" / "c.txt").unlink()
        await told(socket, "z/b/c.txt")
        (root / ".git" / "index").write_text("x", "utf-8")
        data = await changed(socket)
        assert data["git"] and data["paths"] == []


async def test_a_storm_is_told_in_few_frames(
    replica: Replica, ada: User, session: SessionRecord, tmp_path: Path
) -> None:
    root = project(tmp_path)
    async with ada.socket(replica) as socket:
        await watching(socket, session.workspace_id)
        # So quick that a busy machine has many in a tenth of a second, too.
        script = "import os\nfor i in range(4000): os.mknod(f'f{i}')"
        process = await asyncio.create_subprocess_exec("python3", "-c", script, cwd=root)
        assert await process.wait() == 0
        (root / "last").write_text("x", "utf-8")
        frames = [await changed(socket)]
        while "last" not in frames[-1]["paths"] and not frames[-1]["more"]:
            frames.append(await changed(socket))
        assert all(len(frame["paths"]) <= 100 for frame in frames)
        assert any(frame["more"] for frame in frames)
        assert {folder for frame in frames for folder in frame["folders"]} == {"."}


async def test_nobody_else_is_told(
    replica: Replica, ada: User, new_user: NewUser, session: SessionRecord, tmp_path: Path
) -> None:
    eve = await new_user("eve")
    async with eve.socket(replica) as other:
        await read(other)
        await ask(other, "watch", session.workspace_id)
        refused = await read(other)
        assert (refused["type"], refused["data"]["code"]) == ("error", "not_found")
    async with ada.socket(replica) as socket, ada.socket(replica) as second:
        await watching(socket, session.workspace_id)
        await watching(second, session.workspace_id)
        await ask(socket, "unwatch", session.workspace_id)
        while (await read(socket)).get("id") != "unwatch":
            pass
        (project(tmp_path) / "a.txt").write_text("x", "utf-8")
        await told(second, "a.txt")
        await send(socket, {"type": "ping"})
        assert (await read(socket))["type"] == "pong"
        # A workspace that is gone is watched by nobody.
        await replica.workspaces.delete(ada.principal, session.workspace_id)
        data = await changed(second)
        assert not data["watching"] and data["reason"]
        (project(tmp_path) / "b.txt").write_text("x", "utf-8")
        await send(second, {"type": "ping"})
        assert (await read(second))["type"] == "pong"


@contextmanager
def taken_away(file: Path) -> Iterator[None]:
    """Put a folder into a file's place for a while."""
    away = file.rename(file.with_name("away"))
    file.mkdir()
    yield
    file.rmdir()
    away.rename(file)


async def test_a_database_that_is_away_takes_nobody_their_view(
    replica: Replica, ada: User, session: SessionRecord, sqlite_url: str
) -> None:
    # It has everybody's right checked again.
    deleted = WorkspaceDeleted(workspace_id=session.workspace_id, user_id=ada.principal.user_id)
    async with ada.socket(replica) as socket:
        await watching(socket, session.workspace_id)
        # No connection that is open already may be used, one that is lent right now included.
        await replica.db.close()
        with taken_away(Path(sqlite_url.partition("///")[2])):
            replica.bus.publish(deleted)
            assert (await changed(socket))["watching"]


async def test_what_another_replica_changes_is_told_although_the_kernel_is_silent(
    pair: tuple[Replica, Replica], tmp_path: Path
) -> None:
    here, there = pair
    ada = await sign_up(here, "ada")
    session = await open_session(here, ada, tmp_path)
    async with ada.socket(there) as socket:
        await watching(socket, session.workspace_id)
        await there.relay.settled(f"files:{session.workspace_id}")
        here.bus.publish(
            FileMoved(
                workspace_id=session.workspace_id,
                user_id=ada.principal.user_id,
                path="b/new.py",
                old_path="old.py",
                is_folder=False,
            )
        )
        data = await changed(socket)
        assert (data["paths"], data["folders"]) == (["old.py", "b/new.py"], [".", "b"])
        executed: dict[str, Any] = {"agent": "coder", "call_id": "c", "ok": True, "digest": "d"}
        here.bus.publish(
            ToolExecuted(
                session_id=session.id,
                user_id=ada.principal.user_id,
                tool="execute_command",
                duration_ms=1,
                **executed,
            )
        )
        assert (await changed(socket))["more"]

"""Workspaces in use are followed: by real watchers, real git and a real worker."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Collection
from functools import partial
from pathlib import Path

import pytest

from codelab.auth.api import Principal
from codelab.auth.models import users
from codelab.kit.bus import Bus
from codelab.kit.db import Database
from codelab.retrieval.index.opening import WritableIndex
from codelab.retrieval.indexing.following import Following
from codelab.retrieval.settings import IndexingSettings
from codelab.workspace.api import Workspaces, WorkspaceSettings
from codelab.workspace.events import FileWritten, WorkspaceDeleted
from codelab.workspace.models import workspaces as table
from tests.retrieval.indexing.conftest import Project, until
from tests.support.tables import make_tables
from tests.workspace.places import git

_ENDS = ("ready", "elsewhere", "failed")
ANN = Principal(user_id="a" * 32, name="ann")


class Followed:
    """A project that a server offers, and what follows it."""

    def __init__(self, workspaces: Workspaces, bus: Bus, data_dir: Path) -> None:
        self.workspaces = workspaces
        self.bus = bus
        self.data_dir = data_dir
        self.told: list[tuple[str, Collection[str] | None]] = []
        self.made: list[Following] = []

    def _hear(self, workspace_id: str, paths: Collection[str] | None) -> None:
        self.told.append((workspace_id, paths))

    async def follow(
        self,
        project: Project,
        reconcile_s: float = 300,
        rebuild_s: float = 0,
        rest_s: float = 1800,
    ) -> tuple[Following, str]:
        record = await self.workspaces.ensure(project.root)
        folder = self.data_dir / "index"
        project.folder = folder / record.id
        asked = IndexingSettings(
            folder=folder, reconcile_s=reconcile_s, rebuild_s=rebuild_s, rest_s=rest_s
        )
        following = Following(self.workspaces, self.bus, asked, self._hear)
        self.made.append(following)
        await following.start()
        following.open(record.id)
        await until(lambda: following.standing(record.id).phase in _ENDS)
        return following, record.id


@pytest.fixture
async def followed(tmp_path: Path) -> AsyncIterator[Followed]:
    bus = Bus()
    db = Database(f"sqlite+aiosqlite:///{tmp_path}/codelab.db", bus)
    await make_tables(db, [users, table])
    data_dir = tmp_path / "data"
    data_dir.mkdir()
    workspaces = Workspaces(db, WorkspaceSettings(data_dir=data_dir))
    made = Followed(workspaces, bus, data_dir)
    yield made
    for following in made.made:
        await following.close()
    await workspaces.close()
    await db.close()


def _holds(project: Project, name: str) -> bool:
    return project.find(name) != []


@pytest.fixture(autouse=True)
def furnished(project: Project) -> None:
    project.write("src/parser.py", "def parse_header(line):\n    return line\n")
    project.write("src/sockets.py", "def close_socket():\n    pass\n")


async def test_an_opened_workspace_is_indexed(followed: Followed, project: Project) -> None:
    following, workspace_id = await followed.follow(project)
    assert project.find("header") == ["src/parser.py"]
    standing = following.standing(workspace_id)
    assert (standing.done, standing.of, standing.note) == (2, 2, "")
    assert time.time() - standing.compared_at < 60
    assert followed.told == [(workspace_id, None)]
    assert following.standing("other").phase == "unknown"


async def test_changes_from_outside_are_found_soon(followed: Followed, project: Project) -> None:
    _, workspace_id = await followed.follow(project)
    took: list[float] = []
    for number in range(10):
        began = time.monotonic()
        project.write("src/parser.py", f"def needle{number}needle():\n    pass\n")
        await until(partial(_holds, project, f"needle{number}needle"))
        took.append(time.monotonic() - began)
    assert sorted(took)[5] < 1.5
    (project.root / "src").rename(project.root / "lib")
    await until(lambda: project.paths() == ["lib/parser.py", "lib/sockets.py"])
    assert {one for one, _ in followed.told} == {workspace_id}
    assert "src/parser.py" in (followed.told[1][1] or ())


async def test_what_the_server_itself_writes_is_looked_at_at_once(
    followed: Followed, project: Project
) -> None:
    following, workspace_id = await followed.follow(project)
    project.write("src/parser.py", "def needle():\n    pass\n")
    followed.bus.publish(
        FileWritten(
            workspace_id=workspace_id, user_id=ANN.user_id, path="src/parser.py", digest="0" * 64
        )
    )
    await until(lambda: project.find("needle") == ["src/parser.py"])
    following.changed(workspace_id, ["src/gone.py"])
    following.changed("other", ["src/gone.py"])


async def test_what_was_told_is_known_to_the_next_question(
    followed: Followed, project: Project
) -> None:
    following, workspace_id = await followed.follow(project)
    for number, told in enumerate((["src/parser.py"], [])):
        project.write("src/parser.py", f"def needle{number}needle():\n    pass\n")
        # Before anybody else has noticed.
        following.changed(workspace_id, told)
        await following.settled(workspace_id)
        assert _holds(project, f"needle{number}needle")


async def test_ignore_files_change_what_is_there(followed: Followed, project: Project) -> None:
    await followed.follow(project)
    project.write(".codelabignore", "sockets.py\n")
    await until(lambda: project.paths() == ["src/parser.py"])
    (project.root / ".codelabignore").unlink()
    await until(lambda: len(project.paths()) == 2)


async def test_branches_and_past_commits(followed: Followed, project: Project) -> None:
    if (await followed.workspaces.sandbox()).layer == "none":
        pytest.skip("git runs in a box alone, and none can be built here")
    git(project.root, "init", "-q", "-b", "main")
    git(project.root, "add", "--all")
    git(project.root, "commit", "-qm", "Survive truncated frames (#7)")
    await followed.follow(project)
    assert project.said("truncation") == ["src/parser.py", "src/sockets.py"]
    git(project.root, "switch", "-qc", "other")
    project.write("src/parser.py", "def needle():\n    pass\n")
    git(project.root, "commit", "-qam", "Reconnect lazily")
    await until(lambda: project.said("reconnecting") == ["src/parser.py"])
    git(project.root, "switch", "-q", "main")
    await until(lambda: project.find("needle") == [] and project.said("reconnecting") == [])


async def test_a_killed_worker_is_replaced(followed: Followed, project: Project) -> None:
    following, _ = await followed.follow(project)
    worker = following.worker_id
    assert worker
    os.kill(worker, signal.SIGKILL)
    project.write("src/new.py", "def needle():\n    pass\n")
    await until(lambda: project.find("needle") == ["src/new.py"])
    assert following.worker_id != worker


async def test_another_server_that_writes_is_waited_for(
    followed: Followed, project: Project
) -> None:
    record = await followed.workspaces.ensure(project.root)
    held = WritableIndex(followed.data_dir / "index" / record.id, "fts5")
    following, workspace_id = await followed.follow(project, reconcile_s=0.2)
    assert following.standing(workspace_id).phase == "elsewhere"
    held.close()
    await until(lambda: following.standing(workspace_id).phase == "ready")
    assert len(project.paths()) == 2


async def test_an_index_is_made_anew_on_demand_and_when_it_is_old(
    followed: Followed, project: Project
) -> None:
    def folder() -> str:
        return max((one.name for one in project.folder.iterdir() if one.name.isdecimal()), key=int)

    following, workspace_id = await followed.follow(project)
    assert folder() == "1"
    await following.rebuild(workspace_id)
    assert folder() == "2"
    assert len(project.paths()) == 2
    await following.close()
    await followed.follow(project, rebuild_s=0.001)
    assert int(folder()) > 2
    assert len(project.paths()) == 2


async def test_a_disk_that_takes_nothing_is_said_and_tried_again(
    followed: Followed, project: Project
) -> None:
    (followed.data_dir / "index").write_text("in its place")
    following, workspace_id = await followed.follow(project, reconcile_s=0.2)
    standing = following.standing(workspace_id)
    assert (standing.phase, standing.note) == (
        "failed",
        "The folder of the index cannot be written.",
    )
    (followed.data_dir / "index").unlink()
    await until(lambda: following.standing(workspace_id).phase == "ready")
    assert following.standing(workspace_id).note == ""
    assert len(project.paths()) == 2


async def test_a_folder_that_was_away_is_followed_again(
    followed: Followed, project: Project
) -> None:
    following, workspace_id = await followed.follow(project, reconcile_s=0.2)
    away = project.root.rename(project.root.with_name("away"))
    await until(lambda: following.standing(workspace_id).phase == "failed")
    assert len(project.paths()) == 2
    away.rename(project.root)
    await until(lambda: following.standing(workspace_id).phase == "ready")
    project.write("src/new.py", "def needle():\n    pass\n")
    await until(lambda: project.find("needle") == ["src/new.py"])


async def test_a_workspace_that_nobody_uses_rests(followed: Followed, project: Project) -> None:
    following, workspace_id = await followed.follow(project, rest_s=0.3)
    await until(lambda: following.worker_id is None)
    assert following.standing(workspace_id).phase == "unknown"
    # Somebody else may write it now.
    WritableIndex(project.folder, "fts5").close()
    project.write("src/new.py", "def needle():\n    pass\n")
    following.open(workspace_id)
    await until(lambda: project.find("needle") == ["src/new.py"])


async def test_a_deleted_workspace_leaves_no_index(followed: Followed, project: Project) -> None:
    _, workspace_id = await followed.follow(project)
    followed.bus.publish(WorkspaceDeleted(workspace_id=workspace_id, user_id=ANN.user_id))
    await until(lambda: not project.folder.exists())


async def test_the_server_loads_nothing_heavy_for_it() -> None:
    program = """
import sys
import codelab.retrieval.indexing.following
print([name for name in ("apsw", "numpy", "snowballstemmer", "tree_sitter") if name in sys.modules])
"""
    words = (sys.executable, "-c", program)
    process = await asyncio.create_subprocess_exec(*words, stdout=subprocess.PIPE)
    assert (await process.communicate())[0] == b"[]\n"

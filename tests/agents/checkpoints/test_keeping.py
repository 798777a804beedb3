"""What several do to a project at the same time is nobody's alone."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path

import pytest

from codelab.agents.checkpoints.keeping import Keeper, Kept
from codelab.kit.bus import Bus
from codelab.workspace.api import Keeping, SnapshotStore
from codelab.workspace.events import FileWritten
from codelab.workspace.sandbox.sandbox import Sandbox
from codelab.workspace.settings import WorkspaceSettings
from tests.agents.stage import until
from tests.workspace.places import git

WORKSPACE, MINE, THEIRS = "a" * 32, "5" * 32, "6" * 32


@pytest.fixture
def bus() -> Bus:
    return Bus()


@pytest.fixture
async def keeper(tmp_path: Path, bus: Bus) -> Keeper:
    sandbox = Sandbox(WorkspaceSettings(data_dir=tmp_path / "data"))
    if (standing := await sandbox.standing()).layer == "none":
        pytest.skip(f"no box can be built here: {standing.reason}")
    return Keeper(SnapshotStore(tmp_path / "checkpoints", sandbox, Keeping()), bus)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "a.txt").write_text("start")
    return folder


def shared(kept: Kept) -> dict[str, bool]:
    return {change.path: change.shared for change in kept.changes}


@pytest.mark.parametrize("command_begins_first", [True, False])
async def test_a_command_does_not_claim_what_a_call_still_writes(
    keeper: Keeper, root: Path, *, command_begins_first: bool
) -> None:
    begun = {}
    for is_command in (command_begins_first, not command_begins_first):
        session, paths = (MINE, ()) if is_command else (THEIRS, ("a.txt",))
        begun[is_command] = await keeper.begin(WORKSPACE, root, session, paths)
    (root / "a.txt").write_text("theirs")
    (root / "b.txt").write_text("mine")
    assert shared(await keeper.finish(begun[True])) == {"a.txt": True, "b.txt": False}


async def test_two_calls_that_write_the_same_file_share_it(keeper: Keeper, root: Path) -> None:
    mine = await keeper.begin(WORKSPACE, root, MINE, ("a.txt",))
    theirs = await keeper.begin(WORKSPACE, root, THEIRS, ("a.txt",))
    (root / "a.txt").write_text("theirs, then mine")
    assert shared(await keeper.finish(mine)) == {"a.txt": True}
    assert shared(await keeper.finish(theirs)) == {"a.txt": True}


async def test_what_is_saved_while_a_snapshot_is_taken_is_not_the_calls(
    keeper: Keeper, bus: Bus, root: Path
) -> None:
    lock = keeper.snapshots.folder / f"lock-{WORKSPACE[-2:]}"

    def is_waited_for() -> bool:
        return sum(one.resolve() == lock for one in Path("/proc/self/fd").iterdir()) > 1

    async with keeper.snapshots.opened(WORKSPACE):
        beginning = asyncio.create_task(keeper.begin(WORKSPACE, root, MINE, whole=True))
        await until(is_waited_for)
        bus.publish(FileWritten(workspace_id=WORKSPACE, user_id="c" * 32, path="a.txt", digest=""))
    watch = await beginning
    (root / "a.txt").write_text("by whom?")
    assert shared(await keeper.finish(watch)) == {"a.txt": True}


async def test_what_is_saved_by_way_of_a_link_is_known_where_it_lies(
    keeper: Keeper, root: Path
) -> None:
    (root / "real").mkdir()
    (root / "link").symlink_to("real")
    watch = await keeper.begin(WORKSPACE, root, MINE)
    (root / "link" / "b.txt").write_text("by a colleague")
    keeper.touch(WORKSPACE, ["link/b.txt"])
    assert shared(await keeper.finish(watch)) == {"real/b.txt": True}


async def test_what_lay_in_a_repository_within_the_project_is_not_taken_for_new(
    keeper: Keeper, root: Path
) -> None:
    (root / "lib").mkdir()
    git(root / "lib", "init", "-q")
    (root / "lib" / "precious.txt").write_text("precious")
    watch = await keeper.begin(WORKSPACE, root, MINE)
    shutil.rmtree(root / "lib" / ".git")
    (root / "new.txt").write_text("new")
    found = shared(await keeper.finish(watch))
    assert found == {"lib/precious.txt": True, "new.txt": False}

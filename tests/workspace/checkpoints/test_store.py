"""Snapshots hold a project byte by byte and leave no trace in it."""

import asyncio
import os
import time
from pathlib import Path

import pytest

from codelab.kit.errors import CodeLabError
from codelab.kit.ids import new_id
from codelab.workspace.checkpoints.keeping import Keeping
from codelab.workspace.checkpoints.plan import FileChange, FileState
from codelab.workspace.checkpoints.pruning import Pruner
from codelab.workspace.checkpoints.selection import LARGEST_KEPT, real_paths
from codelab.workspace.checkpoints.store import Snapshot, SnapshotStore, name_of
from codelab.workspace.checkpoints.undoing import Undoing
from codelab.workspace.errors import CheckpointFailed
from codelab.workspace.paths import opened_root
from codelab.workspace.rules import Audience, Rules
from codelab.workspace.sandbox.box import Caps
from codelab.workspace.sandbox.sandbox import Sandbox
from codelab.workspace.settings import WorkspaceSettings
from tests.workspace.places import git, names

pytestmark = pytest.mark.usefixtures("boxed")

WORKSPACE, SESSION = "a" * 32, "5" * 32


@pytest.fixture
def store(data_dir: Path, sandbox: Sandbox) -> SnapshotStore:
    return SnapshotStore(data_dir / "checkpoints", sandbox, Keeping())


async def take(
    store: SnapshotStore,
    root: Path,
    since: Snapshot | None = None,
    *,
    paths: tuple[str, ...] | None = None,
) -> Snapshot:
    tree = since.tree if since else ""
    return await store.take(WORKSPACE, root, SESSION, paths=paths, since=tree)


async def content(store: SnapshotStore, root: Path, state: FileState | None) -> bytes:
    assert state is not None
    return (await store.contents(WORKSPACE, root, [state.blob]))[state.blob]


def now(root: Path, path: str) -> FileState | None:
    with opened_root(root) as descriptor:
        return Undoing(descriptor, Rules(Audience.HUMAN)).states([path])[path]


def by_path(snapshot: Snapshot) -> dict[str, FileChange]:
    return {change.path: change for change in snapshot.changes}


async def test_changes_are_found_byte_by_byte(store: SnapshotStore, root: Path) -> None:
    (root / "kept.txt").write_bytes(b"kept\n")
    (root / "changed.txt").write_bytes(b"one\r\ntwo\n\xff\0")
    (root / "gone.txt").write_bytes(b"gone")
    first = await take(store, root)
    (root / "changed.txt").write_bytes(b"three")
    (root / "gone.txt").unlink()
    (root / "sub").mkdir()
    (root / "sub" / "new\nname.sh").write_bytes(b"#!/bin/sh\n")
    (root / "sub" / "new\nname.sh").chmod(0o755)
    changes = by_path(await take(store, root, first))
    assert set(changes) == {"changed.txt", "gone.txt", "sub/new\nname.sh"}
    before = changes["changed.txt"].before
    assert await content(store, root, before) == b"one\r\ntwo\n\xff\0"
    assert changes["changed.txt"].after == now(root, "changed.txt")
    assert changes["gone.txt"].after is None is now(root, "gone.txt")
    assert changes["sub/new\nname.sh"].before is None
    assert changes["sub/new\nname.sh"].after == now(root, "sub/new\nname.sh")
    again = await take(store, root)
    assert (await take(store, root, again)).changes == ()


async def test_the_users_repository_is_not_touched(store: SnapshotStore, root: Path) -> None:
    git(root, "init", "-q")
    (root / "a.txt").write_text("a", "utf-8")
    git(root, "add", "a.txt")
    git(root, "commit", "-qm", "a")
    (root / "b.txt").write_text("b", "utf-8")
    before = {path: path.read_bytes() for path in (root / ".git").rglob("*") if path.is_file()}
    first = await take(store, root)
    (root / "a.txt").write_text("changed", "utf-8")
    assert list(by_path(await take(store, root, first))) == ["a.txt"]
    after = {path: path.read_bytes() for path in (root / ".git").rglob("*") if path.is_file()}
    assert after == before
    assert names(root) == [".git", "a.txt", "b.txt"]


async def test_a_project_cannot_make_git_run_or_change_anything(
    store: SnapshotStore, root: Path
) -> None:
    marks = root / "marks"
    marks.mkdir()
    git(root, "init", "-q")
    for name in ("core.fsmonitor", "filter.evil.clean", "filter.evil.smudge", "diff.external"):
        git(root, "config", name, f"touch {marks}/{name}; cat")
    (root / ".gitattributes").write_text("* text eol=crlf filter=evil ident\n", "utf-8")
    (root / "a.txt").write_bytes(b"$Id$\nline\n")
    first = await take(store, root)
    (root / "a.txt").write_bytes(b"$Id$\nother\n")
    (change,) = (await take(store, root, first)).changes
    assert await content(store, root, change.before) == b"$Id$\nline\n"
    assert names(marks) == []


async def test_large_files_are_left_out_and_named(store: SnapshotStore, root: Path) -> None:
    (root / "large.bin").write_bytes(b"x" * (LARGEST_KEPT + 1))
    (root / "small.txt").write_text("small", "utf-8")
    (root / ".gitignore").write_text("ignored.txt\n", "utf-8")
    (root / "ignored.txt").write_text("ignored", "utf-8")
    os.mkfifo(root / "pipe")
    first = await take(store, root)
    assert first.left_out == ("large.bin",)
    (root / "large.bin").write_bytes(b"y" * (LARGEST_KEPT + 1))
    (root / "ignored.txt").write_text("changed", "utf-8")
    (root / "small.txt").write_text("changed", "utf-8")
    second = await take(store, root, first)
    assert list(by_path(second)) == ["small.txt"]
    assert second.left_out == ("large.bin",)


async def test_a_file_that_grew_too_large_is_not_taken_for_what_it_was(
    store: SnapshotStore, root: Path
) -> None:
    (root / "data.bin").write_bytes(b"small")
    first = await take(store, root)
    (root / "data.bin").write_bytes(b"x" * (LARGEST_KEPT + 1))
    second = await take(store, root, first)
    assert second.left_out == ("data.bin",)
    (root / "data.bin").write_bytes(b"small again")
    # What there was between is not kept: nobody may think that the first content was.
    assert by_path(await take(store, root, second))["data.bin"].before is None


async def test_only_the_paths_that_are_named_are_looked_at(
    store: SnapshotStore, root: Path
) -> None:
    (root / "src").mkdir()
    (root / "src" / "a.py").write_text("a", "utf-8")
    (root / "link").symlink_to("src")
    (root / "b.py").write_text("b", "utf-8")
    first = await take(store, root)
    (root / "src" / "a.py").write_text("changed", "utf-8")
    (root / "b.py").write_text("by a colleague", "utf-8")
    paths = real_paths(root, ["link/a.py", "new/deep/c.py"])
    assert paths == ("src/a.py", "new/deep/c.py")
    assert list(by_path(await take(store, root, first, paths=paths))) == ["src/a.py"]
    assert real_paths(root, ["b.py", "src"]) is None
    assert real_paths(root, ["."]) is None
    assert real_paths(root, []) is None


async def test_odd_layouts_are_no_obstacle(store: SnapshotStore, root: Path) -> None:
    for name in ("becomes-link", "becomes-folder", "becomes-pipe"):
        (root / name).write_text("content", "utf-8")
    (root / "nested").mkdir()
    git(root / "nested", "init", "-q")
    (root / "nested" / "own.txt").write_text("own", "utf-8")
    git(root / "nested", "add", ".")
    git(root / "nested", "commit", "-qm", "own")
    (root / os.fsdecode(b"latin-\xe9")).write_text("odd", "utf-8")
    first = await take(store, root)
    assert first.left_out == ("latin-\\xe9", "nested/")
    for name in ("becomes-link", "becomes-folder", "becomes-pipe"):
        (root / name).unlink()
    (root / "becomes-link").symlink_to("/etc/passwd")
    (root / "becomes-folder").mkdir()
    (root / "becomes-folder" / "inner").write_text("inner", "utf-8")
    os.mkfifo(root / "becomes-pipe")
    (root / "nested" / "own.txt").write_text("changed", "utf-8")
    changes = by_path(await take(store, root, first))
    afters = {path: change.after and change.after.mode for path, change in changes.items()}
    assert afters == {
        "becomes-link": "120000",
        "becomes-folder": None,
        "becomes-folder/inner": "100644",
        "becomes-pipe": None,
    }
    # None of them is a file now, and that is not the same as nothing.
    assert {now(root, path) for path in afters if "/" not in path} == {FileState("", "000000")}


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
async def test_what_may_not_be_read_is_left_out(store: SnapshotStore, root: Path) -> None:
    (root / "a.txt").write_text("a", "utf-8")
    (root / "closed.txt").write_text("closed", "utf-8")
    (root / "closed.txt").chmod(0)
    first = await take(store, root)
    assert first.left_out == ("closed.txt",)
    (root / "a.txt").write_text("changed", "utf-8")
    assert list(by_path(await take(store, root, first))) == ["a.txt"]


async def test_a_snapshot_can_be_named_later(store: SnapshotStore, root: Path) -> None:
    (root / "a.txt").write_text("a", "utf-8")
    first = await take(store, root)
    (root / "a.txt").write_text("b", "utf-8")
    since = name_of(SESSION, first.id)
    later = await store.take(WORKSPACE, root, SESSION, since=since)
    assert list(by_path(later)) == ["a.txt"]
    assert await store.known(WORKSPACE, SESSION) == {first.id, later.id}


async def test_several_servers_may_keep_the_same_project_at_once(
    store: SnapshotStore, root: Path, data_dir: Path, settings: WorkspaceSettings
) -> None:
    others = [SnapshotStore(store.folder, Sandbox(settings), Keeping()) for _ in range(3)]
    for number in range(12):
        (root / f"{number}.txt").write_text(str(number), "utf-8")
    (store.folder / WORKSPACE).mkdir(parents=True)
    # As a server that was killed in the middle leaves it.
    (store.folder / WORKSPACE / "index.lock").write_bytes(b"")
    every = [store, *others]
    work = [take(one, root) for one in every * 3]
    taken = await asyncio.gather(*work, Pruner(store).prune(WORKSPACE))
    trees = {one.tree for one in taken if isinstance(one, Snapshot)}
    assert len(trees) == 1
    assert len(await store.known(WORKSPACE, SESSION)) == 12
    left = [name for name in names(store.folder / WORKSPACE) if new_id()[:6] in name]
    assert left == []


async def test_a_full_disk_is_said_and_leaves_nothing_half_done(
    store: SnapshotStore, root: Path, data_dir: Path
) -> None:
    (root / "a.txt").write_bytes(os.urandom(100_000))
    first = await take(store, root)
    (root / "a.txt").write_bytes(os.urandom(100_000))
    tight = Sandbox(WorkspaceSettings(data_dir=data_dir, caps=Caps(file_mb=0)))
    with pytest.raises(CheckpointFailed):
        await take(SnapshotStore(store.folder, tight, Keeping()), root)
    huge = Keeping(spare_mb=10**9)
    with pytest.raises(CheckpointFailed, match="MB of the disk are free"):
        await take(SnapshotStore(store.folder, Sandbox(store_settings(data_dir)), huge), root)
    # As soon as there is room, it goes on.
    assert list(by_path(await take(store, root, first))) == ["a.txt"]


async def test_too_much_at_once_is_refused(
    store: SnapshotStore, root: Path, sandbox: Sandbox
) -> None:
    (root / "a.bin").write_bytes(os.urandom(1_500_000))
    small = SnapshotStore(store.folder, sandbox, Keeping(workspace_mb=1))
    with pytest.raises(CheckpointFailed, match="more than 1 MB are new"):
        await take(small, root)


async def test_no_box_no_snapshot(root: Path, data_dir: Path, store: SnapshotStore) -> None:
    none = Sandbox(WorkspaceSettings(data_dir=data_dir, sandbox="none"))
    with pytest.raises(CodeLabError, match="switched them off"):
        await take(SnapshotStore(store.folder, none, Keeping()), root)


async def test_old_snapshots_are_forgotten(store: SnapshotStore, root: Path) -> None:
    pruner = Pruner(store)
    (root / "a.txt").write_bytes(os.urandom(1000))
    old = await take(store, root)
    blob = now(root, "a.txt")
    (root / "a.txt").write_bytes(os.urandom(1000))
    refs = store.folder / WORKSPACE / "refs" / "checkpoints" / SESSION
    week_ago = f"{int((time.time() - 8 * 24 * 3600) * 1000):012x}{new_id()[12:]}"
    (refs / old.id).rename(refs / week_ago)
    new = await take(store, root)
    assert await content(store, root, blob)
    await pruner.prune(WORKSPACE)
    assert await store.known(WORKSPACE, SESSION) == {new.id}
    assert blob is not None
    assert await store.contents(WORKSPACE, root, [blob.blob]) == {}
    # By then git has put the names together in one file.
    await pruner.prune(WORKSPACE, now=time.time() + 8 * 24 * 3600)
    assert await store.known(WORKSPACE, SESSION) == frozenset()


async def test_what_a_killed_git_left_is_in_nobodys_way(store: SnapshotStore, root: Path) -> None:
    (root / "a.txt").write_text("a", "utf-8")
    first = await take(store, root)
    place = store.folder / WORKSPACE
    for name in ("index.lock", "packed-refs.lock", "gc.pid.lock"):
        (place / name).touch()
    # In the box there is always a process of this number.
    (place / "gc.pid").write_text("2 another-host", "utf-8")
    await Pruner(store).prune(WORKSPACE, now=time.time() + 8 * 24 * 3600)
    assert await store.known(WORKSPACE, SESSION) == frozenset()
    (root / "a.txt").write_text("b", "utf-8")
    assert list(by_path(await take(store, root, first))) == ["a.txt"]


async def test_a_deleted_sessions_snapshots_are_forgotten(store: SnapshotStore, root: Path) -> None:
    (root / "a.txt").write_text("a", "utf-8")
    kept = await take(store, root)
    await store.take(WORKSPACE, root, "6" * 32)
    pruner = Pruner(store)
    assert await pruner.workspaces() == [WORKSPACE]
    assert await pruner.sessions(WORKSPACE) == {SESSION, "6" * 32}
    await pruner.prune(WORKSPACE, ["6" * 32])
    assert await pruner.sessions(WORKSPACE) == {SESSION}
    assert await store.known(WORKSPACE, SESSION) == {kept.id}


async def test_a_store_keeps_within_its_bounds(
    store: SnapshotStore, root: Path, sandbox: Sandbox
) -> None:
    small = SnapshotStore(store.folder, sandbox, Keeping(workspace_mb=2, total_mb=1))
    taken = []
    for _ in range(4):
        (root / "a.bin").write_bytes(os.urandom(900_000))
        taken.append((await take(small, root)).id)
    size = await Pruner(small).prune(WORKSPACE)
    assert size <= 2_000_000
    assert await small.known(WORKSPACE, SESSION) == set(taken[2:])
    await Pruner(small).shrink({WORKSPACE: size})
    assert await small.known(WORKSPACE, SESSION) == {taken[3]}
    # What is left is still whole.
    last = await take(small, root)
    assert last.changes == ()


async def test_a_workspace_can_be_forgotten(store: SnapshotStore, root: Path) -> None:
    (root / "a.txt").write_text("a", "utf-8")
    await take(store, root)
    await store.forget(WORKSPACE)
    assert await Pruner(store).workspaces() == []
    assert (await take(store, root)).tree


def store_settings(data_dir: Path) -> WorkspaceSettings:
    return WorkspaceSettings(data_dir=data_dir)

"""Snapshots hold a project byte by byte and leave no trace in it."""

import os
import time
from pathlib import Path

import pytest

from codelab.kit.ids import new_id
from codelab.workspace.checkpoints.plan import FileState
from codelab.workspace.checkpoints.store import LARGEST_FILE, SnapshotStore, state_now
from codelab.workspace.paths import opened_root
from codelab.workspace.sandbox import Sandbox
from tests.workspace.places import git, names

pytestmark = pytest.mark.usefixtures("boxed")

WORKSPACE = "w" * 32


@pytest.fixture
def store(data_dir: Path, sandbox: Sandbox) -> SnapshotStore:
    return SnapshotStore(data_dir / "checkpoints", sandbox)


def now(root: Path, path: str) -> FileState | None:
    with opened_root(root) as descriptor:
        return state_now(descriptor, path)


async def test_changes_are_found_byte_by_byte(store: SnapshotStore, root: Path) -> None:
    (root / "kept.txt").write_bytes(b"kept\n")
    (root / "changed.txt").write_bytes(b"one\r\ntwo\n\xff\0")
    (root / "gone.txt").write_bytes(b"gone")
    first = await store.take(WORKSPACE, root)
    (root / "changed.txt").write_bytes(b"three")
    (root / "gone.txt").unlink()
    (root / "sub").mkdir()
    (root / "sub" / "new\nname.sh").write_bytes(b"#!/bin/sh\n")
    (root / "sub" / "new\nname.sh").chmod(0o755)
    second = await store.take(WORKSPACE, root)
    changes = {one.path: one for one in await store.changes(WORKSPACE, root, first, second)}
    assert set(changes) == {"changed.txt", "gone.txt", "sub/new\nname.sh"}
    before = changes["changed.txt"].before
    assert before is not None
    assert await store.content(WORKSPACE, root, before) == b"one\r\ntwo\n\xff\0"
    assert changes["changed.txt"].after == now(root, "changed.txt")
    assert changes["gone.txt"].after is None is now(root, "gone.txt")
    assert changes["sub/new\nname.sh"].before is None
    assert changes["sub/new\nname.sh"].after == now(root, "sub/new\nname.sh")
    assert await store.changes(WORKSPACE, root, second, second) == ()


async def test_the_users_repository_is_not_touched(store: SnapshotStore, root: Path) -> None:
    git(root, "init", "-q")
    (root / "a.txt").write_text("a", "utf-8")
    git(root, "add", "a.txt")
    git(root, "commit", "-qm", "a")
    (root / "b.txt").write_text("b", "utf-8")
    before = {path: path.read_bytes() for path in (root / ".git").rglob("*") if path.is_file()}
    first = await store.take(WORKSPACE, root)
    (root / "a.txt").write_text("changed", "utf-8")
    second = await store.take(WORKSPACE, root)
    assert [one.path for one in await store.changes(WORKSPACE, root, first, second)] == ["a.txt"]
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
    first = await store.take(WORKSPACE, root)
    (root / "a.txt").write_bytes(b"$Id$\nother\n")
    second = await store.take(WORKSPACE, root)
    (change,) = await store.changes(WORKSPACE, root, first, second)
    assert change.before is not None
    assert await store.content(WORKSPACE, root, change.before) == b"$Id$\nline\n"
    assert names(marks) == []


async def test_large_files_are_left_out_and_named(store: SnapshotStore, root: Path) -> None:
    (root / "large.bin").write_bytes(b"x" * (LARGEST_FILE + 1))
    (root / "small.txt").write_text("small", "utf-8")
    (root / ".gitignore").write_text("ignored.txt\n", "utf-8")
    (root / "ignored.txt").write_text("ignored", "utf-8")
    os.mkfifo(root / "pipe")
    first = await store.take(WORKSPACE, root)
    assert first.left_out == ("large.bin",)
    (root / "large.bin").write_bytes(b"y" * (LARGEST_FILE + 1))
    (root / "ignored.txt").write_text("changed", "utf-8")
    (root / "small.txt").write_text("changed", "utf-8")
    second = await store.take(WORKSPACE, root)
    changes = await store.changes(WORKSPACE, root, first, second)
    assert [one.path for one in changes] == ["small.txt"]


async def test_old_snapshots_are_forgotten(
    store: SnapshotStore, root: Path, data_dir: Path
) -> None:
    (root / "a.txt").write_bytes(os.urandom(1000))
    old = await store.take(WORKSPACE, root)
    (root / "a.txt").write_bytes(os.urandom(1000))
    refs = data_dir / "checkpoints" / WORKSPACE / "refs" / "checkpoints"
    week_ago = f"{int((time.time() - 8 * 24 * 3600) * 1000):012x}{new_id()[12:]}"
    (refs / old.id).rename(refs / week_ago)
    new = await store.take(WORKSPACE, root)
    await store.prune(WORKSPACE, root)
    assert await store.changes(WORKSPACE, root, new, new) == ()
    kept = data_dir / "checkpoints" / WORKSPACE / "packed-refs"
    assert new.id in kept.read_text("utf-8")
    assert week_ago not in kept.read_text("utf-8")
    await store.prune(WORKSPACE, root, now=time.time() + 8 * 24 * 3600)
    assert new.id not in kept.read_text("utf-8")


async def test_a_workspace_can_be_forgotten(
    store: SnapshotStore, root: Path, data_dir: Path
) -> None:
    (root / "a.txt").write_text("a", "utf-8")
    await store.take(WORKSPACE, root)
    await store.forget(WORKSPACE)
    assert names(data_dir / "checkpoints") == []
    assert (await store.take(WORKSPACE, root)).tree

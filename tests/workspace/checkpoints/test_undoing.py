"""Single files go back byte by byte, or are left alone."""

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from codelab.workspace.checkpoints.plan import FileState, Step
from codelab.workspace.checkpoints.undoing import Undoing
from codelab.workspace.paths import opened_root
from codelab.workspace.rules import Audience, Rules


def state(data: bytes, mode: str = "100644") -> FileState:
    blob = hashlib.sha1(b"blob %d\0" % len(data) + data, usedforsecurity=False)
    return FileState(blob.hexdigest(), mode)


def kept(*contents: bytes) -> dict[str, bytes]:
    return {state(data).blob: data for data in contents}


def step(path: str, now: FileState | None, target: FileState | None) -> Step:
    return Step(path=path, now=now, target=target)


@pytest.fixture
def undoing(root: Path) -> Iterator[Undoing]:
    with opened_root(root) as descriptor:
        yield Undoing(descriptor, Rules(Audience.HUMAN))


def test_files_go_back_with_their_modes(root: Path, undoing: Undoing) -> None:
    (root / "a.sh").write_bytes(b"new")
    (root / "gone.txt").write_bytes(b"new")
    old = b"#!/bin/sh\r\n\xff\0"
    steps = [
        step("a.sh", state(b"new"), state(old, "100755")),
        step("gone.txt", state(b"new"), None),
        step("deep/back.txt", None, state(old)),
    ]
    assert undoing.put_back(steps, kept(old)) == []
    assert (root / "a.sh").read_bytes() == (root / "deep" / "back.txt").read_bytes() == old
    assert os.access(root / "a.sh", os.X_OK)
    assert not (root / "deep" / "back.txt").stat().st_mode & 0o111
    assert not (root / "gone.txt").exists()
    assert undoing.states(["a.sh", "gone.txt"]) == {"a.sh": state(old, "100755"), "gone.txt": None}
    assert undoing.put_back([step("a.sh", state(old, "100755"), state(old))], kept(old)) == []
    assert not os.access(root / "a.sh", os.X_OK) or not (root / "a.sh").stat().st_mode & 0o111


def test_large_files_go_back_as_far_as_they_are_kept(root: Path, undoing: Undoing) -> None:
    large = b"x" * 1_900_000
    assert undoing.put_back([step("large.txt", None, state(large))], kept(large)) == []
    assert (root / "large.txt").read_bytes() == large


@pytest.mark.parametrize(
    ("there", "mode", "reason"),
    [(b"saved meanwhile", 0o644, "changed_since"), (b"new", 0o755, "changed_since")],
)
def test_what_changed_between_the_look_and_the_step_is_left_alone(
    root: Path, undoing: Undoing, there: bytes, mode: int, reason: str
) -> None:
    (root / "a.txt").write_bytes(there)
    (root / "a.txt").chmod(mode)
    for target in (state(b"old"), None):
        (conflict,) = undoing.put_back([step("a.txt", state(b"new"), target)], kept(b"old"))
        assert conflict.reason == reason
    assert (root / "a.txt").read_bytes() == there


def test_what_appeared_meanwhile_is_not_replaced(root: Path, undoing: Undoing) -> None:
    (root / "a.txt").symlink_to("elsewhere")
    (root / "b.txt").mkdir()
    os.mkfifo(root / "c.txt")
    names = ("a.txt", "b.txt", "c.txt")
    steps = [step(name, None, state(b"old")) for name in names]
    conflicts = undoing.put_back(steps, kept(b"old"))
    assert [(one.path, one.reason) for one in conflicts] == [
        (name, "changed_since") for name in names
    ]
    assert (root / "a.txt").is_symlink()


def test_nothing_of_gits_is_touched(root: Path, undoing: Undoing) -> None:
    (root / ".git").mkdir()
    (conflict,) = undoing.put_back([step(".git/config", None, state(b"old"))], kept(b"old"))
    assert conflict.path == ".git/config"
    assert list((root / ".git").iterdir()) == []


def test_what_is_not_kept_is_said(root: Path, undoing: Undoing) -> None:
    (root / "a.txt").write_bytes(b"new")
    (conflict,) = undoing.put_back([step("a.txt", state(b"new"), state(b"old"))], {})
    assert conflict.reason == "not_kept"
    assert (root / "a.txt").read_bytes() == b"new"


def test_only_empty_folders_are_removed(root: Path, undoing: Undoing) -> None:
    (root / "a" / "b").mkdir(parents=True)
    (root / "c").mkdir()
    (root / "c" / "kept.txt").write_bytes(b"")
    (root / "d").symlink_to("c")
    undoing.remove_empty(["a", "a/b", "c", "d", "missing/x", "c/kept.txt"])
    assert sorted(path.name for path in root.iterdir()) == ["c", "d"]
    assert (root / "c" / "kept.txt").exists()


def test_diffs_are_bounded_and_tell_modes_and_binaries(root: Path, undoing: Undoing) -> None:
    (root / "a.txt").write_bytes(b"new\n")
    (root / "b.bin").write_bytes(b"\0new")
    old, many = b"old\n", b"line\n" * 50_000
    steps = [
        step("a.txt", state(b"new\n"), state(old, "100755")),
        step("b.bin", state(b"\0new"), None),
        step("many.txt", None, state(many)),
        step("after.txt", None, state(old)),
    ]
    shown = undoing.diffs(steps, kept(old, many), 60_000)
    assert "-new\n+old\nmode 100644 becomes 100755" in shown[0].diff
    assert "(binary, 4 bytes" in shown[1].diff
    assert [one.truncated for one in shown] == [False, False, True, True]
    assert sum(len(one.diff) for one in shown) <= 60_000

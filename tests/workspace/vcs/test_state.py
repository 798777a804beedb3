"""What changed, whoever named the files and however many there are."""

import os
from pathlib import Path

import pytest

from codelab.workspace.folder import Folder
from codelab.workspace.vcs.staging import stage, unstage
from codelab.workspace.vcs.state import (
    MOST_ENTRIES,
    ChangedPath,
    Lines,
    RepositoryStatus,
    status_of,
)
from tests.workspace.places import SOMEONE, git, names, run

pytestmark = pytest.mark.usefixtures("boxed")

HOSTILE = ("-x", "--all", "a\u202eb.txt", "new\nline", "*", ":(top)", 'qu"ote', "tab\t.txt", "é")


def named(status: RepositoryStatus) -> dict[str, tuple[str, str]]:
    return {entry.path: (entry.staged, entry.unstaged) for entry in status.entries}


async def test_without_a_repository_that_is_a_state(human: Folder, root: Path) -> None:
    assert await status_of(human) == RepositoryStatus(is_repository=False)
    assert names(root) == []


async def test_what_is_staged_and_what_is_not(human: Folder, repository: Path) -> None:
    (repository / "a.txt").write_text("one\n2\nthree\nfour\n", "utf-8")
    git(repository, "add", "a.txt")
    (repository / "a.txt").write_text("one\n2\nthree\n", "utf-8")
    (repository / "b.txt").unlink()
    (repository / "new").mkdir()
    (repository / "new" / "c.bin").write_bytes(b"\0\1")
    status = await status_of(human)
    assert (status.branch, status.changed, status.truncated) == ("main", 3, False)
    assert status.commit == run("git", "rev-parse", "HEAD", cwd=repository).stdout.strip()
    assert status.entries == (
        ChangedPath(
            path="a.txt",
            staged="M",
            unstaged="M",
            staged_lines=Lines(added=2, removed=1),
            unstaged_lines=Lines(added=0, removed=1),
        ),
        ChangedPath(path="b.txt", unstaged="D", unstaged_lines=Lines(added=0, removed=1)),
        ChangedPath(path="new/c.bin", unstaged="?"),
    )
    git(repository, "add", "new")
    binary = (await status_of(human)).entries[-1]
    assert binary.staged_lines == Lines(added=None, removed=None)


async def test_ahead_behind_and_what_is_under_way(human: Folder, repository: Path) -> None:
    git(repository, "branch", "origin-main")
    git(repository, "commit", "-qm", "ours", "--allow-empty")
    git(repository, "branch", "--set-upstream-to=origin-main")
    git(repository, "switch", "-qc", "other", "HEAD~1")
    (repository / "a.txt").write_text("theirs\n", "utf-8")
    git(repository, "commit", "-qam", "theirs")
    git(repository, "switch", "-q", "main")
    (repository / "a.txt").write_text("ours\n", "utf-8")
    git(repository, "commit", "-qam", "ours too")
    run("git", *SOMEONE, "merge", "other", cwd=repository)
    status = await status_of(human)
    assert (status.upstream, status.ahead, status.behind) == ("origin-main", 2, 0)
    assert status.under_way == "merge"
    assert [(one.path, one.conflict) for one in status.entries] == [("a.txt", "both modified")]
    git(repository, "merge", "--abort")
    git(repository, "switch", "-q", "--detach")
    assert ((await status_of(human)).branch, (await status_of(human)).under_way) == ("", "")


async def test_no_name_is_taken_for_something_else(human: Folder, repository: Path) -> None:
    for name in HOSTILE:
        (repository / name).write_text("x\n", "utf-8")
    assert set(named(await status_of(human))) == set(HOSTILE)
    for name in HOSTILE:
        assert await stage(human, [name]) == 1
        staged = {path for path, (state, _) in named(await status_of(human)).items() if state}
        assert staged == {name}
        assert await unstage(human, [name]) == 1
    assert await stage(human, ["."]) == len(HOSTILE)
    assert set(named(await status_of(human)).values()) == {("A", "")}


async def test_ten_thousand_files_are_bounded_and_staged_at_once(
    human: Folder, repository: Path
) -> None:
    many = repository / "many"
    many.mkdir()
    for number in range(10_000):
        os.close(os.open(many / f"file-with-a-long-name-{number}.txt", os.O_CREAT))
    status = await status_of(human)
    assert (status.changed, status.truncated, len(status.entries)) == (10_000, True, MOST_ENTRIES)
    assert await stage(human, ["many"]) == 10_000
    assert {entry.staged for entry in (await status_of(human)).entries} == {"A"}

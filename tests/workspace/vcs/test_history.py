"""The log, commits and branches."""

from pathlib import Path

import pytest

from codelab.kit.errors import InvalidInput
from codelab.workspace.errors import FileMissing, GitRefused, NoRepository
from codelab.workspace.folder import Folder
from codelab.workspace.vcs.branches import (
    branches_of,
    create_branch,
    delete_branch,
    switch,
)
from codelab.workspace.vcs.comparing import committed_sides
from codelab.workspace.vcs.history import CommittedFile, details_of, log_of
from codelab.workspace.vcs.state import Lines
from tests.workspace.places import git, run

pytestmark = pytest.mark.usefixtures("boxed")


def commit(root: Path, subject: str, path: str, text: str) -> str:
    (root / path).write_text(text, "utf-8")
    git(root, "add", "-A")
    git(root, "commit", "-qm", subject)
    return run("git", "rev-parse", "HEAD", cwd=root).stdout.strip()


async def test_pages_fit_together_whatever_is_committed_meanwhile(
    human: Folder, repository: Path
) -> None:
    for number in range(4):
        commit(repository, f"change {number}", "a.txt", f"{number}\n")
    first = await log_of(human, limit=2)
    commit(repository, "meanwhile", "b.txt", "x\n")
    second = await log_of(human, start=first.start, skip=first.next or 0, limit=2)
    third = await log_of(human, start=first.start, skip=second.next or 0, limit=2)
    subjects = [one.subject for page in (first, second, third) for one in page.commits]
    assert subjects == ["change 3", "change 2", "change 1", "change 0", "first"]
    assert third.next is None
    assert first.commits[0].parents == (first.commits[1].id,)
    assert first.commits[0].refs == ("main",)
    assert first.commits[0].author == "Someone"
    only = await log_of(human, path="b.txt")
    assert [one.subject for one in only.commits] == ["meanwhile", "first"]
    assert (await log_of(human, path="*.txt")).commits == ()
    for start in ("--all", "nothing", "a..b"):
        with pytest.raises(InvalidInput):
            await log_of(human, start=start)


async def test_a_commit_whole(human: Folder, repository: Path) -> None:
    git(repository, "switch", "-qc", "side")
    commit(repository, "aside", "c\nd.txt", "x\n")
    git(repository, "switch", "-q", "main")
    commit(repository, "Subject\n\nBody\x1b[31m", "a.txt", "one\n2\nthree\n")
    git(repository, "merge", "-q", "--no-edit", "side")
    merge, change, *_, first = (await log_of(human)).commits
    assert len(merge.parents) == 2
    details = await details_of(human, change.id)
    assert details.message == "Subject\n\nBody\x1b[31m"
    assert details.files == (
        CommittedFile(path="a.txt", status="M", lines=Lines(added=1, removed=1)),
    )
    # A merge is shown against its first parent, the first commit against nothing.
    assert [one.path for one in (await details_of(human, merge.id)).files] == ["c\nd.txt"]
    assert {one.status for one in (await details_of(human, first.id)).files} == {"A"}
    sides = await committed_sides(human, change.id, "a.txt")
    assert sides.before and sides.after
    assert (sides.before.text, sides.after.text) == ("one\ntwo\nthree\n", "one\n2\nthree\n")
    assert (await committed_sides(human, first.id, "a.txt")).before is None
    with pytest.raises(FileMissing):
        await details_of(human, "0" * 40)


async def test_branches_are_made_switched_and_deleted(human: Folder, repository: Path) -> None:
    await create_branch(human, "feature/a")
    await switch(human, "feature/a")
    commit(repository, "ahead", "a.txt", "x\n")
    await create_branch(human, "old", "main")
    found = await branches_of(human)
    assert found.current == "feature/a"
    assert {one.name: (one.is_current, one.is_merged) for one in found.branches} == {
        "feature/a": (True, True),
        "main": (False, True),
        "old": (False, True),
    }
    with pytest.raises(GitRefused, match="already"):
        await create_branch(human, "old")
    with pytest.raises(GitRefused, match="switch to another"):
        await delete_branch(human, "feature/a")
    (repository / "b.txt").write_text("kept\n", "utf-8")
    (repository / "a.txt").write_text("in the way\n", "utf-8")
    with pytest.raises(GitRefused, match=r"a\.txt"):
        await switch(human, "main")
    git(repository, "restore", "a.txt")
    await switch(human, "main")
    assert (repository / "b.txt").read_text("utf-8") == "kept\n"
    with pytest.raises(GitRefused, match="No other branch"):
        await delete_branch(human, "feature/a")
    await delete_branch(human, "old")
    for name in ("no", "old"):
        with pytest.raises(FileMissing):
            await delete_branch(human, name)
    for name in ("-d", "a b", "a..b", "HEAD", "x.lock", "a\u202eb", "refs/heads/x", "f" * 40):
        with pytest.raises(InvalidInput):
            await create_branch(human, name)


async def test_without_commits_and_without_a_repository(human: Folder, root: Path) -> None:
    for question in (log_of(human), branches_of(human), create_branch(human, "x")):
        with pytest.raises(NoRepository):
            await question
    git(root, "init", "-q", "-b", "main")
    assert (await log_of(human)).commits == ()
    found = await branches_of(human)
    assert (found.current, found.branches) == ("main", ())
    with pytest.raises(GitRefused, match="no commit"):
        await create_branch(human, "x")


async def test_dates_that_no_calendar_has_hide_no_commit(human: Folder, repository: Path) -> None:
    tree = run("git", "rev-parse", "HEAD^{tree}", cwd=repository).stdout.strip()
    tip = ""
    for date in ("253402300800 +0000", "1700000000 +9959", "99999999999999999999 +0000"):
        who = f"A <a@b> {date}"
        parent = f"parent {tip}\n" if tip else ""
        file = repository / ".git" / "odd"
        file.write_text(f"tree {tree}\n{parent}author {who}\ncommitter {who}\n\n{date}\n", "utf-8")
        command = ("git", "hash-object", "-t", "commit", "-w", "--literally", str(file))
        tip = run(*command, cwd=repository).stdout.strip()
    git(repository, "update-ref", "refs/heads/odd", tip)
    # A remote may have anything at a name, even what was never made at any time.
    git(repository, "update-ref", "refs/remotes/origin/tree", tree)
    assert len((await log_of(human, start="odd")).commits) == 3
    assert (await details_of(human, tip)).commit.id == tip
    names = {one.name for one in (await branches_of(human)).branches}
    assert names == {"main", "odd", "origin/tree"}

from pathlib import Path

import pytest

from codelab.sdk import Risk, ToolError
from codelab.tools.errors import ApprovalStale
from tests.tools.conftest import Bench
from tests.tools.repositories import arguments, asked, begun, commit
from tests.workspace.places import git

pytestmark = pytest.mark.usefixtures("boxed")


@pytest.fixture
def repository(root: Path) -> Path:
    begun(root)
    git(root, "branch", "merged")
    git(root, "switch", "-qc", "unmerged")
    commit(root, "only here", a="two\n")
    git(root, "switch", "-q", "main")
    return root


async def test_branches_are_listed(bench: Bench, repository: Path) -> None:
    git(repository, "update-ref", "refs/remotes/origin/main", "main")
    listed = await bench.run("git_branches")
    assert {line[:10].strip() for line in listed.output.splitlines()} == {
        "* main " + asked(repository, "rev-parse", "main")[:3],
        "merged " + asked(repository, "rev-parse", "main")[:1],
        "unmerged",
    }
    assert "only here" in listed.output
    everything = await bench.run("git_branches", arguments(remote=True))
    assert "origin/main" in everything.output
    assert bench.gate.entered == []


async def test_a_branch_is_made_and_renamed(bench: Bench, repository: Path) -> None:
    prepared = await bench.prepare(
        "git_branch", arguments(action="create", branch="feature/#1", start="unmerged")
    )
    assert prepared.preview.startswith("create the branch feature/#1 at\n")
    assert "Someone: only here" in prepared.preview
    assert (await bench.tools.execute(prepared, bench.context)).ok
    assert asked(repository, "rev-parse", "feature/#1") == asked(
        repository, "rev-parse", "unmerged"
    )
    assert asked(repository, "symbolic-ref", "HEAD") == "refs/heads/main"
    with pytest.raises(ToolError, match="There is a branch"):
        await bench.prepare("git_branch", arguments(action="create", branch="merged"))
    wish = arguments(action="rename", branch="main", new_name="trunk")
    result = await bench.run("git_branch", wish)
    assert result.ok, result.output
    assert asked(repository, "symbolic-ref", "HEAD") == "refs/heads/trunk"
    assert "main" not in asked(repository, "branch", "--format=%(refname:short)").split()
    for new_name in ("merged", "-d", ""):
        wish = arguments(action="rename", branch="trunk", new_name=new_name)
        with pytest.raises(ToolError):
            await bench.prepare("git_branch", wish)


async def test_deleting_says_what_is_lost(bench: Bench, repository: Path) -> None:
    with pytest.raises(ToolError, match="current branch"):
        await bench.prepare("git_branch", arguments(action="delete", branch="main"))
    prepared = await bench.prepare("git_branch", arguments(action="delete", branch="merged"))
    assert (prepared.risk, prepared.raised) == (Risk.MEDIUM, False)
    assert (await bench.tools.execute(prepared, bench.context)).ok
    prepared = await bench.prepare("git_branch", arguments(action="delete", branch="unmerged"))
    assert (prepared.risk, prepared.raised) == (Risk.CRITICAL, True)
    assert prepared.preview.endswith("Someone: only here")
    git(repository, "branch", "keeps", "unmerged")
    with pytest.raises(ApprovalStale):
        await bench.tools.execute(prepared, bench.context)
    git(repository, "branch", "-D", "keeps")
    tip = asked(repository, "rev-parse", "unmerged")
    result = await bench.run("git_branch", arguments(action="delete", branch="unmerged"))
    assert result.output == f"Deleted unmerged; it was at {tip}."
    assert asked(repository, "branch", "--format=%(refname:short)") == "main"


async def test_a_branch_of_another_work_tree_is_left_alone(bench: Bench, repository: Path) -> None:
    git(repository, "worktree", "add", "-q", "../tree", "merged")
    with pytest.raises(ToolError, match="another work tree"):
        await bench.prepare("git_branch", arguments(action="delete", branch="merged"))


@pytest.mark.parametrize("branch", ["-D", "a..b", "x:y", "a\0b", "refs/heads/main", "none"])
async def test_odd_names_are_refused(bench: Bench, repository: Path, branch: str) -> None:
    with pytest.raises(ToolError):
        await bench.prepare("git_branch", arguments(action="delete", branch=branch))

"""What stands in a commit message, and where a repository stands."""

from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from codelab.sdk import ToolContext
from codelab.sdk.testing import FolderWorkspace
from codelab.tools.builtin.git.asking import author_of, signed, standing
from tests.tools.repositories import asked, begun, diverged, put
from tests.workspace.places import SOMEONE, git, run

TRAILER = "Co-authored-by: coder via CodeLab <codelab@localhost>"


def context(root: Path, agent: str = "coder", user_name: str = "Ann Bee") -> ToolContext:
    return ToolContext(
        workspace=FolderWorkspace(root),
        session_id="s",
        user_id="u",
        user_name=user_name,
        agent=agent,
        on_output=lambda text: None,
    )


@pytest.fixture(scope="module")
def anywhere(tmp_path_factory: pytest.TempPathFactory) -> ToolContext:
    return context(tmp_path_factory.mktemp("project"))


@pytest.mark.parametrize(
    ("message", "text"),
    [
        ("Do it\n", f"Do it\n\n{TRAILER}"),
        ("Do it\n\nBecause: yes, but no trailer\nfollows.", None),
        ("Do it\n\nFixes: #1", f"Do it\n\nFixes: #1\n{TRAILER}"),
        ("Fixes: #1", f"Fixes: #1\n\n{TRAILER}"),
        (f"Do it\n\n{TRAILER}", f"Do it\n\n{TRAILER}"),
    ],
)
def test_the_agent_is_a_co_author(anywhere: ToolContext, message: str, text: str | None) -> None:
    assert signed(message, anywhere) == (text or f"{message}\n\n{TRAILER}")


@given(st.text("ab:\n -", max_size=40), st.text(max_size=10), st.text(max_size=10))
def test_git_always_finds_one_author_and_the_trailer(message: str, agent: str, user: str) -> None:
    of = context(Path.cwd(), agent, user)
    last = signed(message or "m", of).splitlines()[-1]
    assert last.startswith("Co-authored-by: ") and last.endswith(" via CodeLab <codelab@localhost>")
    for name in (last.removeprefix("Co-authored-by: "), author_of(of)):
        assert name.count("<") == name.count(">") == 1
        assert not {"\n", "\r", "\0"} & set(name)


def test_git_reads_the_trailer(anywhere: ToolContext, tmp_path: Path) -> None:
    file = tmp_path / "message"
    file.write_text(signed("Do it\n\nFixes: #1", anywhere), "utf-8")
    done = run("git", "interpret-trailers", "--parse", str(file), cwd=tmp_path)
    assert done.stdout == f"Fixes: #1\n{TRAILER}\n"


async def test_where_a_repository_stands(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q", "-b", "main")
    first = await standing(context(tmp_path))
    assert (first.branch, first.commit, first.merging, first.files) == ("main", "", "", ())
    begun(tmp_path)
    diverged_at = await standing(context(tmp_path))
    assert (diverged_at.branch, diverged_at.commit) == (
        "main",
        asked(tmp_path, "rev-parse", "HEAD"),
    )
    git(tmp_path, "update-ref", "refs/remotes/origin/main", "HEAD")
    git(tmp_path, "config", "branch.main.remote", "origin")
    git(tmp_path, "config", "branch.main.merge", "refs/heads/main")
    git(tmp_path, "config", "remote.origin.fetch", "+refs/heads/*:refs/remotes/origin/*")
    git(tmp_path, "commit", "-qm", "ahead", "--allow-empty")
    put(tmp_path, a="two\n", new="new\n")
    ahead = await standing(context(tmp_path))
    assert (ahead.branch, [(file.status, file.name) for file in ahead.files]) == (
        "main",
        [(" M", "a.txt")],
    )
    git(tmp_path, "switch", "-q", "--detach")
    assert (await standing(context(tmp_path))).branch == ""


async def test_a_merge_is_seen(tmp_path: Path) -> None:
    diverged(tmp_path)
    run("git", *SOMEONE, "merge", "feature", cwd=tmp_path)
    now = await standing(context(tmp_path))
    assert now.merging == asked(tmp_path, "rev-parse", "feature")
    assert {(file.status, file.name) for file in now.conflicted} == {
        *(("AA", "added.txt"), ("DU", "gone_here.txt"), ("UD", "gone_there.txt")),
        ("UU", "long.txt"),
    }
    assert [file.name for file in now.files if file.is_staged] == ["plain.txt"]
    assert msgspec.structs.replace(now, branch="").title == f"{now.commit[:10]} (no branch)"

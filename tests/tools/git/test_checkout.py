from pathlib import Path

import pytest

from codelab.sdk import Risk, ToolError
from codelab.tools.errors import ApprovalStale
from tests.tools.conftest import Bench
from tests.tools.repositories import arguments, asked, begun, commit, put
from tests.workspace.places import git

pytestmark = pytest.mark.usefixtures("boxed")


@pytest.fixture
def repository(root: Path) -> Path:
    begun(root)
    git(root, "switch", "-qc", "feature")
    commit(root, "second", a="two\n", added="new\n")
    git(root, "switch", "-q", "main")
    return root


async def test_switching_takes_changes_along(bench: Bench, repository: Path) -> None:
    put(repository, b="mine\n")
    prepared = await bench.prepare("git_checkout", arguments(branch="feature"))
    assert prepared.preview == (
        "switch from main to feature\n\nFiles that change:\n  M a.txt\n  A added.txt\n\n"
        "Changes that are not committed and go along:\n   M b.txt"
    )
    assert prepared.risk is Risk.MEDIUM
    result = await bench.tools.execute(prepared, bench.context)
    assert result.ok, result.output
    assert asked(repository, "symbolic-ref", "--short", "HEAD") == "feature"
    assert (repository / "b.txt").read_text("utf-8") == "mine\n"


async def test_a_new_branch_starts_where_it_is_told(bench: Bench, repository: Path) -> None:
    prepared = await bench.prepare(
        "git_checkout", arguments(branch="fix", create=True, commit="feature~1")
    )
    assert "to fix, a new branch at\n" in prepared.preview
    assert (await bench.tools.execute(prepared, bench.context)).ok
    assert asked(repository, "symbolic-ref", "--short", "HEAD") == "fix"
    assert asked(repository, "rev-parse", "fix") == asked(repository, "rev-parse", "main")
    with pytest.raises(ToolError, match="There is a branch fix"):
        await bench.prepare("git_checkout", arguments(branch="fix", create=True))


async def test_no_change_is_overwritten_by_a_switch(bench: Bench, repository: Path) -> None:
    (repository / ".gitignore").write_text("added.txt\n", "utf-8")
    put(repository, a="mine\n", added="mine, and ignored\n")
    with pytest.raises(ToolError, match="would be overwritten") as caught:
        await bench.prepare("git_checkout", arguments(branch="feature"))
    assert caught.value.message.splitlines()[1:] == ["  a.txt", "  added.txt"]
    git(repository, "checkout", "-q", "a.txt")
    (repository / "added.txt").unlink()
    prepared = await bench.prepare("git_checkout", arguments(branch="feature"))
    put(repository, b="mine\n")
    with pytest.raises(ApprovalStale):
        await bench.tools.execute(prepared, bench.context)
    assert asked(repository, "symbolic-ref", "--short", "HEAD") == "main"


async def test_restoring_shows_what_is_lost(bench: Bench, repository: Path) -> None:
    put(repository, a="mine\n", b="also mine\n")
    git(repository, "add", "b.txt")
    prepared = await bench.prepare("git_checkout", arguments(paths=["a.txt", "./b.txt"]))
    assert prepared.paths == ("a.txt", "b.txt")
    assert (prepared.risk, prepared.raised) == (Risk.HIGH, True)
    assert "-mine\n+one" in prepared.preview
    assert "-also mine\n+one" in prepared.preview
    put(repository, a="changed again\n")
    with pytest.raises(ApprovalStale):
        await bench.tools.execute(prepared, bench.context)
    result = await bench.run("git_checkout", arguments(paths=["a.txt", "b.txt"]))
    assert result.ok, result.output
    assert asked(repository, "status", "--porcelain") == ""
    with pytest.raises(ToolError, match="are as they are in that commit"):
        await bench.prepare("git_checkout", arguments(paths=["a.txt"]))
    await bench.run("git_checkout", arguments(paths=["."], commit="feature"))
    assert (repository / "a.txt").read_text("utf-8") == "two\n"
    assert (repository / "added.txt").read_text("utf-8") == "new\n"
    # What that commit does not have goes, as the preview has said.
    prepared = await bench.prepare("git_checkout", arguments(paths=["added.txt"]))
    assert "-new" in prepared.preview
    await bench.tools.execute(prepared, bench.context)
    assert not (repository / "added.txt").exists()


async def test_no_name_passes_for_a_line_of_the_preview(bench: Bench, repository: Path) -> None:
    git(repository, "switch", "-qc", "odd")
    (repository / "x\n  M harmless.txt").write_text("x\n", "utf-8")
    commit(repository, "odd")
    git(repository, "switch", "-q", "main")
    prepared = await bench.prepare("git_checkout", arguments(branch="odd"))
    assert '"A x\\n  M harmless.txt"' in prepared.preview


async def test_hidden_files_are_not_restored(bench: Bench, repository: Path) -> None:
    (repository / ".env").write_text("A=1\n", "utf-8")
    commit(repository, "hidden")
    (repository / ".env").write_text("A=2\n", "utf-8")
    for path in (".", ".env"):
        with pytest.raises(ToolError, match=r"\.env"):
            await bench.prepare("git_checkout", arguments(paths=[path]))
    assert (repository / ".env").read_text("utf-8") == "A=2\n"


@pytest.mark.parametrize(
    "values",
    [
        *({}, {"branch": "feature", "paths": ["a.txt"]}, {"branch": "none"}, {"branch": "-f"}),
        *({"branch": "feature~1"}, {"branch": "HEAD"}, {"branch": "x", "create": True,
          "commit": "main..feature"}, {"paths": ["a.txt"], "commit": "--"},
          {"paths": ["../x"]}, {"paths": ["a.txt"], "create": True},
          {"paths": ["a.txt"], "commit": "none"}),
    ],
)  # fmt: skip
async def test_what_cannot_work_is_refused(
    bench: Bench, repository: Path, values: dict[str, object]
) -> None:
    with pytest.raises(ToolError):
        await bench.prepare("git_checkout", arguments(**values))

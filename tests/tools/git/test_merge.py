from pathlib import Path

import pytest

from codelab.sdk import Risk, ToolError
from codelab.tools.errors import ApprovalStale
from tests.tools.conftest import Bench
from tests.tools.repositories import arguments, asked, begun, commit, diverged, put, read_conflicts
from tests.tools.repositories import text as lines
from tests.workspace.places import git

pytestmark = pytest.mark.usefixtures("boxed")
TRAILER = "Co-authored-by: coder via CodeLab <codelab@localhost>"


async def test_a_fast_forward_and_a_merge_commit(bench: Bench, root: Path) -> None:
    begun(root)
    git(root, "switch", "-qc", "feature")
    tip = commit(root, "more", a="two\n")
    git(root, "switch", "-q", "main")
    prepared = await bench.prepare("git_merge", arguments(branch="feature"))
    assert prepared.preview.startswith(f"fast-forward of feature ({tip[:10]}) into main")
    assert "Someone: more" in prepared.preview
    assert "  M a.txt" in prepared.preview
    assert "Co-authored-by" not in prepared.preview
    result = await bench.tools.execute(prepared, bench.context)
    assert result.ok, result.output
    assert asked(root, "rev-parse", "main") == tip
    assert (root / "a.txt").read_text("utf-8") == "two\n"
    with pytest.raises(ToolError, match="main has all of feature already"):
        await bench.prepare("git_merge", arguments(branch="feature"))

    git(root, "switch", "-q", "feature")
    commit(root, "again", b="two\n")
    git(root, "switch", "-q", "main")
    wanted = arguments(branch="feature", merge_commit=True, message="Take it in")
    prepared = await bench.prepare("git_merge", wanted)
    assert f"merge commit as Ann Bee <Ann.Bee@localhost>\n\nTake it in\n\n{TRAILER}" in (
        prepared.preview
    )
    result = await bench.tools.execute(prepared, bench.context)
    assert result.ok, result.output
    assert asked(root, "log", "-1", "--format=%an|%cn|%P|%B") == (
        f"Ann Bee|CodeLab|{tip} {asked(root, 'rev-parse', 'feature')}|Take it in\n\n{TRAILER}"
    )
    assert asked(root, "status", "--porcelain") == ""


async def test_conflicts_are_told_and_resolved(bench: Bench, root: Path) -> None:
    diverged(root)
    prepared = await bench.prepare("git_merge", arguments(branch="feature"))
    foreseen = prepared.preview.partition("Conflicts to resolve afterwards:")[2]
    assert foreseen.split()[:4] == ["added.txt", "gone_here.txt", "gone_there.txt", "long.txt"]
    result = await bench.tools.execute(prepared, bench.context)
    assert not result.ok
    assert result.output.startswith("conflicts: 4 in the merge of feature into main\n")
    read = read_conflicts(result.output)
    assert {name: kind for name, (kind, _) in read.items()} == {
        "added.txt": "both added",
        "gone_here.txt": "deleted by us",
        "gone_there.txt": "deleted by them",
        "long.txt": "both modified",
    }
    (first, last, shown), second = read["long.txt"][1]
    assert (first, last) == (3, 9)
    assert shown[1] == "ours 3"
    assert shown[3] == "line 3"
    assert shown[5] == "theirs 3"
    assert second[2][1] == "ours 27"

    status = await bench.run("git_status")
    assert "a merge of" in status.output and "file: both added: added.txt" in status.output
    for name in ("git_checkout", "git_merge"):
        with pytest.raises(ToolError, match="merge is under way"):
            await bench.prepare(name, arguments(branch="feature"))
    with pytest.raises(ToolError, match="still holds conflict markers"):
        await bench.prepare("git_merge", arguments(action="continue"))
    put(root, long=lines(line_3="both 3"), added="both\n", gone_there=None)
    with pytest.raises(ToolError, match="must all be among the paths"):
        await bench.prepare("git_commit", arguments(message="m", paths=["long.txt"]))
    prepared = await bench.prepare("git_merge", arguments(action="continue"))
    assert prepared.preview.startswith("conclude the merge of ")
    assert "+both 3" in prepared.preview
    assert "  A  plain.txt" in prepared.preview
    put(root, long=lines(line_3="other 3"))
    with pytest.raises(ApprovalStale):
        await bench.tools.execute(prepared, bench.context)
    result = await bench.run("git_merge", arguments(action="continue"))
    assert result.ok, result.output
    parents = asked(root, "log", "-1", "--format=%P").split()
    assert parents == [asked(root, "rev-parse", "main~1"), asked(root, "rev-parse", "feature")]
    assert asked(root, "show", "HEAD:long.txt").splitlines()[2] == "other 3"
    kept = asked(root, "ls-tree", "--name-only", "HEAD").split()
    assert kept == ["a.txt", "added.txt", "b.txt", "gone_here.txt", "long.txt", "plain.txt"]


async def test_a_commit_concludes_a_merge_and_leaves_other_work_alone(
    bench: Bench, root: Path
) -> None:
    diverged(root)
    put(root, a="mine, and not of this merge\n", new="mine\n")
    await bench.run("git_merge", arguments(branch="feature"))
    put(root, long="resolved\n", added="both\n")
    names = ["long.txt", "added.txt", "gone_here.txt", "gone_there.txt"]
    prepared = await bench.prepare("git_commit", arguments(message="Resolve", paths=names))
    assert "a.txt" not in prepared.preview
    result = await bench.tools.execute(prepared, bench.context)
    assert result.ok, result.output
    assert len(asked(root, "log", "-1", "--format=%P").split()) == 2
    assert asked(root, "log", "-1", "--format=%an|%B") == f"Ann Bee|Resolve\n\n{TRAILER}"
    assert asked(root, "show", "HEAD:plain.txt") == "new"
    assert asked(root, "status", "--porcelain") == "M a.txt\n?? new.txt"


async def test_a_merge_is_given_up(bench: Bench, root: Path) -> None:
    diverged(root)
    before = asked(root, "rev-parse", "HEAD")
    with pytest.raises(ToolError, match="No merge is under way"):
        await bench.prepare("git_merge", arguments(action="abort"))
    await bench.run("git_merge", arguments(branch="feature"))
    prepared = await bench.prepare("git_merge", arguments(action="abort"))
    assert prepared.risk is Risk.HIGH and prepared.raised
    assert "is lost" in prepared.preview and "UU long.txt" in prepared.preview
    put(root, long="resolved meanwhile\n")
    with pytest.raises(ApprovalStale):
        await bench.tools.execute(prepared, bench.context)
    result = await bench.run("git_merge", arguments(action="abort"))
    assert result.ok, result.output
    assert asked(root, "rev-parse", "HEAD") == before
    assert asked(root, "status", "--porcelain") == ""


async def test_what_is_not_committed_is_never_overwritten(bench: Bench, root: Path) -> None:
    diverged(root)
    put(root, long="mine\n", plain="mine, unknown to git\n")
    with pytest.raises(ToolError, match="would be overwritten") as caught:
        await bench.prepare("git_merge", arguments(branch="feature"))
    assert caught.value.message.splitlines()[1:] == ["  long.txt", "  plain.txt"]
    git(root, "checkout", "-q", "long.txt")
    (root / "plain.txt").unlink()
    put(root, a="staged\n")
    git(root, "add", "a.txt")
    with pytest.raises(ToolError, match=r"what is staged.\n  a.txt"):
        await bench.prepare("git_merge", arguments(branch="feature"))


async def test_what_is_shown_is_what_is_merged(bench: Bench, root: Path) -> None:
    diverged(root)
    prepared = await bench.prepare("git_merge", arguments(branch="feature"))
    git(root, "switch", "-q", "feature")
    commit(root, "another", b="two\n")
    git(root, "switch", "-q", "main")
    with pytest.raises(ApprovalStale):
        await bench.tools.execute(prepared, bench.context)
    git(root, "switch", "-q", "--orphan", "alone")
    commit(root, "alone")
    with pytest.raises(ToolError, match="no commit in common"):
        await bench.prepare("git_merge", arguments(branch="main"))
    git(root, "switch", "-q", "--detach")
    for branch in ("main", "--help", "main..feature", "none"):
        with pytest.raises(ToolError):
            await bench.prepare("git_merge", arguments(branch=branch))


async def test_a_conflict_in_a_hidden_file_is_the_users(bench: Bench, root: Path) -> None:
    begun(root)
    (root / ".env").write_text("A=1\n", "utf-8")
    commit(root, "hidden")
    git(root, "switch", "-qc", "feature")
    (root / ".env").write_text("A=SECRET\n", "utf-8")
    commit(root, "theirs")
    git(root, "switch", "-q", "main")
    (root / ".env").write_text("A=3\n", "utf-8")
    commit(root, "ours")
    result = await bench.run("git_merge", arguments(branch="feature"))
    assert "file: both modified: .env\nnote: .env is hidden." in result.output
    assert "SECRET" not in result.output
    with pytest.raises(ToolError, match=r"agents must be allowed.*\.env"):
        await bench.prepare("git_merge", arguments(action="continue"))

from pathlib import Path

import msgspec
import pytest

from codelab.sdk import ToolError
from codelab.tools.errors import ApprovalStale
from tests.tools.conftest import Bench
from tests.workspace.places import git, run

pytestmark = pytest.mark.usefixtures("boxed")


def arguments(**values: object) -> str:
    return msgspec.json.encode(values).decode()


@pytest.fixture
def repository(root: Path) -> Path:
    git(root, "init", "-q", "-b", "main")
    for name in ("a.txt", "b.txt", ".env", "with [brackets].txt"):
        (root / name).write_text("one\n", "utf-8")
    git(root, "add", "--all")
    git(root, "commit", "-qm", "first commit")
    for name in ("a.txt", "b.txt", ".env", "with [brackets].txt"):
        (root / name).write_text("two\n", "utf-8")
    (root / "new.txt").write_text("new\n", "utf-8")
    return root


def log(root: Path) -> str:
    return run("git", "log", "--format=%an|%s", "--name-only", "-1", cwd=root).stdout


async def test_looking(bench: Bench, repository: Path) -> None:
    status = await bench.run("git_status")
    assert status.output.splitlines()[0] == "## main"
    assert "?? new.txt" in status.output
    shown = await bench.run("git_log", arguments(limit=5))
    assert shown.output.endswith("Someone: first commit")
    nothing = await bench.run("git_log", arguments(path="new.txt"))
    assert nothing.output == "No commits."


async def test_a_diff_leaves_hidden_files_out(bench: Bench, repository: Path) -> None:
    everything = await bench.run("git_diff")
    assert "+++ b/a.txt" in everything.output
    assert ".env" not in everything.output
    hidden = await bench.run("git_diff", arguments(path=".env"))
    assert hidden.output == "No changes."
    one = await bench.run("git_diff", arguments(path="./with [brackets].txt"))
    assert one.output.count("+++") == 1
    staged = await bench.run("git_diff", arguments(staged=True))
    assert staged.output == "No changes."


async def test_a_diff_leaves_out_what_agents_may_not_read(bench: Bench, repository: Path) -> None:
    for name in ("kept.secret", "dist/gone.txt"):
        (repository / name).parent.mkdir(exist_ok=True)
        (repository / name).write_text("HIDDEN before\n")
    (repository / ".gitignore").write_text("*.secret\n")
    git(repository, "add", "--force", "kept.secret", "dist")
    git(repository, "commit", "-qm", "more", "kept.secret", "dist")
    (repository / "kept.secret").write_text("HIDDEN\n")
    (repository / "dist/gone.txt").unlink()
    shown = await bench.run("git_diff")
    assert "+++ b/a.txt" in shown.output
    assert "HIDDEN" not in shown.output
    assert shown.output.endswith("may not read them:\n  dist/gone.txt\n  kept.secret")
    one = await bench.run("git_diff", arguments(path="kept.secret"))
    assert one.output.startswith("No changes.")
    log_of_it = await bench.run("git_log", arguments(path="kept.secret"))
    assert not log_of_it.ok and "kept from agents" in log_of_it.output
    below = await bench.run("git_log", arguments(path="."))
    assert below.output.splitlines()[0].endswith(": more")


async def test_a_commit_is_shown_and_then_made(bench: Bench, repository: Path) -> None:
    prepared = await bench.prepare(
        "git_commit", arguments(message="Second\n\nWhy.", paths=["a.txt", "new.txt"])
    )
    assert prepared.preview.startswith(
        "commit as Ann Bee <Ann.Bee@localhost>\n\nSecond\n\nWhy.\n\n"
    )
    assert "   M a.txt\n  ?? new.txt" in prepared.preview
    assert "-one\n+two" in prepared.preview
    result = await bench.tools.execute(prepared, bench.context)
    assert result.ok, result.output
    assert log(repository) == "Ann Bee|Second\n\na.txt\nnew.txt\n"
    trailer = "Co-authored-by: coder via CodeLab <codelab@localhost>"
    assert f"Why.\n\n{trailer}\n\nChanges:" in prepared.preview
    body = run("git", "log", "-1", "--format=%cn|%B", cwd=repository).stdout
    assert body.strip() == f"CodeLab|Second\n\nWhy.\n\n{trailer}"


async def test_what_needs_a_filter_is_the_users_to_commit(bench: Bench, repository: Path) -> None:
    (repository / ".gitattributes").write_text("a.* filter=lfs\n", "utf-8")
    with pytest.raises(ToolError, match=r"does not run.*: a\.txt"):
        await bench.prepare("git_commit", arguments(message="m", paths=["."]))
    assert (await bench.run("git_commit", arguments(message="m", paths=["b.txt"]))).ok


async def test_everything_and_odd_names(bench: Bench, repository: Path) -> None:
    await bench.run("git_commit", arguments(message="odd", paths=["with [brackets].txt"]))
    assert log(repository) == "Ann Bee|odd\n\nwith [brackets].txt\n"
    (repository / "a.txt").unlink()
    result = await bench.run("git_commit", arguments(message="--amend", paths=["."]))
    assert result.ok, result.output
    assert log(repository) == "Ann Bee|--amend\n\na.txt\nb.txt\nnew.txt\n"
    with pytest.raises(ToolError, match=r"nothing to commit.*\.env\."):
        await bench.prepare("git_commit", arguments(message="x", paths=["."]))


async def test_new_files_are_shown_and_hidden_ones_stay_out(bench: Bench, root: Path) -> None:
    git(root, "init", "-q", "-b", "main")
    (root / "build").mkdir()
    for name in (".env", "build/out.txt"):
        (root / name).write_text("PASSWORD=1\n", "utf-8")
    git(root, "add", "-f", "--all")
    git(root, "commit", "-qm", "first commit")
    (root / ".env").write_text("PASSWORD=2\n", "utf-8")
    (root / ".netrc").write_text("PASSWORD=3\n", "utf-8")
    (root / "build" / "out.txt").unlink()
    (root / "new.py").write_text("print(1)\n--flag", "utf-8")
    (root / "empty.txt").touch()
    (root / "image.png").write_bytes(b"\x89PNG\0")
    (root / "link").symlink_to("new.py")
    prepared = await bench.prepare("git_commit", arguments(message="m", paths=["."]))
    shown = prepared.preview
    assert "+++ b/new.py\n@@ -0,0 +1,2 @@\n+print(1)\n+--flag\n\\ No newline" in shown
    assert "+++ b/empty.txt\n(empty)" in shown
    assert "+(binary, 5 bytes, SHA-256 " in shown
    out = "agents may not change them: .env, build/out.txt, .netrc, link."
    assert out in shown
    assert "PASSWORD" not in shown
    (root / "late.txt").write_text("late\n", "utf-8")
    with pytest.raises(ApprovalStale):
        await bench.tools.execute(prepared, bench.context)
    (root / "late.txt").unlink()
    result = await bench.tools.execute(prepared, bench.context)
    assert result.ok, result.output
    assert log(root) == "Ann Bee|m\n\nempty.txt\nimage.png\nnew.py\n"
    with pytest.raises(ToolError, match=r"nothing to commit.*: \.env\.$"):
        await bench.prepare("git_commit", arguments(message="x", paths=[".env"]))


async def test_many_new_lines_are_counted(bench: Bench, repository: Path) -> None:
    (repository / "new.txt").write_text("0123456789\n" * 6000, "utf-8")
    (repository / "other.txt").write_text("other\n", "utf-8")
    prepared = await bench.prepare(
        "git_commit", arguments(message="m", paths=["new.txt", "other.txt"])
    )
    shown = prepared.preview.count("+0123456789")
    assert 3000 < shown < 4500
    # The other file's diff has four lines.
    assert prepared.preview.endswith(f"\n… {6000 - shown + 4} lines of 2 new files left out …")
    (repository / "new.txt").write_text("0123456789\n" * 5999 + "9876543210\n", "utf-8")
    with pytest.raises(ApprovalStale):
        await bench.tools.execute(prepared, bench.context)


async def test_what_is_approved_is_all_that_is_committed(bench: Bench, repository: Path) -> None:
    """Also what changes between the last look before the gate and the commit itself."""
    prepared = await bench.prepare("git_commit", arguments(message="m", paths=["."]))
    context = msgspec.structs.replace(bench.context, approved_state=prepared.state)
    (repository / "new.txt").write_text("three\n", "utf-8")
    with pytest.raises(ToolError, match="have changed since"):
        await prepared.tool.execute(context, prepared.parameters)
    git(repository, "rm", "-q", "--cached", "b.txt")
    (repository / "a.txt").unlink()
    result = await bench.run("git_commit", arguments(message="gone", paths=["a.txt", "b.txt"]))
    assert result.ok, result.output
    assert log(repository) == "Ann Bee|gone\n\na.txt\nb.txt\n"


async def test_the_first_commit_of_all(bench: Bench, root: Path) -> None:
    git(root, "init", "-q", "-b", "main")
    (root / "a.txt").write_text("one\n", "utf-8")
    (root / "b.txt").write_text("two\n", "utf-8")
    git(root, "add", "b.txt")
    prepared = await bench.prepare("git_commit", arguments(message="first", paths=["."]))
    assert "+++ b/a.txt\n@@ -0,0 +1,1 @@\n+one" in prepared.preview
    assert "+++ b/b.txt\n@@ -0,0 +1,1 @@\n+two" in prepared.preview
    result = await bench.tools.execute(prepared, bench.context)
    assert result.ok, result.output
    assert log(root) == "Ann Bee|first\n\na.txt\nb.txt\n"


async def test_a_change_after_the_preview_makes_it_stale(bench: Bench, repository: Path) -> None:
    for name in ("a.txt", "new.txt"):
        prepared = await bench.prepare("git_commit", arguments(message="m", paths=["."]))
        (repository / name).write_text("three\n", "utf-8")
        with pytest.raises(ApprovalStale):
            await bench.tools.execute(prepared, bench.context)
    assert log(repository).startswith("Someone|first commit")


async def test_without_a_repository(bench: Bench, root: Path) -> None:
    status = await bench.run("git_status")
    assert not status.ok
    assert "not a git repository" in status.output
    with pytest.raises(ToolError, match="not a git repository"):
        await bench.prepare("git_commit", arguments(message="x", paths=["."]))

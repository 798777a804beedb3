"""The plain folder behaves like the server's own workspace, wherever both promise the same."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from codelab.kit.errors import CodeLabError
from codelab.sdk.testing import FolderWorkspace
from codelab.sdk.workspace import Workspace
from codelab.workspace.errors import CommandRefused
from codelab.workspace.folder import Folder
from codelab.workspace.git import access_of
from codelab.workspace.rules import Audience, Rules
from codelab.workspace.sandbox.sandbox import Sandbox
from codelab.workspace.settings import WorkspaceSettings

ALLOWED_HIDDEN = (".github/", ".env.example", ".gitignore", ".editorconfig")


@pytest.fixture
def threads() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(2) as executor:
        yield executor


@pytest.fixture(params=["plain folder", "server"])
def workspace(
    request: pytest.FixtureRequest,
    folder_workspace: FolderWorkspace,
    threads: ThreadPoolExecutor,
    tmp_path: Path,
) -> Workspace:
    """The same project as the plain folder and as the server's workspace."""
    folder_workspace.add("README.md", "# Words\n")
    folder_workspace.add("src/words.py", "def count():\n    return 1\n")
    folder_workspace.add("src/note.txt", "count me\n")
    folder_workspace.add(".env", "KEY=1\n")
    folder_workspace.add(".gitignore", "*.log\n")
    folder_workspace.add("node_modules/x/index.js", "count()\n")
    folder_workspace.add("picture.bin", "count\0\n")
    outside = tmp_path / "outside.txt"
    outside.write_text("count\n")
    (folder_workspace.folder / "link.txt").symlink_to(outside)
    if request.param == "plain folder":
        return folder_workspace
    settings = WorkspaceSettings(data_dir=tmp_path / "data")
    return Folder(
        folder_workspace.folder,
        Rules(Audience.AGENT, ALLOWED_HIDDEN),
        Sandbox(settings),
        "bubblewrap",
        threads,
    )


def has_sandbox(workspace: Workspace) -> bool:
    return isinstance(workspace, FolderWorkspace) or shutil.which("bwrap") is not None


async def test_a_file_is_read_with_its_digest(workspace: Workspace) -> None:
    content = await workspace.read("src/words.py")
    assert content.path == "src/words.py"
    assert content.text == "def count():\n    return 1\n"
    assert content.size == len(content.text)
    assert len(content.digest) == 64


@pytest.mark.parametrize(
    "path",
    [
        "missing.py",
        "src",
        "../outside.txt",
        "/etc/hostname",
        "src/../../outside.txt",
        "link.txt",
        ".env",
        ".git/config",
        "node_modules/x/index.js",
        "picture.bin",
    ],
)
async def test_some_paths_are_refused(workspace: Workspace, path: str) -> None:
    with pytest.raises(CodeLabError):
        await workspace.read(path)


async def test_a_listing_leaves_out_what_agents_do_not_see(workspace: Workspace) -> None:
    listing = await workspace.list(recursive=True)
    shown = {entry.path: entry.is_folder for entry in listing.entries}
    assert shown.pop("link.txt", False) is False
    assert shown == {
        ".gitignore": False,
        "README.md": False,
        "picture.bin": False,
        "src": True,
        "src/note.txt": False,
        "src/words.py": False,
    }
    assert not listing.truncated


async def test_a_listing_is_flat_unless_asked(workspace: Workspace) -> None:
    assert "src/words.py" not in {entry.path for entry in (await workspace.list()).entries}
    below = {entry.path for entry in (await workspace.list("src")).entries}
    assert below == {"src/note.txt", "src/words.py"}


async def test_a_search_finds_lines(workspace: Workspace) -> None:
    if not has_sandbox(workspace):
        pytest.skip("bubblewrap is not installed")
    found = await workspace.search(r"\bcount\b")
    assert {(match.path, match.line) for match in found.matches} == {
        ("src/words.py", 1),
        ("src/note.txt", 1),
    }
    assert not (await workspace.search("count", "README.md")).matches
    with pytest.raises(CodeLabError):
        await workspace.search("(")


async def test_a_write_is_planned_then_done(workspace: Workspace) -> None:
    change = await workspace.plan_write("src/words.py", "def count():\n    return 2\n")
    assert "-    return 1\n+    return 2" in change.diff
    assert (await workspace.read("src/words.py")).digest == change.before
    await workspace.write("src/words.py", "def count():\n    return 2\n", before=change.before)
    assert (await workspace.read("src/words.py")).digest == change.after


async def test_a_new_file_is_written_with_its_folders(workspace: Workspace) -> None:
    change = await workspace.plan_write("docs/a/plan.md", "# Plan\n")
    assert change.before == ""
    assert "--- /dev/null" in change.diff
    await workspace.write("docs/a/plan.md", "# Plan\n", before="")
    assert (await workspace.read("docs/a/plan.md")).text == "# Plan\n"


async def test_a_changed_file_is_neither_overwritten_nor_deleted(workspace: Workspace) -> None:
    for before in ("", "0" * 64):
        with pytest.raises(CodeLabError):
            await workspace.write("README.md", "mine\n", before=before)
    with pytest.raises(CodeLabError):
        await workspace.delete("README.md", before="0" * 64)
    assert (await workspace.read("README.md")).text == "# Words\n"


async def test_a_deletion_is_planned_then_done(workspace: Workspace) -> None:
    change = await workspace.plan_delete("README.md")
    assert "-# Words" in change.diff and change.after == ""
    await workspace.delete("README.md", before=change.before)
    with pytest.raises(CodeLabError):
        await workspace.read("README.md")
    with pytest.raises(CodeLabError):
        await workspace.plan_delete("README.md")


async def test_too_much_is_not_written(workspace: Workspace) -> None:
    with pytest.raises(CodeLabError):
        await workspace.plan_write("big.txt", "x" * 1_000_001)


async def test_a_command_runs_in_the_root_folder(workspace: Workspace) -> None:
    if not has_sandbox(workspace):
        pytest.skip("bubblewrap is not installed")
    shown: list[str] = []
    done = await workspace.run("pwd; cat README.md; exit 3", on_output=shown.append)
    assert done.exit_code == 3
    assert done.output == f"{workspace.root()}\n# Words\n" == "".join(shown)


async def test_a_command_ends_at_its_time_limit(workspace: Workspace) -> None:
    if not has_sandbox(workspace):
        pytest.skip("bubblewrap is not installed")
    done = await workspace.run("echo begun; sleep 60 & wait", timeout_s=0.5)
    assert done.timed_out
    assert done.exit_code < 0
    assert "begun" in done.output
    assert done.duration_ms < 5000


async def test_long_output_keeps_head_and_tail(workspace: Workspace) -> None:
    if not has_sandbox(workspace):
        pytest.skip("bubblewrap is not installed")
    done = await workspace.run("echo first; seq 1 20000; echo last")
    assert done.truncated
    assert done.output.startswith("first\n") and done.output.endswith("last\n")
    assert "characters left out" in done.output
    assert len(done.output) < 50_000


async def test_git_shows_what_changed(
    workspace: Workspace, folder_workspace: FolderWorkspace
) -> None:
    if not has_sandbox(workspace):
        pytest.skip("bubblewrap is not installed")
    await folder_workspace.commit()
    folder_workspace.add("README.md", "# Many words\n")
    shown = await workspace.git("diff", "--name-only")
    assert (shown.exit_code, shown.output) == (0, "README.md\n")


@pytest.mark.parametrize(
    "command",
    [
        *("diff", "log", "show", "status", "commit", "add", "push", "config", "init", "", "fetch"),
        *("check-attr", "for-each-ref", "merge-base", "merge-tree", "symbolic-ref", "update-ref"),
        *("merge", "restore", "switch", "remote", "pull", "checkout", "branch", "ls-remote"),
    ],
)
async def test_the_folder_runs_the_git_commands_that_the_server_runs(
    folder_workspace: FolderWorkspace, command: str
) -> None:
    await folder_workspace.commit()
    try:
        access_of((command,))
    except CommandRefused:
        with pytest.raises(CodeLabError):
            await folder_workspace.git(command)
    else:
        assert "is not a git command" not in (await folder_workspace.git(command, "-h")).output


def test_the_folder_says_that_it_has_no_sandbox(folder_workspace: FolderWorkspace) -> None:
    assert folder_workspace.sandbox_layer() == "none"

from pathlib import Path

import pytest

from codelab.workspace.errors import CommandRefused
from codelab.workspace.folder import Folder
from codelab.workspace.sandbox.box import Access
from codelab.workspace.sandbox.sandbox import Sandbox
from tests.workspace.places import git, names

pytestmark = pytest.mark.usefixtures("boxed")


@pytest.fixture
def repository(root: Path) -> Path:
    git(root, "init", "-q", "-b", "main")
    (root / "a.txt").write_text("one\n", "utf-8")
    git(root, "add", ".")
    git(root, "commit", "-qm", "first")
    (root / "a.txt").write_text("one\ntwo\n", "utf-8")
    return root


async def test_reading_git(folder: Folder, repository: Path) -> None:
    status = await folder.git("status", "--short", "--branch")
    assert (status.exit_code, status.output) == (0, "## main\n M a.txt\n")
    diff = await folder.git("diff", "--", "a.txt")
    assert "+two" in diff.output
    log = await folder.git("log", "--format=%an %s")
    assert log.output == "Someone first\n"


async def test_changing_git(folder: Folder, repository: Path) -> None:
    await folder.git("add", "--", "a.txt")
    done = await folder.git("commit", "--author=Ann <ann@localhost>", "-m", "second")
    assert done.exit_code == 0, done.output
    log = await folder.git("log", "-1", "--format=%an %cn %s")
    assert log.output == "Ann CodeLab second\n"


@pytest.mark.parametrize(
    "words",
    [
        *((), ("push",), ("fetch", "origin"), ("pull",), ("clone", "x"), ("config", "x.y", "z")),
        *(("log", "-1\0", "--all"), ("commit", "--message=shown\0hidden")),
        *(("-c", "a=b", "status"), ("remote", "add", "x", "y"), ("remote",), ("checkout", "x")),
    ],
)
async def test_other_git_commands_are_refused(folder: Folder, words: tuple[str, ...]) -> None:
    with pytest.raises(CommandRefused):
        await folder.git(*words)


async def test_what_a_repository_asks_git_to_run_does_not_run(
    folder: Folder, repository: Path
) -> None:
    """Hooks, a file system monitor, an external diff and a pager are planted in the settings."""
    evil = repository / "evil.sh"
    evil.write_text("#!/bin/sh\ntouch ran\n", "utf-8")
    evil.chmod(0o755)
    for name in ("core.fsmonitor", "diff.external", "core.pager", "core.sshCommand", "core.editor"):
        git(repository, "config", name, str(evil))
    for name in ("pre-commit", "post-commit", "post-index-change", "commit-msg"):
        hook = repository / ".git" / "hooks" / name
        hook.write_bytes(evil.read_bytes())
        hook.chmod(0o755)
    for words in (("status",), ("diff",), ("log",), ("add", "a.txt"), ("commit", "-m", "x")):
        assert (await folder.git(*words)).exit_code == 0
    assert not (repository / "ran").exists()


async def test_a_filter_changes_nothing_while_git_only_reads(
    folder: Folder, repository: Path
) -> None:
    """git itself offers no switch for filters: there, the box is what holds."""
    (repository / ".gitattributes").write_text("* filter=evil\n", "utf-8")
    command = f"touch {repository}/ran {repository.parent}/ran; cat"
    git(repository, "config", "filter.evil.clean", command)
    for words in (("status",), ("diff",)):
        await folder.git(*words)
    assert not (repository / "ran").exists()
    assert not (repository.parent / "ran").exists()


async def test_a_commit_cannot_change_the_settings(folder: Folder, repository: Path) -> None:
    (repository / ".gitattributes").write_text("* filter=evil\n", "utf-8")
    git_folder = repository / ".git"
    command = f"echo x > {git_folder}/hooks/pre-commit; echo x >> {git_folder}/config; cat"
    git(repository, "config", "filter.evil.clean", command)
    settings = (git_folder / "config").read_text("utf-8")
    await folder.git("add", "a.txt")
    assert (git_folder / "config").read_text("utf-8") == settings
    assert not (git_folder / "hooks" / "pre-commit").exists()


async def test_what_only_moves_branches_changes_no_file(
    folder: Folder, repository: Path, sandbox: Sandbox
) -> None:
    made = await folder.git("update-ref", "refs/heads/made", "HEAD")
    assert made.exit_code == 0, made.output
    command = ["/bin/sh", "-c", "touch a.txt new .git/new .git/hooks/new .git/config; echo end"]
    result = await sandbox.run(repository, command, access=Access.HISTORY, timeout_s=10)
    assert result.output.endswith("end\n")
    assert not (repository / "new").exists()
    assert not (repository / ".git" / "hooks" / "new").exists()
    assert (repository / ".git" / "new").exists()
    (repository / ".git").rename(repository / "kept")
    for words in (("update-ref", "refs/heads/x", "HEAD"), ("symbolic-ref", "HEAD", "refs/heads/x")):
        assert (await folder.git(*words)).exit_code != 0
    assert not (repository / ".git").exists()


async def test_a_merge_that_is_tried_out_leaves_nothing(folder: Folder, repository: Path) -> None:
    git(repository, "commit", "-qam", "ours")
    git(repository, "switch", "-qc", "feature", "HEAD~1")
    (repository / "b.txt").write_text("theirs\n", "utf-8")
    git(repository, "add", "b.txt")
    git(repository, "commit", "-qm", "theirs")
    objects = sorted((repository / ".git" / "objects").rglob("*"))
    tried = await folder.git("merge-tree", "--write-tree", "main", "feature")
    assert tried.exit_code == 0, tried.output
    assert sorted((repository / ".git" / "objects").rglob("*")) == objects


async def test_without_a_repository_git_says_so(folder: Folder, root: Path) -> None:
    for words in (("status",), ("add", "."), ("update-ref", "refs/heads/x", "HEAD")):
        result = await folder.git(*words)
        assert result.exit_code != 0
        assert "not a git repository" in result.output
    assert names(root) == []

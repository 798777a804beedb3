"""Repositories that somebody has prepared: nothing that they name runs, in the box or outside."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from codelab.sdk.workspace import CommandResult
from codelab.workspace.errors import SandboxUnavailable
from codelab.workspace.folder import Folder
from tests.workspace.places import SOMEONE, git, run

pytestmark = pytest.mark.usefixtures("boxed")

RAN = "planted-program-ran"
# All that the tools run, in an order in which each has something to do.
COMMANDS: tuple[tuple[str, ...], ...] = (
    ("status", "--porcelain"),
    ("diff",),
    ("diff", "HEAD", "feature"),
    ("log", "-p", "-1"),
    ("for-each-ref",),
    ("hash-object", "a.txt"),
    ("merge-tree", "--write-tree", "HEAD", "feature"),
    ("restore", "--source=HEAD", "--staged", "--worktree", "--", "a.txt"),
    ("switch", "--no-guess", "other"),
    ("switch", "--no-guess", "main"),
    ("merge", "--no-ff", "--no-commit", "--no-verify", "feature"),
    ("add", "--", "both.txt"),
    ("commit", "--no-verify", "--message=merged"),
    ("update-ref", "refs/heads/made", "HEAD"),
)
# What a developer's git would do with the same; here the programs must run, or they prove nothing.
PLAINLY: tuple[tuple[str, ...], ...] = (
    *(("status",), ("diff",), ("log", "-p", "-1"), ("add", "a.txt"), ("commit", "-am", "x")),
    *(("switch", "other"), ("switch", "main"), ("commit", "--amend"), ("merge", "feature")),
)

Plant = Callable[[Path, Path], None]


def settings(*lines: str) -> Plant:
    """Plant settings; {evil} is the program."""

    def plant(root: Path, evil: Path) -> None:
        for line in lines:
            name, _, value = line.partition("=")
            git(root, "config", "--add", name, value.format(evil=evil))

    return plant


def attributes(text: str, *lines: str) -> Plant:
    """Plant settings and the attributes that call for them."""

    def plant(root: Path, evil: Path) -> None:
        (root / ".git" / "info").mkdir(exist_ok=True)
        (root / ".git" / "info" / "attributes").write_text(f"* {text}\n", "utf-8")
        settings(*lines)(root, evil)

    return plant


def hooks(root: Path, evil: Path) -> None:
    """Plant every hook, in the usual place and in one that the settings name."""
    names = ("pre-commit", "post-commit", "commit-msg", "prepare-commit-msg", "post-checkout")
    more = ("post-merge", "pre-merge-commit", "post-index-change", "reference-transaction")
    for place in (root / ".git" / "hooks", root / "hooks"):
        place.mkdir(exist_ok=True)
        for name in (*names, *more):
            (place / name).write_bytes(evil.read_bytes())
            (place / name).chmod(0o755)


def hooks_elsewhere(root: Path, evil: Path) -> None:
    hooks(root, evil)
    git(root, "config", "core.hooksPath", "hooks")


def included(condition: str) -> Plant:
    """Plant a file of settings within the project that the repository's own include."""

    def plant(root: Path, evil: Path) -> None:
        text = f'[core]\n\tfsmonitor = {evil}\n[filter "evil"]\n\tclean = {evil}\n'
        (root / "included.cfg").write_text(text, "utf-8")
        attributes("filter=evil")(root, evil)
        git(root, "config", condition, "../included.cfg")

    return plant


def common(root: Path, evil: Path) -> None:
    """Plant a file that moves all of git's settings into the project."""
    settings("core.fsmonitor={evil}", "filter.evil.clean={evil}")(root, evil)
    attributes("filter=evil")(root, evil)
    shutil.copytree(root / ".git", root / "common")
    git(root, "config", "--unset-all", "core.fsmonitor")
    (root / ".git" / "commondir").write_text("../common\n", "utf-8")


def submodule(root: Path, evil: Path) -> None:
    """Plant a repository within, with settings and an update command of its own."""
    inner = root / "inner"
    inner.mkdir()
    git(inner, "init", "-q", "-b", "main")
    git(inner, "commit", "-qm", "x", "--allow-empty")
    text = f'[submodule "inner"]\n\tpath = inner\n\turl = --upload-pack={evil}\n'
    (root / ".gitmodules").write_text(text, "utf-8")
    git(root, "add", "inner", ".gitmodules")
    git(root, "commit", "-qm", "inner")
    git(root, "config", "submodule.inner.update", f"!{evil}")
    git(root, "config", "submodule.inner.url", f"ext::{evil}")
    git(root, "config", "submodule.recurse", "true")
    git(root, "config", "diff.submodule", "log")
    (inner / "changed.txt").write_text("x\n", "utf-8")
    git(inner, "config", "core.fsmonitor", str(evil))


PLANTED: dict[str, tuple[Plant, bool]] = {
    "fsmonitor": (settings("core.fsmonitor={evil}"), True),
    "filter": (
        attributes("filter=evil", "filter.evil.clean={evil}", "filter.evil.smudge={evil}"),
        True,
    ),
    "required filter": (
        attributes("filter=a=b c", "filter.a=b c.clean={evil}", "filter.a=b c.required=true"),
        False,
    ),
    "filter process": (
        attributes("filter=evil", "filter.evil.process={evil}", "filter.evil.required=true"),
        True,
    ),
    "merge driver": (attributes("merge=evil", "merge.evil.driver={evil} %A"), True),
    "external diff": (settings("diff.external={evil}"), True),
    "textconv": (attributes("diff=evil", "diff.evil.textconv={evil}"), True),
    "diff command": (attributes("diff=evil", "diff.evil.command={evil}"), True),
    "hooks": (hooks, True),
    "hooks elsewhere": (hooks_elsewhere, True),
    "editor": (settings("core.editor={evil}", "sequence.editor={evil}"), True),
    "signatures": (
        settings("gpg.program={evil}", "commit.gpgSign=true", "log.showSignature=true"),
        True,
    ),
    "include": (included("include.path"), True),
    "include on a condition": (included("includeIf.onbranch:main.path"), True),
    "another place for settings": (common, True),
    "aliases": (settings("alias.status=!{evil}", "alias.merge=!{evil}"), False),
    "merge options": (settings("branch.main.mergeoptions=--squash -s evil"), False),
    "pager": (settings("core.pager={evil}", "pager.log={evil}", "pager.diff={evil}"), False),
    "submodule": (submodule, True),
}


@pytest.fixture
def evil(tmp_path: Path, root: Path) -> Path:
    """A program that leaves traces wherever it can, and passes for a filter."""
    program = root / "evil.sh"
    program.write_text(
        f"#!/bin/sh\necho {RAN} >&2\necho {RAN} > ran\n"
        f"echo {RAN} > {tmp_path}/ran; [ -t 0 ] || timeout 1 cat\n",
        "utf-8",
    )
    program.chmod(0o755)
    return program


@pytest.fixture
def repository(root: Path, evil: Path) -> Path:
    """Two branches that contradict each other in one file, and a third without it."""
    git(root, "init", "-q", "-b", "main")
    (root / ".gitignore").write_text("ran\nevil.sh\nhooks/\ncommon/\nincluded.cfg\n", "utf-8")
    for name in ("a", "both"):
        (root / f"{name}.txt").write_text("one\n", "utf-8")
    git(root, "add", ".")
    git(root, "commit", "-qm", "first")
    git(root, "branch", "other")
    for branch in ("feature", "main"):
        if branch != "main":
            git(root, "switch", "-qc", branch)
        (root / "both.txt").write_text(f"{branch}\n", "utf-8")
        git(root, "commit", "-qam", branch)
        git(root, "switch", "-q", "main")
    return root


@pytest.mark.parametrize("name", PLANTED)
async def test_nothing_that_a_repository_names_runs(
    folder: Folder, repository: Path, evil: Path, tmp_path: Path, name: str
) -> None:
    plant, works = PLANTED[name]
    plant(repository, evil)
    (repository / "a.txt").write_text("changed\n", "utf-8")
    shutil.copytree(repository, tmp_path / "plain", symlinks=True)
    before = (repository / ".git" / "config").read_bytes()
    results = {words: await folder.git(*words) for words in COMMANDS}
    assert RAN not in "".join(result.output for result in results.values())
    assert not (repository / "ran").exists()
    assert not (tmp_path / "ran").exists()
    assert (repository / ".git" / "config").read_bytes() == before
    if plant is not common:
        check_merged(repository, results)
    if works:
        for words in PLAINLY:
            run("timeout", "5", "git", *SOMEONE, *words, cwd=tmp_path / "plain")
        assert (tmp_path / "ran").exists()


def check_merged(root: Path, results: dict[tuple[str, ...], CommandResult]) -> None:
    """All worked, and git's own merge has left its markers."""
    failed = {words[0]: result for words, result in results.items() if result.exit_code != 0}
    assert failed.keys() == {"merge-tree", "merge"}, failed
    assert len(run("git", "log", "-1", "--format=%P", cwd=root).stdout.split()) == 2
    lines = (root / "both.txt").read_text("utf-8").splitlines()
    assert [line[:7] for line in lines][::2] == ["<<<<<<<", "|||||||", "=======", ">>>>>>>"]
    assert lines[1::2] == ["main", "one", "feature"]


def give_away(root: Path) -> None:
    """Make another user the owner of all of it."""
    for place in (root, *root.rglob("*")):
        os.chown(place, 12345, 12345, follow_symlinks=False)


async def everything(folder: Folder) -> list[CommandResult]:
    return [await folder.git(*words) for words in COMMANDS]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
async def test_whoever_owns_the_folder_nothing_runs(
    folder: Folder, repository: Path, evil: Path
) -> None:
    """As in a box, where the folder may seem to belong to somebody else."""
    PLANTED["filter"][0](repository, evil)
    (repository / "a.txt").write_text("changed\n", "utf-8")
    give_away(repository)
    for words in (("status", "--porcelain"), ("diff",)):
        result = await folder.git(*words)
        assert result.exit_code == 0
        assert "a.txt" in result.output and RAN not in result.output


async def test_settings_that_cannot_be_read_stop_git(folder: Folder, repository: Path) -> None:
    with (repository / ".git" / "config").open("a", encoding="utf-8") as file:
        file.write("[broken\n")
    for words in (("status",), ("commit", "-m", "x")):
        result = await folder.git(*words)
        assert result.exit_code == 128
        assert result.output.startswith("fatal: bad config line ")


async def test_a_git_folder_elsewhere_is_not_followed(
    folder: Folder, root: Path, tmp_path: Path
) -> None:
    """A link, and a file as in a linked work tree, to another one's repository."""
    other = tmp_path / "other"
    other.mkdir()
    git(other, "init", "-q", "-b", "main")
    git(other, "commit", "-qm", "a secret of others", "--allow-empty")
    (root / ".git").symlink_to(other / ".git")
    for words in COMMANDS:
        try:
            result = await folder.git(*words)
        except SandboxUnavailable:
            continue
        assert result.exit_code != 0 or words[0] in ("hash-object", "diff")
        assert "secret" not in result.output
    (root / ".git").unlink()
    (root / ".git").write_text(f"gitdir: {other}/.git\n", "utf-8")
    for result in await everything(folder):
        assert "secret" not in result.output
    log = await folder.git("log")
    assert "not a git repository" in log.output
    assert run("git", "rev-list", "--all", "--count", cwd=other).stdout == "1\n"


async def test_files_that_look_like_a_bare_repository_are_none(
    folder: Folder, root: Path, evil: Path
) -> None:
    git(root, "init", "-q", "--bare", "-b", "main")
    git(root, "config", "core.fsmonitor", str(evil))
    git(root, "config", "core.bare", "false")
    git(root, "config", "core.worktree", str(root))
    for words in (("status",), ("log",), ("add", "."), ("commit", "-m", "x")):
        result = await folder.git(*words)
        assert result.exit_code != 0, words
        assert RAN not in result.output
    assert not (root / "ran").exists()


async def test_another_work_tree_is_not_looked_at(
    folder: Folder, repository: Path, tmp_path: Path
) -> None:
    git(repository, "config", "core.worktree", "/etc")
    result = await folder.git("status", "--porcelain", "--untracked-files=all")
    assert result.output == ""


async def test_objects_of_others_are_not_read(
    folder: Folder, repository: Path, tmp_path: Path
) -> None:
    other = tmp_path / "other"
    other.mkdir()
    git(other, "init", "-q", "-b", "main")
    git(other, "commit", "-qm", "a secret of others", "--allow-empty")
    tip = run("git", "rev-parse", "HEAD", cwd=other).stdout.strip()
    alternates = repository / ".git" / "objects" / "info" / "alternates"
    alternates.write_text(f"{other}/.git/objects\n", "utf-8")
    git(repository, "update-ref", "refs/heads/theirs", tip)
    shown = await folder.git("log", "theirs", "--")
    assert shown.exit_code != 0
    assert "secret" not in shown.output


async def test_no_object_stands_for_another(folder: Folder, repository: Path) -> None:
    """Replacements and grafts would show another history than the one that is pushed."""
    git(repository, "replace", "main", "other")
    (repository / ".git" / "info").mkdir(exist_ok=True)
    tip = run("git", "rev-parse", "main", cwd=repository).stdout.strip()
    (repository / ".git" / "info" / "grafts").write_text(f"{tip}\n", "utf-8")
    shown = await folder.git("log", "--format=%s", "main")
    assert shown.output == "main\nfirst\n"


async def test_branches_with_odd_names_are_only_names(folder: Folder, repository: Path) -> None:
    tip = run("git", "rev-parse", "main", cwd=repository).stdout
    names = ("-x", "--help", "HEAD", "a$(touch ran)", "a;touch ran", "a" * 40, "refs/heads/main")
    for name in names:
        place = repository / ".git" / "refs" / "heads" / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(tip, "utf-8")
    results = await everything(folder)
    assert not (repository / "ran").exists()
    assert [result.exit_code for result in results].count(0) == len(COMMANDS) - 2


async def test_a_resolution_that_somebody_left_is_not_taken(
    folder: Folder, repository: Path
) -> None:
    git(repository, "config", "rerere.enabled", "true")
    git(repository, "config", "rerere.autoUpdate", "true")
    run("git", *SOMEONE, "merge", "feature", cwd=repository)
    (repository / "both.txt").write_text("planted\n", "utf-8")
    git(repository, "add", "both.txt")
    git(repository, "commit", "-qm", "merged")
    git(repository, "reset", "-q", "--hard", "HEAD~1")
    merged = await folder.git("merge", "--no-commit", "feature")
    assert merged.exit_code == 1
    assert "planted" not in (repository / "both.txt").read_text("utf-8")

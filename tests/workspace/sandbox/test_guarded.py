"""Which settings are kept from commands, and that the keeping leaves no trace."""

import os
from pathlib import Path

import pytest

from codelab.sdk.workspace import CommandResult
from codelab.workspace.folder import Folder
from codelab.workspace.sandbox import guarded
from codelab.workspace.sandbox.box import Access
from codelab.workspace.sandbox.masks import Masks
from codelab.workspace.sandbox.sandbox import Sandbox
from codelab.workspace.settings import WorkspaceSettings
from tests.workspace.places import git, names


def test_what_is_there_and_what_is_not_is_told_apart(root: Path) -> None:
    (root / ".vscode").mkdir()
    (root / ".vscode" / "tasks.json").write_text("{}", "utf-8")
    (root / "AGENTS.md").write_text("rules", "utf-8")
    (root / "own").mkdir()
    found = guarded.find(root, ("own/settings", "missing/settings", "AGENTS.md"))
    assert set(found.present) == {root / ".vscode", root / "AGENTS.md"}
    assert root / "own" / "settings" in found.absent
    assert root / "missing" / "settings" not in found.absent
    assert {root / name for name in guarded.NAMES} <= {*found.present, *found.absent}
    assert root / ".husky" not in found.absent
    (root / ".husky").mkdir()
    (root / ".husky" / "pre-commit").write_text("tests", "utf-8")
    assert root / ".husky" in guarded.find(root).present
    assert root / ".zed" in guarded.find(root, (".zed",)).absent


def test_a_link_stands_for_what_it_names_in_the_workspace(root: Path) -> None:
    (root / "CLAUDE.md").write_text("rules", "utf-8")
    (root / "AGENTS.md").symlink_to("CLAUDE.md")
    (root / ".vscode").symlink_to(root.parent)
    (root / ".idea").symlink_to("nowhere")
    (root / "outwards").symlink_to(root.parent)
    found = guarded.find(root, ("outwards/x", "../x"))
    assert found.present == (root / "CLAUDE.md",)
    assert not {root / ".vscode", root / ".idea"} & set(found.absent)
    assert all(place.resolve().is_relative_to(root) for place in found.absent)


def test_nested_repositories_are_found_as_far_as_a_short_look_goes(root: Path) -> None:
    for place in (".git", "a/.git", "a/b/.git", "a/b/c/.git", "node_modules/d/.git"):
        (root / place).mkdir(parents=True)
    (root / "tree").mkdir()
    (root / "tree" / ".git").write_text("gitdir: ../.git/worktrees/tree", "utf-8")
    found = {str(place.relative_to(root)) for place in guarded.find(root).repositories}
    assert found == {"a/.git", "a/b/.git", "tree/.git"}


def test_the_settings_of_submodules_are_put_back_too(root: Path) -> None:
    for name in ("one", "group/two", "one/modules/inner"):
        (root / ".git" / "modules" / name).mkdir(parents=True)
        (root / ".git" / "modules" / name / "HEAD").write_text("ref: x", "utf-8")
    found = {str(place.relative_to(root)) for place in guarded.kept_places(root, ())}
    assert {".git/config", ".git/hooks", ".git/modules/one/config"} <= found
    assert {".git/modules/group/two/hooks", ".git/modules/one/modules/inner/config"} <= found


def test_what_was_put_in_a_covered_place_meanwhile_stays(root: Path) -> None:
    masks = Masks()
    place = root / ".vscode"
    with masks.over([place]) as outer, masks.over([place]) as inner:
        assert outer == inner == (place,)
        place.mkdir()
    assert not place.exists()
    with masks.over([place]):
        place.mkdir()
        (place / "settings.json").write_text("{}", "utf-8")
    assert (place / "settings.json").exists()
    with masks.over([place]) as covered:
        assert covered == ()


def test_what_became_a_link_meanwhile_is_noticed(root: Path) -> None:
    (root / "sub" / ".git").mkdir(parents=True)
    place = root / "sub" / ".git"
    expected = guarded.identities(root, [place, root / ".vscode"])
    assert set(expected) == {place}
    own = os.getpid()
    assert guarded.are_shown(own, expected)
    (root / "sub").rename(root / "moved")
    assert not guarded.are_shown(own, expected)
    outside = root.parent / "project-sibling"
    (outside / ".git").mkdir()
    (root / "sub").symlink_to(outside)
    assert not guarded.are_shown(own, expected)
    assert guarded.identities(root, [place]) == {}


@pytest.mark.usefixtures("boxed")
async def test_settings_stay_as_they_are_and_no_trace_is_left(folder: Folder, root: Path) -> None:
    (root / ".vscode").mkdir()
    (root / ".vscode" / "tasks.json").write_text("mine", "utf-8")
    (root / "AGENTS.md").write_text("rules", "utf-8")
    done = await folder.run(
        "cat AGENTS.md .vscode/tasks.json; echo evil > AGENTS.md; rm AGENTS.md; mv AGENTS.md x;"
        "echo evil > .vscode/tasks.json; mv .vscode y; rmdir .claude; mkdir -p .claude/z;"
        "echo evil > .mcp.json; ln -s x .idea; mv .codelab z; echo done"
    )
    assert done.output.startswith("rulesmine")
    assert done.output.endswith("done\n")
    assert names(root) == [".vscode", "AGENTS.md"]
    assert names(root / ".vscode") == ["tasks.json"]
    assert (root / "AGENTS.md").read_text("utf-8") == "rules"
    assert (root / ".vscode" / "tasks.json").read_text("utf-8") == "mine"


@pytest.mark.usefixtures("boxed")
async def test_nested_repositories_and_named_paths_are_read_only(
    root: Path, data_dir: Path
) -> None:
    (root / "sub").mkdir()
    git(root / "sub", "init", "-q")
    (root / "ci").mkdir()
    before = (root / "sub" / ".git" / "config").read_text("utf-8")
    sandbox = Sandbox(WorkspaceSettings(data_dir=data_dir, guarded=("ci/deploy.sh",)))

    async def run(command: str) -> CommandResult:
        return await sandbox.run(root, ["sh", "-c", command], access=Access.WORK, timeout_s=10)

    await run("echo evil >> sub/.git/config; echo evil > sub/.git/hooks/pre-commit; mv sub moved")
    moved = root / "moved" / ".git"
    assert (moved / "config").read_text("utf-8") == before
    assert not (moved / "hooks" / "pre-commit").exists()
    await run("echo evil > ci/deploy.sh; echo fine > ci/other.sh")
    assert names(root / "ci") == ["other.sh"]

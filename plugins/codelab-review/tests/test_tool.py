"""review_changes on a real repository."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from codelab_review.gathering import MOST_FILES
from codelab_review.journal import Journal
from codelab_review.tool import ReviewChanges

from codelab.sdk import ToolError
from codelab.sdk.testing import ArgumentsInvalid, FolderWorkspace, ToolRunner


@pytest.fixture
def journal() -> Journal:
    return Journal()


@pytest.fixture
def tool(journal: Journal) -> ReviewChanges:
    return ReviewChanges(journal)


async def test_a_clean_tree_has_nothing_to_review(
    repository: FolderWorkspace, tool_runner: ToolRunner, tool: ReviewChanges
) -> None:
    assert (await tool_runner.run(tool)).output == "There are no changes in the working tree."


async def test_changed_and_new_files_are_shown_with_suspicions(
    repository: FolderWorkspace, tool_runner: ToolRunner, tool: ReviewChanges
) -> None:
    repository.add("app.py", "def total(prices):\n    print(prices)\n    return sum(prices)\n")
    repository.add("new file.py", 'password = "hunter2-and-more"\n')
    result = await tool_runner.run(tool)
    lines = result.output.splitlines()
    assert lines[0] == "Uncommitted changes: 2 files, +2 -0"
    assert "- high secret new file.py:1: looks like a password or key" in lines
    assert "- low debug-output app.py:2: output that may be left over" in lines
    assert "          2 +     print(prices)" in lines
    assert "hunter2" not in result.output
    assert result.ok and not result.truncated


async def test_staged_changes_count_too(
    repository: FolderWorkspace, tool_runner: ToolRunner, tool: ReviewChanges
) -> None:
    repository.add("app.py", "changed = 1\n")
    repository.add("added.py", "added = 1\n")
    await repository.git("add", "--all")
    output = (await tool_runner.run(tool)).output
    assert "## app.py (modified, +1 -2)" in output
    assert "## added.py (added, +1 -0)" in output


async def test_paths_choose_files(
    repository: FolderWorkspace, tool_runner: ToolRunner, tool: ReviewChanges
) -> None:
    repository.add("app.py", "changed = 1\n")
    repository.add("docs/guide.md", "# Other\n")
    repository.add("docs/more.md", "# More\n")
    output = (await tool_runner.run(tool, {"paths": ["docs"]})).output
    assert "docs/guide.md" in output and "docs/more.md" in output
    assert "app.py" not in output
    everything = (await tool_runner.run(tool, {"paths": ["."]})).output
    assert "app.py" in everything


async def test_a_range_of_commits(
    repository: FolderWorkspace, tool_runner: ToolRunner, tool: ReviewChanges
) -> None:
    repository.add("app.py", "changed = 1\n")
    (repository.folder / "docs/guide.md").rename(repository.folder / "docs/manual.md")
    await repository.commit("Change")
    repository.add("untracked.py", "x = 1\n")
    output = (await tool_runner.run(tool, {"range": "HEAD~1..HEAD"})).output
    assert output.startswith("Changes in HEAD~1..HEAD: 2 files, +1 -2")
    assert "## docs/manual.md (renamed from docs/guide.md, +0 -0)" in output
    assert "untracked.py" not in output


async def test_a_deleted_and_a_binary_file(
    repository: FolderWorkspace, tool_runner: ToolRunner, tool: ReviewChanges
) -> None:
    (repository.folder / "app.py").unlink()
    repository.add("logo.png", "\0\1\2")
    await repository.git("add", "logo.png")
    output = (await tool_runner.run(tool)).output
    assert "## app.py (deleted, +0 -2)" in output
    assert "## logo.png (added, +0 -0)\nA binary file." in output


async def test_a_repository_without_a_commit(
    folder_workspace: FolderWorkspace, tool_runner: ToolRunner, tool: ReviewChanges
) -> None:
    await folder_workspace.run("git init --quiet")
    folder_workspace.add("staged.py", "x = 1\n")
    await folder_workspace.git("add", "staged.py")
    folder_workspace.add("loose.py", "y = 1\n")
    output = (await tool_runner.run(tool)).output
    assert "## staged.py (added" in output and "## loose.py (added" in output


async def test_a_hidden_files_contents_are_kept_from_models(
    repository: FolderWorkspace, tool_runner: ToolRunner, tool: ReviewChanges
) -> None:
    repository.add(".env", "DATABASE=topsecretvalue\n")
    repository.add(".github/ci.yml", "on: push\n")
    await repository.commit("Add")
    repository.add(".env", "DATABASE=anothervalue\n")
    repository.add(".secretly", "untracked-value\n")
    repository.add(".github/ci.yml", "on: pull_request\n")
    output = (await tool_runner.run(tool)).output
    assert "## .env (modified, +1 -1)\nIts contents are off limits for agents." in output
    assert "- high secret .env: a file of this kind usually holds secrets" in output
    assert "+ on: pull_request" in output
    for value in ("topsecretvalue", "anothervalue", "untracked-value"):
        assert value not in output


async def test_no_repository_and_unknown_ranges_are_explained(
    folder_workspace: FolderWorkspace, tool_runner: ToolRunner, tool: ReviewChanges
) -> None:
    with pytest.raises(ToolError, match="no git repository"):
        await tool_runner.run(tool)
    await folder_workspace.commit()
    with pytest.raises(ToolError, match="nowhere"):
        await tool_runner.run(tool, {"range": "nowhere..HEAD"})


@pytest.mark.parametrize("range_", ["--output=/tmp/x", "-p", "a b", "HEAD;id", "$(id)", " HEAD"])
async def test_a_range_cannot_be_an_option(
    range_: str, repository: FolderWorkspace, tool_runner: ToolRunner, tool: ReviewChanges
) -> None:
    with pytest.raises(ArgumentsInvalid):
        await tool_runner.run(tool, {"range": range_})


async def test_a_path_is_no_pattern(
    repository: FolderWorkspace, tool_runner: ToolRunner, tool: ReviewChanges
) -> None:
    repository.add("app.py", "changed = 1\n")
    for path in ("*.py", ":(top)app.py", ":/"):
        output = (await tool_runner.run(tool, {"paths": [path]})).output
        assert output == "There are no changes in the working tree."


async def test_a_very_long_change_is_cut_and_said_so(
    repository: FolderWorkspace, tool_runner: ToolRunner, tool: ReviewChanges
) -> None:
    repository.add("app.py", "".join(f"line_{number} = {number}\n" for number in range(9000)))
    result = await tool_runner.run(tool)
    assert result.truncated
    assert "app.py (+9000 -2)" in result.output
    assert len(result.output) < 48_000


async def test_too_many_files_are_refused_with_advice(
    repository: FolderWorkspace, tool_runner: ToolRunner, tool: ReviewChanges
) -> None:
    for number in range(MOST_FILES + 1):
        repository.add(f"many/{number}.py", "x = 1\n")
    with pytest.raises(ToolError, match="name `paths`"):
        await tool_runner.run(tool)


async def test_a_second_review_can_show_only_what_is_new(
    repository: FolderWorkspace, tool_runner: ToolRunner, tool: ReviewChanges, journal: Journal
) -> None:
    repository.add("app.py", "first = 1\n")
    repository.add("docs/guide.md", "# Other\n")
    only_new = {"only_new": True}
    await tool_runner.run(tool)
    journal.close_turn(SimpleNamespace(session_id="session", stop_reason="end"))
    output = (await tool_runner.run(tool, only_new)).output
    assert output == "Nothing in the working tree is different from the last finished review."
    repository.add("app.py", "second = 2\n")
    output = (await tool_runner.run(tool, only_new)).output
    assert "+ second = 2" in output
    assert "left out: docs/guide.md" in output
    assert "# Other" not in output
    assert "# Other" in (await tool_runner.run(tool)).output
    other = await tool_runner.run(tool, only_new, session_id="another")
    assert "# Other" in other.output

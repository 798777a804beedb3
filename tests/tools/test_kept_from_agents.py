"""What a .codelabignore names, asked for through every built-in tool that reads or writes files."""

from pathlib import Path

import msgspec
import pytest

from codelab.kit.errors import CodeLabError
from tests.tools.conftest import Bench
from tests.workspace.places import git


def arguments(**values: object) -> str:
    return msgspec.json.encode(values).decode()


@pytest.fixture
def kept(root: Path) -> Path:
    (root / "plan.py").write_text("needle = 1\n", "utf-8")
    (root / "shown.py").write_text("import plan\n\nneedle = 2\n", "utf-8")
    (root / ".codelabignore").write_text("plan.py\n", "utf-8")
    return root


@pytest.mark.parametrize(
    ("tool", "given"),
    [
        ("read_file", {"path": "plan.py"}),
        ("related_files", {"path": "plan.py"}),
        ("search_files", {"pattern": "needle", "path": "plan.py"}),
        ("write_file", {"path": "plan.py", "content": "x = 1\n"}),
        ("write_file", {"path": ".codelabignore", "content": ""}),
        ("delete_file", {"path": ".codelabignore"}),
        ("delete_file", {"path": "plan.py"}),
    ],
)
async def test_it_is_refused(bench: Bench, kept: Path, tool: str, given: dict[str, object]) -> None:
    try:
        result = await bench.run(tool, arguments(**given))
    except CodeLabError as error:
        said = error.message
    else:
        assert not result.ok
        said = result.output
    assert "kept from agents by .codelabignore" in said
    assert (kept / "plan.py").read_text("utf-8") == "needle = 1\n"
    assert (kept / ".codelabignore").read_text("utf-8") == "plan.py\n"


async def test_it_is_in_no_answer(bench: Bench, kept: Path) -> None:
    for tool, given in (
        ("list_files", {"recursive": True}),
        ("search_files", {"pattern": "needle"}),
    ):
        shown = (await bench.run(tool, arguments(**given))).output
        assert "shown.py" in shown
        assert "plan.py" not in shown
    related = await bench.run("related_files", arguments(path="shown.py"))
    assert "plan.py" not in related.output


@pytest.mark.usefixtures("boxed")
async def test_it_is_in_no_diff(bench: Bench, kept: Path) -> None:
    git(kept, "init", "-q", "-b", "main")
    git(kept, "add", "--all")
    git(kept, "commit", "-qm", "first")
    (kept / "plan.py").write_text("needle = 3\n", "utf-8")
    (kept / "shown.py").write_text("needle = 4\n", "utf-8")
    shown = (await bench.run("git_diff")).output
    assert "needle = 4" in shown
    assert "needle = 3" not in shown
    assert shown.endswith("may not read them:\n  plan.py")

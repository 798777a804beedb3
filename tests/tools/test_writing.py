import os
from pathlib import Path

import msgspec
import pytest

from codelab.sdk import ToolError
from tests.tools.conftest import Bench
from tests.workspace.places import names


def arguments(**values: object) -> str:
    return msgspec.json.encode(values).decode()


async def test_a_new_file_is_shown_and_then_made(bench: Bench, root: Path) -> None:
    prepared = await bench.prepare("write_file", arguments(path="src/a.py", content="x = 1\n"))
    assert prepared.preview == "--- /dev/null\n+++ b/src/a.py\n@@ -0,0 +1 @@\n+x = 1"
    assert prepared.state == ""
    assert not (root / "src").exists()
    result = await bench.tools.execute(prepared, bench.context)
    assert result.output == "Created src/a.py."
    assert (root / "src" / "a.py").read_bytes() == b"x = 1\n"


async def test_an_existing_file_is_replaced(bench: Bench, root: Path) -> None:
    (root / "a.txt").write_text("one\ntwo\n", "utf-8")
    prepared = await bench.prepare("write_file", arguments(path="a.txt", content="one\nthree\n"))
    assert "-two\n+three" in prepared.preview
    assert (await bench.tools.execute(prepared, bench.context)).output == "Replaced a.txt."
    with pytest.raises(ToolError, match="nothing to write"):
        await bench.prepare("write_file", arguments(path="a.txt", content="one\nthree\n"))


async def test_a_binary_file_is_not_hidden_in_the_preview(bench: Bench, root: Path) -> None:
    (root / "a.dat").write_bytes(b"\0\1\2")
    prepared = await bench.prepare("write_file", arguments(path="a.dat", content="text\n"))
    assert "-(binary, 3 bytes, SHA-256 ae4b3280" in prepared.preview
    assert "+text" in prepared.preview


@pytest.mark.parametrize(
    ("path", "content", "problem"),
    [
        ("a.py", "def f(:\n", "not be valid Python: line 1"),
        ("a.json", '{"a": 1,}', "not be valid JSON: line 1, column"),
        ("a.yaml", "a: [1\n", "not be valid YAML: line"),
        ("a.toml", "a = \n", "not be valid TOML"),
        ("../a.txt", "x", "must not contain"),
        (".env", "x", "hidden"),
        ("node_modules/a.js", "x", "excluded"),
        ("large.txt", "я" * 600_000, "At most 1 MB"),
    ],
)
async def test_what_cannot_be_written_is_said_before_anybody_is_asked(
    bench: Bench, root: Path, path: str, content: str, problem: str
) -> None:
    with pytest.raises(ToolError, match=problem):
        await bench.prepare("write_file", arguments(path=path, content=content))
    assert names(root) == []


async def test_a_save_between_the_check_and_the_write_is_not_lost(bench: Bench, root: Path) -> None:
    """The tool itself holds on to the state that was approved."""
    (root / "a.txt").write_text("one\n", "utf-8")
    prepared = await bench.prepare("write_file", arguments(path="a.txt", content="mine\n"))
    (root / "a.txt").write_text("theirs\n", "utf-8")
    approved = msgspec.structs.replace(bench.context, approved_state=prepared.state)
    for name, values in (
        ("write_file", {"path": "a.txt", "content": "mine\n"}),
        (
            "edit_file",
            {"path": "a.txt", "replacements": [{"old_text": "theirs", "new_text": "mine"}]},
        ),
        ("delete_file", {"path": "a.txt"}),
    ):
        tool = bench.tools.get(name)
        parameters = msgspec.convert(values, tool.parameters)
        with pytest.raises(Exception, match="was changed since"):
            await tool.execute(approved, parameters)
    assert (root / "a.txt").read_text("utf-8") == "theirs\n"


async def test_deleting(bench: Bench, root: Path) -> None:
    (root / "a.txt").write_text("one\n", "utf-8")
    prepared = await bench.prepare("delete_file", arguments(path="a.txt"))
    assert prepared.preview == "--- a/a.txt\n+++ /dev/null\n@@ -1 +0,0 @@\n-one"
    assert prepared.risk == "critical"
    await bench.tools.execute(prepared, bench.context)
    assert not (root / "a.txt").exists()
    (root / "folder").mkdir()
    for path in ("a.txt", "folder", "."):
        with pytest.raises(ToolError):
            await bench.prepare("delete_file", arguments(path=path))


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
async def test_a_folder_without_the_right_to_write(bench: Bench, root: Path) -> None:
    folder = root / "folder"
    folder.mkdir()
    folder.chmod(0o555)
    result = await bench.run("write_file", arguments(path="folder/a.txt", content="x"))
    folder.chmod(0o755)
    assert not result.ok
    assert "could not be changed" in result.output

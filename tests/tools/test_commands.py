from pathlib import Path

import msgspec
import pytest

from codelab.sdk import ToolError
from codelab.workspace.api import Audience, Folder, WorkspaceSettings, read_networks
from codelab.workspace.rules import Rules
from codelab.workspace.sandbox.sandbox import Sandbox
from tests.tools.conftest import Bench
from tests.workspace.places import names


def arguments(**values: object) -> str:
    return msgspec.json.encode(values).decode()


@pytest.mark.usefixtures("boxed")
async def test_the_exact_command_is_shown_and_run(bench: Bench, root: Path) -> None:
    prepared = await bench.prepare("execute_command", arguments(command="echo one; echo two >&2"))
    assert prepared.preview == (
        f"$ echo one; echo two >&2\n\nfolder: {root}\nbox: bubblewrap\nnetwork: none\n"
        "time limit: 30 s"
    )
    assert prepared.command == "echo one; echo two >&2"
    assert prepared.risk == "critical"
    result = await bench.tools.execute(prepared, bench.context)
    assert result.output == "one\ntwo\nExit code 0."
    assert "".join(bench.shown) == "one\ntwo\n"


async def test_the_hosts_that_it_may_reach_are_shown_and_part_of_what_is_approved(
    bench: Bench, root: Path
) -> None:
    plain = await bench.prepare("execute_command", arguments(command="true"))
    networks = read_networks(["files.example.org", "*.example.net:8443"], [], "")
    sandbox = Sandbox(WorkspaceSettings(data_dir=root.parent / "data", networks=networks))
    opened = Folder(root, Rules(Audience.AGENT), sandbox, "bubblewrap", bench.folder._threads)
    bench.context = msgspec.structs.replace(bench.context, workspace=opened)
    prepared = await bench.prepare("execute_command", arguments(command="true"))
    assert "\nnetwork: files.example.org, *.example.net:8443\n" in prepared.preview
    assert prepared.state != plain.state


@pytest.mark.usefixtures("boxed")
async def test_agents_that_may_not_write_do_not_by_command(bench: Bench, root: Path) -> None:
    bench.context = msgspec.structs.replace(bench.context, read_only=True)
    command = "touch /tmp/x && cat /tmp/x; touch made; mkdir .git; ls"
    prepared = await bench.prepare("execute_command", arguments(command=command))
    assert f"folder: {root} (read-only)\n" in prepared.preview
    result = await bench.tools.execute(prepared, bench.context)
    assert result.output.count("Read-only file system") == 2
    assert names(root) == []


@pytest.mark.usefixtures("boxed")
async def test_a_failure_is_a_result(bench: Bench) -> None:
    result = await bench.run("execute_command", arguments(command="echo no; exit 4"))
    assert (result.ok, result.output) == (False, "no\nExit code 4.")
    late = await bench.run("execute_command", arguments(command="sleep 60", timeout_s=1))
    assert not late.ok
    assert late.output.endswith("Stopped after 1 s.")
    quiet = await bench.run("execute_command", arguments(command="true"))
    assert quiet.output == "Exit code 0."


@pytest.mark.usefixtures("boxed")
@pytest.mark.parametrize(
    "values",
    [
        {"command": ""},
        {"command": "  "},
        {"command": "a\0b"},
        {"command": "true", "timeout_s": 0},
        {"command": "true", "timeout_s": 601},
        {"command": "x" * 32_001},
    ],
)
async def test_what_is_no_command(bench: Bench, values: dict[str, object]) -> None:
    with pytest.raises(ToolError):
        await bench.prepare("execute_command", arguments(**values))


async def test_without_a_box_nobody_is_even_asked(bench: Bench, root: Path) -> None:
    parts = bench.folder
    bare = Folder(root, Rules(Audience.AGENT), parts._sandbox, "none", parts._threads)
    context = msgspec.structs.replace(bench.context, workspace=bare)
    tool = bench.tools.get("execute_command")
    with pytest.raises(ToolError, match="Commands are off"):
        await tool.prepare(context, msgspec.convert({"command": "true"}, tool.parameters))

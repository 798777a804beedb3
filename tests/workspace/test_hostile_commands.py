"""Shell lines that try to get out, on each layer that this machine has."""

import os
import socket
import subprocess
import sys
import time
import tomllib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Literal

import pytest

from codelab.workspace.folder import Folder
from codelab.workspace.rules import Audience, Rules
from codelab.workspace.sandbox import Sandbox
from codelab.workspace.settings import WorkspaceSettings
from tests.workspace.places import CHILD, git, processes_with, run, tree_of, wait_until

LINES = tomllib.loads(Path(__file__).with_name("hostile_commands.toml").read_text("utf-8"))["line"]


class Machine:
    """What is around a workspace: a server, its data, its sockets, somebody else's files."""

    def __init__(self, folder: Path) -> None:
        self.outside, self.data = folder / "outside", folder / "data"
        self.root = folder / "project"
        for place in (self.outside, self.data, self.root):
            place.mkdir()
        (self.outside / "secret.txt").write_text("a secret", "utf-8")
        (self.data / "secret.key").write_text("a key", "utf-8")
        git(self.root, "init", "-q")
        self.stream = socket.create_server(("127.0.0.1", 0))
        self.datagrams = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.path = str(self.outside / "socket")
        self.datagrams.bind(self.path)
        self.server = subprocess.Popen(
            ["cat"],
            stdin=subprocess.PIPE,
            env={**os.environ, "CODELAB_SECRET": "HOSTILE_MARK"},
        )
        self.mark = f"1{os.getpid()}{time.monotonic_ns() % 100_000}"

    def fill(self, command: str) -> str:
        """Name the real things in a line."""
        for name, value in (
            ("outside", self.outside),
            ("data", self.data),
            ("server", self.server.pid),
            ("port", self.stream.getsockname()[1]),
            ("socket", self.path),
            ("mark", self.mark),
        ):
            command = command.replace(f"{{{name}}}", str(value))
        return command

    def surroundings(self) -> dict[str, tuple[int, bytes]]:
        """Everything outside of the workspace."""
        return {**tree_of(self.outside), **tree_of(self.data)}

    def settings(self) -> dict[str, tuple[int, bytes]]:
        """What other programs obey."""
        found = tree_of(self.root)
        return {
            name: found[name]
            for name in sorted(found)
            # What a weaker layer found afterwards keeps its content, but nobody obeys it.
            if ".set-aside-" not in name
            and (
                name.startswith((".git/hooks", ".git/config", ".vscode", ".idea", ".claude"))
                or name in (".mcp.json", "AGENTS.md", ".codelab", ".git")
            )
        }

    def close(self) -> None:
        """End the server."""
        self.stream.close()
        self.datagrams.close()
        self.server.communicate(timeout=5)


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Machine]:
    made = Machine(tmp_path)
    yield made
    made.close()


@pytest.mark.parametrize("layer", ["bwrap", "landlock"])
@pytest.mark.parametrize("line", LINES, ids=lambda line: line["name"])
async def test_a_hostile_line_gets_nowhere(
    machine: Machine,
    threads: ThreadPoolExecutor,
    line: dict[str, str],
    layer: Literal["bwrap", "landlock"],
) -> None:
    settings = WorkspaceSettings(data_dir=machine.data, sandbox=layer)
    sandbox = Sandbox(settings)
    standing = await sandbox.standing()
    if standing.layer == "none":
        pytest.skip(f"not on this machine: {standing.reason}")
    folder = Folder(machine.root, Rules(Audience.AGENT), sandbox, standing.layer, threads)
    around, obeyed = machine.surroundings(), machine.settings()
    done = await folder.run(machine.fill(line["command"]), timeout_s=10)
    assert "WORKED\n" not in done.output, done.output
    assert not done.timed_out
    assert machine.surroundings() == around
    assert machine.settings() == obeyed
    assert machine.server.poll() is None
    assert wait_until(lambda: not processes_with(f"sleep\0{machine.mark}"), 3) < 2


@pytest.mark.parametrize("layer", ["bwrap", "landlock"])
def test_a_box_works_on_the_servers_own_event_loop_and_goes_first(
    tmp_path: Path, layer: str
) -> None:
    """uvloop, on which the server runs, starts processes in its own way."""
    opened = CHILD.replace('root / "none")', f'root.parent / "none", sandbox="{layer}")')
    command = "echo $(( 6 * 7 )); cat /proc/$$/oom_score_adj"
    program = (
        "import uvloop\n"
        "async def ask():\n"
        "    if (await sandbox.standing()).layer == 'none':\n"
        "        return 'none'\n"
        "    return (await folder.run(sys.argv[2])).output\n"
        "print(uvloop.run(ask()))\n"
        "threads.shutdown()\n"
    )
    done = run(sys.executable, "-c", opened + program, tmp_path, command)
    said = [line for line in done.stdout.split("\n") if line and "sandbox_probed" not in line]
    if said == ["none"]:
        pytest.skip("not on this machine")
    assert said[0] == "42", done.stderr
    if layer == "bwrap":
        assert said[1] == "1000"

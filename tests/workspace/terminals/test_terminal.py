"""Shells with real terminals in real boxes, on each layer that this machine has."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from codelab.auth.api import Principal
from codelab.workspace.errors import SandboxUnavailable
from codelab.workspace.folder import Folder
from codelab.workspace.rules import Audience, Rules
from codelab.workspace.sandbox.layers import LayerName
from codelab.workspace.sandbox.sandbox import Sandbox
from codelab.workspace.settings import WorkspaceSettings
from codelab.workspace.terminals.permission import why_not
from codelab.workspace.terminals.pseudo_terminal import Size
from codelab.workspace.terminals.terminal import WINDOW, Ending, Terminal
from tests.workspace.places import child, git, processes_with, wait_until

ANN = Principal(user_id="a" * 32, name="ann", role="admin")
BOB = Principal(user_id="b" * 32, name="bob")


class Desk:
    """A terminal at which the test sits."""

    def __init__(self, terminal: Terminal) -> None:
        self.terminal = terminal
        self.view = terminal.attach(0)
        self.output = ""

    async def type(self, line: str, wanted: str, within_s: float = 10) -> str:
        """Type a line and read until something was printed; returns what was."""
        before = len(self.output)
        self.terminal.write(line.encode())
        async with asyncio.timeout(within_s):
            while wanted not in self.output[before:]:
                piece = await self.view.next()
                assert piece is not None, self.output[before:]
                self.output += piece.decode("utf-8", "replace")
                self.view.acknowledge(self.view.offset)
        return self.output[before:]

    async def ended(self, within_s: float = 10) -> Ending:
        """Read to the end, and return how it ended."""
        async with asyncio.timeout(within_s):
            while await self.view.next() is not None:
                self.view.acknowledge(self.view.offset)
        assert self.terminal.ended
        return self.terminal.ended


def descriptors() -> int:
    """Count what this process has open."""
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


@pytest.fixture(params=["bubblewrap", "landlock"])
async def place(
    request: pytest.FixtureRequest, root: Path, data_dir: Path, threads: ThreadPoolExecutor
) -> Folder:
    """A project on one of the layers, where the machine has it."""
    layer: LayerName = request.param
    settings = WorkspaceSettings(data_dir=data_dir, sandbox="bwrap")
    if layer == "landlock":
        settings = WorkspaceSettings(data_dir=data_dir, sandbox="landlock")
    sandbox = Sandbox(settings)
    if (await sandbox.standing()).layer != layer:
        pytest.skip(f"{layer} does not work here")
    return Folder(root, Rules(Audience.HUMAN), sandbox, layer, threads)


@pytest.fixture
def repository(root: Path) -> Path:
    """The project under git."""
    git(root, "init", "-q")
    return root / ".git"


@pytest.fixture
async def desk(place: Folder, repository: Path) -> AsyncIterator[Desk]:
    """A terminal that has just been opened in a project under git."""
    del repository  # It only has to be there first.
    terminal = Terminal(ANN, "w", Size(cols=120, rows=40), 1024 * 1024, lambda *_: None)
    await terminal.start(place)
    yield Desk(terminal)
    await terminal.end("closed")


async def test_a_human_finds_a_shell_in_the_box(
    desk: Desk, place: Folder, root: Path, data_dir: Path
) -> None:
    said = await desk.type("echo $TERM $-; pwd; stty size; echo rea''dy\n", "ready\r\n")
    assert "xterm-256color" in said and "m" in said
    assert str(root) in said and "40 120" in said
    # Job control, and keys that reach the program in front only; an answer shows which that is.
    await desk.type("sed -u s/^/front-/\n", "\r\n")
    await desk.type("one\n", "front-one")
    await desk.type("\x1a", "Stopped")
    assert "sed" in await desk.type("jobs\n", "Stopped")
    await desk.type("fg\n", "\r\n")
    await desk.type("two\n", "front-two")
    # What is typed before the next prompt may go with the program that was interrupted.
    await desk.type("\x03", "/project")
    await desk.type("echo inter''rupted\n", "interrupted\r\n")
    # What other programs obey stays as it is, where the layer can see to that.
    said = await desk.type(
        f"echo new >made; cat {data_dir}/secret.key; ls /home; echo x >>.git/config;"
        "echo y >.git/hooks/pre-commit; echo tr''ied\n",
        "tried\r\n",
    )
    assert (root / "made").read_text() == "new\n"
    assert "own-secret" not in said
    if place.sandbox_layer() == "bubblewrap":
        assert not (root / ".git/hooks/pre-commit").exists()
        assert "x\n" not in (root / ".git/config").read_text()
    assert "made" in await desk.type("git add -A; git status -s | cat\n", "A  made")
    # Nothing stands where nothing was: the editor may make it meanwhile.
    assert not (root / ".claude").exists()
    await desk.type("exit 5\n", "exit")
    assert await desk.ended() == Ending(exit_code=5, reason="exited")


async def test_everything_ends_and_nothing_is_left(place: Folder, root: Path) -> None:
    async def once() -> None:
        terminal = Terminal(ANN, "w", Size(), 1024, lambda *_: None)
        await terminal.start(place)
        mark = f"7{os.getpid()}{time.monotonic_ns() % 100_000}"
        command = f"setsid sleep {mark} & (nohup sleep {mark} &) ; echo beg''un\n"
        await Desk(terminal).type(command, "begun\r\n")
        begun = await asyncio.to_thread(wait_until, lambda: bool(processes_with(f"sleep\0{mark}")))
        assert begun < 10
        await terminal.end("closed")
        assert terminal.ended == Ending(exit_code=-9, reason="closed")
        assert (
            await asyncio.to_thread(wait_until, lambda: not processes_with(f"sleep\0{mark}")) < 10
        )

    await once()
    before = descriptors()
    for _ in range(3):
        await once()
    # Those of processes that have ended are given back a moment later.
    assert await asyncio.to_thread(wait_until, lambda: descriptors() <= before) < 10


async def test_a_bomb_and_a_flood_hurt_nobody_else(desk: Desk) -> None:
    # Nobody says that anything was shown, so the program has to wait.
    desk.terminal.write(b"yes\n")
    async with asyncio.timeout(10):
        while desk.terminal.scrollback.end < WINDOW:
            assert await desk.view.next()
    assert desk.terminal.scrollback.end < WINDOW + 128 * 1024
    desk.view.acknowledge(desk.view.offset)
    await desk.type("\x03echo qui''et\n", "quiet\r\n")
    desk.terminal.write(b"bomb() { bomb | bomb & }; bomb\n")
    ending = await desk.ended(within_s=20)
    assert ending.reason in ("bound", "exited")


def test_it_ends_with_the_server(root: Path, mark: str) -> None:
    program = (
        "from codelab.workspace.terminals.terminal import Terminal, Size\n"
        "from codelab.auth.api import Principal\n"
        "async def sit():\n"
        "    one = Principal(user_id='a', name='a')\n"
        "    terminal = Terminal(one, 'w', Size(), 1024, print)\n"
        "    await terminal.start(folder)\n"
        "    terminal.write(f'setsid sleep {sys.argv[2]}\\n'.encode())\n"
        "    await asyncio.sleep(60)\n"
        "asyncio.run(sit())\n"
    )
    with child(program, root, mark) as server:
        is_running = wait_until(lambda: bool(processes_with(f"sleep\0{mark}"))) < 10
        server.send_signal(signal.SIGKILL)
    if not is_running:
        pytest.skip("no box can be built here")
    assert wait_until(lambda: not processes_with(f"sleep\0{mark}"), 5) < 5


async def test_where_no_box_can_be_built_there_is_no_terminal(
    root: Path, data_dir: Path, threads: ThreadPoolExecutor
) -> None:
    sandbox = Sandbox(WorkspaceSettings(data_dir=data_dir, sandbox="none"))
    folder = Folder(root, Rules(Audience.HUMAN), sandbox, "none", threads)
    terminal = Terminal(ANN, "w", Size(), 1024, lambda *_: None)
    with pytest.raises(SandboxUnavailable):
        await terminal.start(folder)


def test_who_may_have_one() -> None:
    assert not why_not("on", BOB)
    assert not why_not("admins", ANN)
    assert "administrators" in why_not("admins", BOB)
    assert "CODELAB_TERMINAL" in why_not("off", ANN)


@pytest.fixture
def mark() -> str:
    """A number of seconds that no other process sleeps for."""
    return f"1{os.getpid()}{time.monotonic_ns() % 100_000}"

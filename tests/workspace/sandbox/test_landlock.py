"""The weaker layer, without namespaces: what it keeps in, what it puts back, how it ends."""

import asyncio
import os
import shutil
import signal
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from codelab.kit.ids import new_id
from codelab.workspace.errors import SandboxUnavailable
from codelab.workspace.folder import Folder
from codelab.workspace.rules import Audience, Rules
from codelab.workspace.sandbox.box import Access, Caps
from codelab.workspace.sandbox.layers import clear_scratch
from codelab.workspace.sandbox.sandbox import Sandbox
from codelab.workspace.settings import WorkspaceSettings
from tests.workspace.places import CHILD, child, git, names, processes_with, wait_until


@pytest.fixture
def mark() -> str:
    """A number of seconds that no other process sleeps for."""
    return f"1{os.getpid()}{time.monotonic_ns() % 100_000}"


@pytest.fixture
async def landlocked(data_dir: Path, root: Path, threads: ThreadPoolExecutor) -> Folder:
    settings = WorkspaceSettings(data_dir=data_dir, sandbox="landlock", caps=Caps(memory_mb=256))
    sandbox = Sandbox(settings)
    standing = await sandbox.standing()
    if standing.layer == "none":
        pytest.skip(f"not on this machine: {standing.reason}")
    return Folder(root, Rules(Audience.AGENT), sandbox, standing.layer, threads)


def until_gone(text: str) -> float:
    return wait_until(lambda: not processes_with(text), 5)


async def test_development_works(landlocked: Folder, root: Path) -> None:
    done = await landlocked.run(
        "set -e; pwd; mkdir -p src; echo 'print(1)' > src/a.py; cp -r src copy; mv copy moved;"
        "echo x > $TMPDIR/t; cat < $TMPDIR/t; cat <(echo piped); ls /usr/bin/env; sort moved/a.py;"
        "touch moved/a.py; rm -r moved; ulimit -c; (exit 3) || echo $?"
    )
    assert done.exit_code == 0, done.output
    assert done.output.split("\n")[:-1] == [
        *(str(root), "x", "piped", "/usr/bin/env", "print(1)", "0", "3")
    ]
    assert names(root) == ["src"]


async def test_every_approval_names_the_weaker_layer(landlocked: Folder) -> None:
    assert "weaker" in landlocked.sandbox_layer()


async def test_git_and_search_run_in_it(landlocked: Folder, root: Path) -> None:
    git(root, "init", "-q")
    (root / "a.txt").write_text("needle", "utf-8")
    status = await landlocked.git("status", "--short")
    assert status.output == "?? a.txt\n"
    added = await landlocked.git("add", "a.txt")
    assert added.exit_code == 0, added.output
    committed = await landlocked.git("commit", "-m", "first")
    assert committed.exit_code == 0, committed.output
    found = await landlocked.search("needle")
    assert [match.path for match in found.matches] == ["a.txt"]


async def test_a_reader_cannot_write(landlocked: Folder, root: Path) -> None:
    done = await landlocked.run("touch made; mkdir made; ln -s a made; echo end", read_only=True)
    assert done.output.endswith("end\n")
    assert names(root) == []


async def test_the_environment_is_empty_and_no_descriptor_is_inherited(landlocked: Folder) -> None:
    held = os.open(os.devnull, os.O_RDONLY)
    os.set_inheritable(held, True)
    try:
        done = await landlocked.run(f"env | cut -d= -f1 | sort; exec 3<&{held} && echo inherited")
    finally:
        os.close(held)
    assert "inherited" not in done.output
    assert "CODELAB" not in done.output
    assert {"HOME", "PATH", "TMPDIR"} <= set(done.output.split())


async def test_changed_settings_are_put_back_and_what_was_left_is_kept(
    landlocked: Folder, root: Path
) -> None:
    git(root, "init", "-q")
    config = (root / ".git" / "config").read_text("utf-8")
    (root / "AGENTS.md").write_text("rules", "utf-8")
    done = await landlocked.run(
        "echo evil > AGENTS.md; echo evil >> .git/config; echo evil > .git/hooks/pre-commit;"
        "mkdir .vscode; echo evil > .vscode/tasks.json; echo fine > own.txt"
    )
    assert "[put back" in done.output
    assert (root / "AGENTS.md").read_text("utf-8") == "rules"
    assert (root / ".git" / "config").read_text("utf-8") == config
    assert not (root / ".git" / "hooks" / "pre-commit").exists()
    assert not (root / ".vscode").exists()
    assert (root / "own.txt").exists()
    (aside,) = [name for name in names(root) if name.startswith(".vscode.set-aside-")]
    assert (root / aside / "tasks.json").read_text("utf-8") == "evil\n"
    again = await landlocked.run("true")
    assert again.output == ""


async def test_putting_back_follows_no_link(landlocked: Folder, root: Path) -> None:
    outside = root.parent / "project-sibling"
    git(root, "init", "-q")
    config = (root / ".git" / "config").read_text("utf-8")
    await landlocked.run(f"mv .git gone; ln -s {outside} .git; ln -s {outside} .vscode")
    assert names(outside) == ["file.txt"]
    assert (root / ".git" / "config").read_text("utf-8") == config
    assert not (root / ".git").is_symlink()
    assert not (root / ".vscode").exists()


async def test_a_deep_tree_in_the_place_of_settings_is_set_aside(
    landlocked: Folder, root: Path
) -> None:
    done = await landlocked.run(
        "for _ in $(seq 60); do mkdir .vscode 2>/dev/null; mv .vscode x; mkdir .vscode;"
        " mv x .vscode/x; done; for i in $(seq 2500); do echo > .vscode/$i; done"
    )
    assert ".vscode" in done.output
    assert not (root / ".vscode").exists()


async def test_settings_too_large_to_be_put_back_switch_commands_off(
    landlocked: Folder, root: Path
) -> None:
    (root / ".idea").mkdir()
    with (root / ".idea" / "large").open("wb") as large:
        large.truncate(20_000_000)
    with pytest.raises(SandboxUnavailable, match="more than can be put back"):
        await landlocked.run("true")


async def test_what_cannot_be_hidden_switches_commands_off(root: Path) -> None:
    sandbox = Sandbox(WorkspaceSettings(data_dir=root / "data", sandbox="landlock"))
    if (await sandbox.standing()).layer == "none":
        pytest.skip("not on this machine")
    with pytest.raises(SandboxUnavailable, match="cannot hide"):
        await sandbox.run(root, ["true"], access=Access.READ, timeout_s=5)


async def test_scratch_is_private_and_removed(landlocked: Folder) -> None:
    done = await landlocked.run(
        "echo secret > $TMPDIR/x; mkdir -p $TMPDIR/a/b; mkdir -m 000 $TMPDIR/locked;"
        "stat -c %a $HOME; echo $HOME"
    )
    mode, scratch = done.output.split()
    assert mode == "700"
    assert Path(scratch).name not in names(Path(scratch).parent)


def test_scratch_that_was_left_over_is_cleared_away() -> None:
    now = time.time()
    temporary = Path(tempfile.gettempdir())
    two_hours_ago = f"{int((now - 7200) * 1000):012x}{new_id()[12:]}"
    old, young = (temporary / f"codelab-box-{name}" for name in (two_hours_ago, new_id()))
    try:
        for folder in (old, young):
            (folder / "inner").mkdir(parents=True)
        clear_scratch(now)
        assert not old.exists()
        assert young.exists()
    finally:
        for folder in (old, young):
            shutil.rmtree(folder, ignore_errors=True)


@pytest.mark.parametrize("ending", ["timeout", "cancel"])
async def test_nothing_survives(landlocked: Folder, root: Path, mark: str, ending: str) -> None:
    command = (
        f"setsid -f sleep {mark} >/dev/null 2>&1; (setsid sleep {mark} &);"
        f"sleep {mark} & kill -STOP $!; (trap '' TERM HUP INT; sleep {mark}) &"
        f"mkdir .vscode; sleep {mark}"
    )
    limit = 1 if ending == "timeout" else 60
    task = asyncio.create_task(landlocked.run(command, timeout_s=limit))
    await asyncio.to_thread(wait_until, lambda: len(processes_with(f"sleep\0{mark}")) >= 4)
    if ending == "cancel":
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    else:
        assert (await task).timed_out
    assert until_gone(f"sleep\0{mark}") < 2
    # What a command planted is put back however it ended.
    assert not (root / ".vscode").exists()


async def test_settings_are_put_back_also_after_what_takes_its_time_to_go(
    landlocked: Folder, root: Path
) -> None:
    # The kernel needs a while to take so much memory back.
    program = (
        "import os, time\n"
        "for name in map(str, range(40)):\n"
        "  if not os.fork():\n"
        "    held = bytearray(b'x') * 5_000_000; open(name, 'w').close(); time.sleep(60)\n"
        "while not all(os.path.exists(str(n)) for n in range(40)): time.sleep(0.01)\n"
    )
    (root / "hold.py").write_text(program)
    done = await landlocked.run("echo evil > .mcp.json; /usr/bin/python3 hold.py", timeout_s=30)
    assert not (root / ".mcp.json").exists()
    assert "could not be ended" not in done.output


async def test_a_process_whose_first_thread_has_ended_does_not_survive(
    landlocked: Folder, root: Path
) -> None:
    program = (
        "import ctypes, threading, time\n"
        "threading.Thread(target=time.sleep, args=(60,)).start()\n"
        "open('begun', 'w').close()\n"
        "ctypes.CDLL(None).syscall(60 if 'x86' in __import__('os').uname().machine else 93, 0)\n"
    )
    (root / "half.py").write_text(program)
    command = "setsid /usr/bin/python3 half.py & until [ -e begun ]; do :; done; sleep 0.2"
    async with asyncio.timeout(10):
        done = await landlocked.run(command, timeout_s=8)
    assert done.exit_code == 0


@pytest.mark.parametrize("delay", [0.0, 0.01, 0.05])
async def test_cancelling_at_once_leaves_nothing(
    landlocked: Folder, mark: str, delay: float
) -> None:
    task = asyncio.create_task(landlocked.run(f"sleep {mark}", timeout_s=60))
    await asyncio.sleep(delay)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert until_gone(mark) < 2


async def test_a_fork_bomb_is_stopped(landlocked: Folder) -> None:
    started = time.monotonic()
    done = await landlocked.run("bomb() { bomb | bomb & }; bomb; sleep 8", timeout_s=9)
    assert done.exit_code != 0
    assert time.monotonic() - started < 11


async def test_memory_and_output_are_capped(landlocked: Folder) -> None:
    many = await landlocked.run(
        "for _ in 1 2 3; do head -c 150000000 /dev/zero | tail -c 140000000 | sleep 9 & done; wait",
        timeout_s=20,
    )
    assert "256 MB of memory" in many.output
    endless = await landlocked.run("yes", timeout_s=20)
    assert "MB of output" in endless.output


def test_when_the_server_is_killed_its_commands_end(root: Path, mark: str) -> None:
    command = "f'echo $HOME > home; mkdir .vscode; setsid sleep {sys.argv[2]}'"
    program = f"asyncio.run(folder.run({command}, timeout_s=60))\n"
    confined = CHILD.replace('root / "none")', 'root.parent / "none", sandbox="landlock")')
    with child(program, root, mark, opening=confined) as server:
        is_running = wait_until(lambda: bool(processes_with(f"sleep\0{mark}"))) < 10
        server.send_signal(signal.SIGKILL)
    if not is_running:
        pytest.skip("not on this machine")
    assert until_gone(f"sleep\0{mark}") < 2
    assert wait_until(lambda: not (root / ".vscode").exists(), 3) < 3
    scratch = Path((root / "home").read_text("utf-8").strip())
    assert wait_until(lambda: not scratch.exists(), 3) < 3

"""What runs in a box reaches nothing outside it and leaves nothing behind."""

import asyncio
import os
import signal
import socket
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from codelab.sdk.workspace import CommandResult
from codelab.workspace.errors import CommandRefused, SandboxUnavailable, WorkspaceGone
from codelab.workspace.folder import Folder
from codelab.workspace.rules import Audience, Rules
from codelab.workspace.sandbox.box import Access, Caps
from codelab.workspace.sandbox.confinement.kernel import NEEDED, landlock_version
from codelab.workspace.sandbox.sandbox import Sandbox
from codelab.workspace.settings import WorkspaceSettings
from tests.workspace.places import (
    CHILD,
    child,
    git,
    processes_with,
    remove,
    run,
    text_of,
    wait_until,
)

pytestmark = pytest.mark.usefixtures("boxed")

MARK = "codelab-test-secret-5c1a"


@pytest.fixture
def mark() -> str:
    """A number of seconds that no other process sleeps for."""
    return f"1{os.getpid()}{time.monotonic_ns() % 100_000}"


def until_gone(text: str) -> float:
    return wait_until(lambda: not processes_with(text), 5)


async def test_a_command_runs_in_the_workspace(folder: Folder, root: Path) -> None:
    (root / "a.txt").write_text("content", "utf-8")
    seen: list[str] = []
    result = await folder.run("pwd; cat a.txt; echo error >&2; exit 3", on_output=seen.append)
    assert result == CommandResult(
        exit_code=3, output=f"{root}\ncontenterror\n", duration_ms=result.duration_ms
    )
    assert "".join(seen) == result.output


def test_the_servers_environment_is_nowhere_to_be_found(root: Path) -> None:
    """A whole server process is started with a secret in its environment."""
    program = "print(asyncio.run(folder.run(sys.argv[2])).output)\nthreads.shutdown()\n"
    command = "env; cat /proc/*/environ /proc/*/cmdline | tr '\\0' '\\n'; echo looked"
    secret = {**os.environ, "CODELAB_SECRET_KEY": MARK}
    done = run(sys.executable, "-c", CHILD + program, root, command, env=secret)
    assert "looked" in done.stdout, done.stderr
    assert MARK not in done.stdout


async def test_nothing_of_the_server_is_visible(folder: Folder, root: Path, data_dir: Path) -> None:
    result = await folder.run(
        f"ls {data_dir} {root.parent}/outside.txt {Path.home()}/.bashrc {Path(__file__)};"
        f"ls {root.parent}; ls /home /root /var /srv /run /mnt; ls -d /proc/[0-9]* | wc -l"
    )
    lines = result.output.splitlines()
    assert "project" in lines
    assert "outside.txt" not in lines
    assert "secret.key" not in result.output
    assert int(lines[-1]) < 10


async def test_what_is_hidden_stays_so_in_what_is_visible(root: Path, tmp_path: Path) -> None:
    shown = tmp_path / "shown"
    (shown / "data").mkdir(parents=True)
    (shown / "data" / "key").write_text(MARK, "utf-8")
    (shown / "settings.toml").write_text(MARK, "utf-8")
    (shown / "tool").write_text("tool", "utf-8")
    settings = WorkspaceSettings(
        data_dir=shown / "data",
        hidden_paths=(shown / "settings.toml",),
        extra_read_only=(shown,),
    )
    sandbox = Sandbox(settings)
    command = f"cat {shown}/tool; cat {shown}/settings.toml; ls {shown}/data; touch {shown}/x"
    result = await sandbox.run(root, ["sh", "-c", command], access=Access.WORK, timeout_s=5)
    assert result.output.startswith("tool")
    assert MARK not in result.output
    assert "key" not in result.output
    assert not (shown / "x").exists()


async def test_only_the_workspace_and_scratch_can_be_written(folder: Folder, root: Path) -> None:
    result = await folder.run(
        "for place in / /usr /etc /dev /proc /proc/sys/kernel /var /root /bin/sh; do"
        "  touch $place/x 2>/dev/null && echo could $place;"
        "  echo x 2>/dev/null > $place && echo could $place; done;"
        "for file in $(find /proc/sys /sys -type f -writable 2>/dev/null | head -3); do"
        "  echo could $file; done;"
        "touch ../x; touch ok.txt /tmp/ok /dev/shm/ok && echo x > /dev/null && echo fine"
    )
    assert result.output.splitlines() == ["fine"]
    assert (root / "ok.txt").exists()
    assert not (root.parent / "x").exists()
    again = await folder.run("ls /tmp /dev/shm")
    assert "ok" not in again.output


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can write the kernel's settings at all")
async def test_the_kernels_settings_are_out_of_reach_for_root(folder: Folder) -> None:
    name = "/proc/sys/vm/stat_interval"
    now = text_of(name)
    result = await folder.run(f"echo {now} > {name}")
    assert result.exit_code != 0
    assert "Read-only" in result.output


async def test_there_is_no_network(folder: Folder) -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        port = listener.getsockname()[1]
        with socket.create_connection(("127.0.0.1", port), timeout=1):
            pass
        result = await folder.run(
            f"exec 3<>/dev/tcp/127.0.0.1/{port} && echo connected; cat /proc/net/dev"
        )
    assert "connected" not in result.output
    assert "eth" not in result.output
    assert "lo:" in result.output


async def test_no_privilege_can_be_won(folder: Folder) -> None:
    result = await folder.run(
        "grep -E 'Cap(Prm|Eff|Bnd)' /proc/self/status; grep NoNewPrivs /proc/self/status;"
        "unshare --user true && echo nested; mount -t tmpfs x /tmp && echo mounted"
    )
    assert result.output.count("0000000000000000") == 3
    assert "NoNewPrivs:\t1" in result.output
    assert "nested" not in result.output
    assert "mounted" not in result.output


@pytest.mark.parametrize("exists", [True, False])
async def test_what_git_keeps_cannot_be_changed(folder: Folder, root: Path, exists: bool) -> None:
    if exists:
        git(root, "init", "-q")
        (root / ".git" / "hooks" / "pre-commit").unlink(missing_ok=True)
    result = await folder.run(
        "mkdir -p .git/hooks; echo evil > .git/hooks/pre-commit; echo evil >> .git/config;"
        "echo evil > .git/commondir; mv .git away; rm -rf .git; git init 2>/dev/null; echo done"
    )
    assert result.output.endswith("done\n")
    assert not (root / "away").exists()
    if not exists:
        assert not (root / ".git").exists()
        return
    assert not (root / ".git" / "hooks" / "pre-commit").exists()
    assert not (root / ".git" / "commondir").exists()
    assert "evil" not in (root / ".git" / "config").read_text("utf-8")


async def test_commands_at_the_same_time_keep_git_away_to_the_last(
    folder: Folder, root: Path
) -> None:
    short = folder.run("true")
    long = folder.run("sleep 0.5; mkdir -p .git/hooks && echo made; echo end")
    results = await asyncio.gather(long, short, folder.run("sleep 0.1"))
    assert results[0].output.endswith("end\n")
    assert "made" not in results[0].output
    assert not (root / ".git").exists()


async def test_a_link_in_the_place_of_git_switches_commands_off(folder: Folder, root: Path) -> None:
    (root / "elsewhere").mkdir()
    (root / ".git").symlink_to("elsewhere")
    with pytest.raises(SandboxUnavailable, match="symbolic link"):
        await folder.run("true")


async def test_output_is_capped_with_head_and_tail(folder: Folder) -> None:
    result = await folder.run("seq 1 1000000")
    assert result.truncated
    assert len(result.output) <= 48_000
    assert result.output.startswith("1\n2\n")
    assert result.output.endswith("1000000\n")


async def test_endless_output_is_stopped(folder: Folder) -> None:
    result = await folder.run("yes", timeout_s=20)
    assert result.exit_code == -9
    assert "MB of output" in result.output
    assert not result.timed_out


async def test_a_time_limit_ends_everything(folder: Folder, mark: str) -> None:
    started = time.monotonic()
    result = await folder.run(
        f"setsid sleep {mark} & nohup sleep {mark} & (trap '' TERM INT; sleep {mark}) & "
        f"echo started; sleep {mark}",
        timeout_s=1,
    )
    assert result.timed_out
    assert result.exit_code == -9
    assert result.output.startswith("started\n")
    assert time.monotonic() - started < 3
    assert until_gone(f"sleep\0{mark}") < 2


async def test_a_daemon_does_not_outlive_its_command(folder: Folder, mark: str) -> None:
    result = await folder.run(f"setsid -f sleep {mark} </dev/null >/dev/null 2>&1; echo left")
    assert result.output == "left\n"
    assert result.duration_ms < 5000
    assert until_gone(f"sleep\0{mark}") < 2


async def test_cancelling_ends_everything(folder: Folder, root: Path, mark: str) -> None:
    task = asyncio.create_task(folder.run(f"setsid sleep {mark} & sleep {mark}", timeout_s=60))
    await asyncio.to_thread(wait_until, lambda: bool(processes_with(f"sleep\0{mark}")))
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert until_gone(f"sleep\0{mark}") < 2
    assert not (root / ".git").exists()


@pytest.mark.parametrize("delay", [0.0, 0.001, 0.003, 0.006])
async def test_cancelling_at_once_leaves_nothing(
    folder: Folder, root: Path, mark: str, delay: float
) -> None:
    task = asyncio.create_task(folder.run(f"sleep {mark}", timeout_s=60))
    await asyncio.sleep(delay)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert until_gone(mark) < 2


def test_when_the_server_is_killed_its_commands_end(root: Path, mark: str) -> None:
    program = "asyncio.run(folder.run(f'sleep {sys.argv[2]}', timeout_s=60))\n"
    with child(program, root, mark) as server:
        wait_until(lambda: bool(processes_with(f"\0sleep {mark}")))
        server.send_signal(signal.SIGKILL)
    assert until_gone(f"\0sleep {mark}") < 2


async def test_a_fork_bomb_is_stopped_and_nobody_waits_for_it(folder: Folder) -> None:
    late: list[float] = []

    async def beat() -> None:
        while True:
            before = time.monotonic()
            await asyncio.sleep(0.01)
            late.append(time.monotonic() - before - 0.01)

    heart = asyncio.create_task(beat())
    started = time.monotonic()
    result = await folder.run("bomb() { bomb | bomb & }; bomb; sleep 8", timeout_s=9)
    heart.cancel()
    assert time.monotonic() - started < 11
    assert result.exit_code != 0, result.output
    assert sorted(late)[int(len(late) * 0.95)] < 0.5


async def test_memory_and_file_size_are_capped(root: Path, data_dir: Path) -> None:
    caps = Caps(memory_mb=256, file_mb=2, scratch_mb=8)
    extra = (Path(sys.prefix), Path(sys.base_prefix))
    settings = WorkspaceSettings(data_dir=data_dir, caps=caps, extra_read_only=extra)
    sandbox = Sandbox(settings)

    async def run(command: str) -> CommandResult:
        words = ["bash", "-c", command]
        return await sandbox.run(root, words, access=Access.WORK, timeout_s=20)

    one = await run("python -c 'bytearray(8 << 30)'")
    assert "MemoryError" in one.output
    many = await run(
        'for i in 1 2 3 4; do python -c \'x = bytearray(b"1") * 120_000_000; '
        "import time; time.sleep(10)' & done; wait"
    )
    assert "256 MB of memory" in many.output
    # Memory that no process maps: it has a name, or only a descriptor.
    nowhere = await run(
        'python -c \'import os, time; made = os.memfd_create("x"); piece = bytes(1 << 20)\n'
        "while True:\n"
        "    try: os.write(made, piece)\n"
        '    except OSError: made = os.memfd_create("x")\''
    )
    assert "256 MB of memory" in nowhere.output
    await run("head -c 5000000 /dev/zero > large.bin")
    assert (root / "large.bin").stat().st_size <= 2_000_000
    scratch = await run("for i in $(seq 9); do head -c 1000000 /dev/zero > /tmp/$i; done")
    assert "No space left" in scratch.output


@pytest.mark.parametrize("timeout_s", [0, -1, 601])
async def test_the_time_limit_is_bounded(folder: Folder, timeout_s: float) -> None:
    with pytest.raises(CommandRefused):
        await folder.run("true", timeout_s=timeout_s)


@pytest.mark.parametrize("command", ["", "  ", "a\0b", "x" * 32_001])
async def test_a_command_line_is_bounded(folder: Folder, command: str) -> None:
    with pytest.raises(CommandRefused):
        await folder.run(command)


async def test_off_means_off(root: Path, data_dir: Path, threads: ThreadPoolExecutor) -> None:
    sandbox = Sandbox(WorkspaceSettings(data_dir=data_dir, sandbox="none"))
    folder = Folder(root, Rules(Audience.AGENT), sandbox, "none", threads)
    standing = await sandbox.standing()
    assert standing.layer == "none"
    for attempt in (folder.run("touch ran"), folder.git("status")):
        with pytest.raises(SandboxUnavailable, match="Commands are off because"):
            await attempt
    assert not (root / "ran").exists()


def test_without_bubblewrap_a_weaker_layer_is_used_and_says_why(root: Path) -> None:
    """In a machine that lacks it, made here with bubblewrap itself, a whole process is asked."""
    said = answer_without_bubblewrap(root, "auto")
    assert "bubblewrap is not installed" in said
    assert ("layer='landlock'" in said) == (landlock_version() >= NEEDED)


def test_where_only_bubblewrap_will_do_commands_are_off_without_it(root: Path) -> None:
    said = answer_without_bubblewrap(root, "bwrap")
    assert "layer='none'" in said
    assert "bubblewrap is not installed" in said


def answer_without_bubblewrap(root: Path, chosen: str) -> str:
    program = "print(asyncio.run(sandbox.standing()))\nthreads.shutdown()\n"
    child = CHILD.replace('root / "none")', f'root / "none", sandbox="{chosen}")')
    places = [Path(folder, "bwrap") for folder in os.get_exec_path()]
    hidden = [
        word
        for place in places
        if os.access(place, os.X_OK)
        for word in ("--ro-bind", Path(os.devnull), place)
    ]
    done = run(
        *("bwrap", "--ro-bind", "/", "/", "--dev", "/dev", "--proc", "/proc"),
        *("--tmpfs", root, *hidden, "--", sys.executable, "-c", child + program, root),
        env={**os.environ, "TMPDIR": str(root)},
    )
    assert "Standing(" in done.stdout, done.stderr
    return done.stdout


async def test_a_vanished_folder_is_reported(folder: Folder, root: Path) -> None:
    remove(root)
    with pytest.raises(WorkspaceGone):
        await folder.run("true")


async def test_a_disk_filler_is_stopped(root: Path, data_dir: Path) -> None:
    settings = WorkspaceSettings(data_dir=data_dir, caps=Caps(disk_mb=100))
    words = ["sh", "-c", "for i in 1 2 3 4 5 6; do fallocate -l 60M fill$i; sleep 1; done; sleep 9"]
    result = await Sandbox(settings).run(root, words, access=Access.WORK, timeout_s=20)
    assert "the disk has 100 MB less" in result.output
    assert not (root / "fill6").exists()

"""The bound on a box's processes, by control groups where the server may make them."""

import subprocess
import sys
import time
from pathlib import Path

import pytest

from codelab.kit.ids import new_id
from codelab.workspace.sandbox.process_cap import clear_leftovers, own_group, process_cap

MEMBERSHIPS = Path("/proc/self/cgroup")


def test_the_first_hierarchy_names_the_controller(tmp_path: Path) -> None:
    text = "9:name=systemd:/\n8:cpu,pids:/box/one\n0::/\n"
    assert own_group(text, tmp_path) == tmp_path / "pids" / "box/one"


def test_the_unified_hierarchy_must_hand_the_controller_down(tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    folder.mkdir()
    assert own_group("0::/mine\n", tmp_path) is None
    (folder / "cgroup.subtree_control").write_text("cpu memory\n")
    assert own_group("0::/mine\n", tmp_path) is None
    (folder / "cgroup.subtree_control").write_text("cpu memory pids\n")
    assert own_group("0::/mine\n", tmp_path) == folder


def test_without_groups_nothing_is_bounded(tmp_path: Path) -> None:
    assert own_group("", tmp_path) is None


def test_only_old_and_empty_groups_are_cleared_away(tmp_path: Path) -> None:
    old, busy, other = (f"codelab-{new_id()}", f"codelab-{new_id()}", "codelab-by-hand")
    for name in (old, busy, other):
        (tmp_path / name).mkdir()
    # What stands for members: a folder that is not empty cannot be removed either.
    (tmp_path / busy / "member").touch()
    clear_leftovers(tmp_path, time.time() + 50)
    assert {path.name for path in tmp_path.iterdir()} == {old, busy, other}
    clear_leftovers(tmp_path, time.time() + 70)
    assert {path.name for path in tmp_path.iterdir()} == {busy, other}
    clear_leftovers(tmp_path / "nowhere", time.time())


def test_a_group_that_was_left_over_goes_with_the_next_box() -> None:
    parent = own_group(MEMBERSHIPS.read_text())
    minutes_ago = int((time.time() - 120) * 1000)
    left = parent / f"codelab-{minutes_ago:012x}{new_id()[12:]}" if parent else None
    try:
        if left:
            left.mkdir()
    except OSError:
        left = None
    if left is None:
        pytest.skip("this user may not make control groups")
    with process_cap(5):
        assert not left.exists()


def test_processes_past_the_bound_are_refused() -> None:
    parent = own_group(MEMBERSHIPS.read_text())
    with process_cap(5) as admit:
        groups = list(parent.glob("codelab-*")) if parent else []
        if not groups:
            pytest.skip("this user may not make control groups")
        program = (
            "import os, sys\n"
            "sys.stdin.readline()\n"
            "made = 0\n"
            "for _ in range(20):\n"
            "    try:\n"
            "        if os.fork() == 0:\n"
            "            import time; time.sleep(5); os._exit(0)\n"
            "        made += 1\n"
            "    except BlockingIOError:\n"
            "        break\n"
            "print(made, flush=True)\n"
            "os.killpg(0, 9)\n"
        )
        with subprocess.Popen(
            [sys.executable, "-c", program],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        ) as process:
            admit(process.pid)
            output, _ = process.communicate("go\n", timeout=20)
        assert output.strip() == "4"

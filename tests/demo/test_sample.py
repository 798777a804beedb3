"""The sample project: its tests find the mistake, and pass once it is mended."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from codelab.demo.sample import BASKET, RIGHT, TEST_COMMAND, WRONG, create_sample


def run_tests(folder: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, *TEST_COMMAND.split()[1:]]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def git(folder: Path, *arguments: str) -> str:
    command = ["git", *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True).stdout


async def test_exactly_one_test_fails_until_the_mistake_is_mended(tmp_path: Path) -> None:
    await create_sample(tmp_path)
    before = run_tests(tmp_path)
    assert before.returncode == 1
    assert "FAILED (failures=1)" in before.stderr
    code = tmp_path / BASKET
    code.write_text(code.read_text().replace(WRONG, RIGHT))
    after = run_tests(tmp_path)
    assert after.returncode == 0, after.stderr


async def test_it_has_a_first_commit_and_nothing_left_over(tmp_path: Path) -> None:
    assert await create_sample(tmp_path)
    assert git(tmp_path, "log", "--format=%s") == "Open the shop\n"
    run_tests(tmp_path)
    assert git(tmp_path, "status", "--porcelain") == ""


async def test_a_sample_with_changes_is_kept(tmp_path: Path) -> None:
    await create_sample(tmp_path)
    (tmp_path / BASKET).write_text("changed")
    await create_sample(tmp_path)
    assert (tmp_path / BASKET).read_text() == "changed"

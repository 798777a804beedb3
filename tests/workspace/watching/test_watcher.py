"""A workspace that is watched, from its first folder to its end."""

from __future__ import annotations

import queue
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from codelab.workspace.rules import Audience, Rules
from codelab.workspace.watching.watcher import FileChanges, Watcher

WITHIN_S = 10


@pytest.fixture
def told(tmp_path: Path) -> Iterator[queue.Queue[FileChanges]]:
    """What is told of a folder `root`."""
    (tmp_path / "root").mkdir()
    heard: queue.Queue[FileChanges] = queue.Queue()
    watcher = Watcher(tmp_path / "root", Rules(Audience.HUMAN), heard.put)
    watcher.start()
    assert heard.get(timeout=WITHIN_S) == FileChanges()
    yield heard
    watcher.stop()
    watcher.join()


def wait_for(told: queue.Queue[FileChanges], path: str) -> None:
    while path not in told.get(timeout=WITHIN_S).paths:
        pass


def test_a_folder_that_comes_back_is_watched_anew(
    told: queue.Queue[FileChanges], tmp_path: Path
) -> None:
    root = tmp_path / "root"
    for number in range(5):
        # At once: the first one's end is told after the second one's beginning.
        (root / "a").mkdir()
        (root / "a").rmdir()
        (root / "a").mkdir()
        (root / f"after-{number}").touch()
        wait_for(told, f"after-{number}")
        (root / "a" / f"{number}").touch()
        wait_for(told, f"a/{number}")
        (root / "a").rename(root / "b")
        wait_for(told, "b")
        (root / "b" / "moved").touch()
        wait_for(told, "b/moved")
        shutil.rmtree(root / "b")


def test_a_workspace_that_is_gone_is_told(told: queue.Queue[FileChanges], tmp_path: Path) -> None:
    shutil.rmtree(tmp_path / "root")
    while (changes := told.get(timeout=WITHIN_S)).watching:
        pass
    assert changes.more
    assert changes.reason

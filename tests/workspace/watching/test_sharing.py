"""Whoever listens to a folder shares its one watcher."""

import asyncio
import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from codelab.workspace.folder import Folder
from codelab.workspace.watching.sharing import SharedWatchers
from codelab.workspace.watching.watcher import FileChanges

BEGUN = FileChanges()


async def until(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not is_so():
        assert time.monotonic() < deadline, "it has not come about in time"
        await asyncio.sleep(0.005)


def _has(heard: list[FileChanges], count: int) -> bool:
    return len(heard) >= count


def moved(folder: Path, name: str) -> Path:
    return folder.rename(folder.with_name(name))


def watchers() -> int:
    return sum(one.name == "file-watcher" for one in threading.enumerate())


async def test_listeners_share_one_watcher(human: Folder, root: Path) -> None:
    shared = SharedWatchers()
    first: list[FileChanges] = []
    second: list[FileChanges] = []
    one = shared.watch(human.root(), human.watcher, first.append)
    other = shared.watch(human.root(), human.watcher, second.append)
    before = watchers()
    one.start()
    await until(lambda: first == [BEGUN])
    other.start()
    assert second == [BEGUN]
    assert watchers() == before + 1
    (root / "a.py").write_text("x", "utf-8")
    await until(lambda: len(first) > 1 and len(second) > 1)
    assert first[1].paths == second[1].paths == ("a.py",)
    one.stop()
    heard = len(first)
    (root / "b.py").write_text("x", "utf-8")
    await until(lambda: any("b.py" in changes.paths for changes in second))
    assert len(first) == heard
    one.join()
    assert watchers() == before + 1
    other.stop()
    other.join()
    assert watchers() == before


async def test_a_folder_is_watched_again(human: Folder, root: Path) -> None:
    shared = SharedWatchers()
    for name in ("a.py", "b.py"):
        heard: list[FileChanges] = []
        watch = shared.watch(human.root(), human.watcher, heard.append)
        watch.start()
        await until(partial(_has, heard, 1))
        (root / name).write_text("x", "utf-8")
        await until(partial(_has, heard, 2))
        assert heard[1].paths == (name,)
        watch.stop()
        watch.join()


async def test_what_could_not_be_watched_is_tried_again(human: Folder, root: Path) -> None:
    shared = SharedWatchers()
    away = moved(root, "away")
    first: list[FileChanges] = []
    second: list[FileChanges] = []
    one = shared.watch(human.root(), human.watcher, first.append)
    one.start()
    await until(lambda: len(first) == 1)
    assert not first[0].watching
    moved(away, root.name)
    other = shared.watch(human.root(), human.watcher, second.append)
    other.start()
    await until(lambda: first[1:] == second == [BEGUN])
    for watch in (one, other):
        watch.stop()
        watch.join()

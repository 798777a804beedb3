"""What a file held is kept, and never what it does not hold any more."""

import asyncio
import os
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codelab.kit.cache import MemoryCache
from codelab.workspace.contents import KEEP_S, Contents, Stamp, is_settled, stamp_of
from codelab.workspace.errors import FileMissing, NotText, PathRefused
from codelab.workspace.folder import Folder
from codelab.workspace.rules import Audience, Rules
from codelab.workspace.sandbox.sandbox import Sandbox
from codelab.workspace.text import digest_of

LONG_AGO = 3_000_000_000
TIMES = st.integers(0, 2**60)
STAMPS = st.builds(Stamp, TIMES, TIMES, TIMES, TIMES, TIMES)


class Slow(MemoryCache):
    """A cache that remembers for how long each value is kept."""

    def __init__(self) -> None:
        super().__init__(2_000_000)
        self.kept_s: list[float] = []

    async def put(self, key: str, value: bytes, ttl_s: float) -> None:
        self.kept_s.append(ttl_s)
        await super().put(key, value, ttl_s)


@pytest.fixture
def cache() -> Slow:
    return Slow()


@pytest.fixture
def contents(cache: Slow) -> Contents:
    return Contents(cache)


@pytest.fixture
def agent(root: Path, sandbox: Sandbox, threads: ThreadPoolExecutor, contents: Contents) -> Folder:
    return Folder(root, Rules(Audience.AGENT), sandbox, "bubblewrap", threads, contents)


def written(path: Path, data: bytes) -> Stamp:
    """Write a file and return its state."""
    path.write_bytes(data)
    return stamp_of(path.stat())


async def settled(contents: Contents, path: Path, data: bytes, root: Path) -> None:
    """Keep what a file holds, as is done once it has been left alone for two seconds."""
    await contents.keep(str(root), written(path, data), data, digest_of(data))


async def test_what_is_kept_is_not_read_again(
    agent: Folder, root: Path, contents: Contents
) -> None:
    # Something else is kept than the file holds, so that one sees where the answer comes from.
    stamp = written(root / "a.txt", b"on the disk")
    await contents.keep(str(root), stamp, "из памяти".encode(), "d" * 64)
    found = await agent.read("a.txt")
    assert (found.text, found.digest, found.size) == ("из памяти", "d" * 64, 17)
    assert contents.looked_up() == (1, 0)


@pytest.mark.parametrize("way", ["write", "append", "same size", "replace", "touch", "times"])
async def test_a_change_drops_it_at_once(
    agent: Folder, root: Path, contents: Contents, way: str
) -> None:
    path = root / "a.txt"
    await settled(contents, path, b"kept", root)
    assert (await agent.read("a.txt")).text == "kept"
    before = path.stat()
    if way == "write":
        await agent.write("a.txt", "new", before=digest_of(b"kept"))
    elif way == "append":
        with path.open("ab") as file:
            file.write(b"+")
    elif way == "replace":
        (root / "b.txt").write_bytes(b"tpek")
        (root / "b.txt").rename(path)
    elif way in ("same size", "times"):
        # Clocks of file systems tick in steps of up to ten milliseconds.
        await asyncio.sleep(0.02)
        path.write_bytes(b"tpek")
        if way == "times":
            os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    else:
        await asyncio.sleep(0.02)
        path.touch()
    assert (await agent.read("a.txt")).text == path.read_text("utf-8")
    assert contents.looked_up() == (1, 1)


async def test_what_was_changed_a_moment_ago_is_not_kept(
    agent: Folder, root: Path, contents: Contents, cache: Slow
) -> None:
    """Two changes within one tick of the clock would look like one."""
    for text in ("one", "two"):
        (root / "a.txt").write_text(text, "utf-8")
        assert (await agent.read("a.txt")).text == text
    assert cache.kept_s == []
    assert contents.looked_up() == (0, 2)


async def test_a_file_that_is_left_alone_is_kept_for_five_minutes(
    agent: Folder, root: Path, contents: Contents, cache: Slow
) -> None:
    (root / "a.txt").write_text("one", "utf-8")
    ends = time.monotonic() + 10
    while not cache.kept_s and time.monotonic() < ends:
        assert (await agent.read("a.txt")).text == "one"
        await asyncio.sleep(0.1)
    assert cache.kept_s == [KEEP_S] == [300]
    assert (await agent.read("a.txt")).text == "one"
    assert contents.looked_up()[0] == 1


async def test_the_rules_come_first(agent: Folder, root: Path, contents: Contents) -> None:
    path = root / "notes.txt"
    await settled(contents, path, b"kept", root)
    assert (await agent.read("notes.txt")).text == "kept"
    (root / ".gitignore").write_text("notes.txt\n", "utf-8")
    with pytest.raises(PathRefused):
        await agent.read("notes.txt")
    (root / ".gitignore").unlink()
    (root / ".hidden").mkdir()
    path.rename(root / ".hidden" / "notes.txt")
    path.symlink_to(".hidden/notes.txt")
    with pytest.raises(PathRefused):
        await agent.read("notes.txt")
    path.unlink()
    with pytest.raises(FileMissing):
        await agent.read("notes.txt")


async def test_no_workspace_is_given_anothers(
    agent: Folder, root: Path, contents: Contents
) -> None:
    (root / "a.txt").write_bytes(b"mine")
    await contents.keep("/elsewhere", stamp_of((root / "a.txt").stat()), b"theirs", "d" * 64)
    assert (await agent.read("a.txt")).text == "mine"


async def test_what_is_no_text_is_never_kept(agent: Folder, root: Path, cache: Slow) -> None:
    (root / "a.dat").write_bytes(b"\0\1")
    with pytest.raises(NotText):
        await agent.read("a.dat")
    assert cache.held_bytes == 0


@given(STAMPS, STAMPS, TIMES)
def test_only_what_did_not_change_is_settled(before: Stamp, after: Stamp, now: int) -> None:
    assert not is_settled(before, after, now) or before == after
    assert is_settled(before, before, before.changed_ns + LONG_AGO)
    assert not is_settled(before, before, before.changed_ns)

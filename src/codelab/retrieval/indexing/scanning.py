"""Which files of a workspace agents may read, with what the file system says of each; blocking.

No link is followed, so that no loop is entered and nothing is indexed under two names. What
vanishes meanwhile, or may not be opened, is left out.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager

import msgspec

from codelab.kit.errors import CodeLabError
from codelab.retrieval.index.entries import Stat
from codelab.workspace.api import Rules, can_be_asked_for, is_temporary, opened_folder

ROOT = "."
MOST_FILES = 300_000
# Nobody nests by hand so deep.
_DEEPEST = 100
_PLAIN = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC


class Content(msgspec.Struct, frozen=True):
    """The bytes of a file with the state in which they were read."""

    data: bytes
    stat: Stat


def scan(root: int, rules: Rules, start: str = ROOT) -> Iterator[tuple[str, Stat]]:
    """Yield the files of a folder and below.

    Args:
        root: A descriptor of the workspace's root.
        rules: What agents may see.
        start: The folder, of which the rules have been asked already.
    """
    waiting = [start]
    count = 0
    while waiting:
        folder = waiting.pop()
        below: list[str] = []
        for path, found in _entries(root, rules, folder):
            if stat.S_ISREG(found.st_mode):
                count += 1
                if count > MOST_FILES:
                    return
                yield path, Stat.of(found)
            elif stat.S_ISDIR(found.st_mode):
                below.append(path)
        if folder.count("/") < _DEEPEST:
            waiting += sorted(below, reverse=True)


def look(root: int, rules: Rules, path: str) -> Stat | None:
    """Return the state of one file; none where agents may read no regular file."""
    found = _status(root, path)
    if found is None or not stat.S_ISREG(found.st_mode) or not rules.lists(root, path):
        return None
    return Stat.of(found)


def is_folder(root: int, rules: Rules, path: str) -> bool:
    """Tell whether there is a folder that agents may look into."""
    if path == ROOT:
        return True
    found = _status(root, path)
    return (
        found is not None
        and stat.S_ISDIR(found.st_mode)
        and rules.lists(root, path, is_folder=True)
    )


def read(root: int, path: str, largest: int) -> Content | None:
    """Read a file, at most so many bytes and one more; none where it cannot be read."""
    try:
        with _above(root, path) as (folder, name):
            descriptor = os.open(name, _PLAIN, dir_fd=folder)
        with os.fdopen(descriptor, "rb", buffering=0) as file:
            found = os.fstat(descriptor)
            if not stat.S_ISREG(found.st_mode):
                return None
            data = bytearray()
            while len(data) <= largest and (more := file.read(largest + 1 - len(data))):
                data += more
    except (CodeLabError, OSError):
        return None
    return Content(bytes(data), Stat.of(found))


def _entries(root: int, rules: Rules, folder: str) -> Iterator[tuple[str, os.stat_result]]:
    try:
        with _opened(root, folder) as descriptor, os.scandir(descriptor) as found:
            belongs = rules.within(root, "" if folder == ROOT else folder)
            for item in found:
                path = item.name if folder == ROOT else f"{folder}/{item.name}"
                if is_temporary(item.name) or not can_be_asked_for(path):
                    continue
                try:
                    is_one = item.is_dir(follow_symlinks=False)
                    if belongs(item.name, is_folder=is_one):
                        yield path, item.stat(follow_symlinks=False)
                except OSError:
                    continue  # It is gone again.
    except (CodeLabError, OSError):
        return


def _status(root: int, path: str) -> os.stat_result | None:
    if not can_be_asked_for(path) or is_temporary(path.rsplit("/", 1)[-1]):
        return None
    try:
        with _above(root, path) as (folder, name):
            return os.stat(name, dir_fd=folder, follow_symlinks=False)
    except (CodeLabError, OSError):
        return None


@contextmanager
def _above(root: int, path: str) -> Iterator[tuple[int, str]]:
    folder, _, name = path.rpartition("/")
    with _opened(root, folder or ROOT) as descriptor:
        yield descriptor, name


def _opened(root: int, folder: str) -> AbstractContextManager[int]:
    # One that a link leads to has another name, under which it is indexed.
    return opened_folder(root, folder, follows_links=False)

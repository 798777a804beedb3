"""Which files of a workspace a command may not change, because other programs obey them later.

An editor, a shell, git or another agent runs what these files name, outside of any box and as the
developer. A command that could plant one would have left its box.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from itertools import islice
from pathlib import Path

import msgspec

from codelab.kit.errors import CodeLabError
from codelab.workspace.errors import FileMissing
from codelab.workspace.paths import opened_file, opened_folder, opened_root
from codelab.workspace.sandbox.masks import is_lacking

# A device's and a file's number.
Identity = tuple[int, int]

# Nothing may be made in their place either. Each place costs every box a third of a millisecond.
NAMES = (
    ".claude",
    ".codelab",
    ".codelabignore",
    ".cursor",
    ".idea",
    ".mcp.json",
    ".vscode",
    "AGENTS.md",
)
# These are obeyed only after the developer agreed to a new one, or where others name them.
WHERE_PRESENT = (
    ".aider.conf.yml",
    ".codex",
    ".devcontainer",
    ".envrc",
    ".gemini",
    ".husky",
    ".windsurf",
    ".zed",
)
# Of what git obeys, the files; a new one in their place points git at other settings.
GIT_SETTINGS = ("config", "config.worktree", "commondir", "info/attributes")

_MODULES = ("*/HEAD", "*/*/HEAD", "*/modules/*/HEAD")
_DEPTH = 2
_MOST_LOOKED_AT = 2000
_MOST_REPOSITORIES = 50


class Guarded(msgspec.Struct, frozen=True):
    """Places in a workspace that a command may not change.

    Args:
        present: Files and folders that are there.
        absent: Places where nothing is, and where nothing may be made.
        repositories: The git folders of repositories within the workspace's own.
    """

    present: tuple[Path, ...] = ()
    absent: tuple[Path, ...] = ()
    repositories: tuple[Path, ...] = ()


def find(root: Path, further: Sequence[str] = ()) -> Guarded:
    """Look for what is guarded in a workspace.

    A link is not guarded itself, but what it names is, if that lies in the workspace. Nested
    repositories are found two folders deep, and as far as a short look finds them.

    Args:
        root: The workspace, resolved.
        further: Paths in the workspace that are guarded besides those that CodeLab knows.
    """
    present, absent = [], []
    for name in dict.fromkeys((*NAMES, *further, *WHERE_PRESENT)):
        place = root / name
        if "/" in name and not (_is_within(place.parent, root) and place.parent.is_dir()):
            continue
        if is_lacking(place):
            if name in NAMES or name in further:
                absent.append(place)
        elif not place.is_symlink():
            present.append(place)
        elif _is_within(place, root):
            present.append(place.resolve())
    return Guarded(tuple(present), tuple(absent), tuple(_repositories(root)))


def kept_places(root: Path, guarded: Iterable[Path]) -> list[Path]:
    """Name what is put back after a command, where it could not be kept from being changed.

    Args:
        root: The workspace.
        guarded: Places of it that are guarded besides what git obeys.
    """
    git = root / ".git"
    if not git.is_dir():
        return [git, *(place for place in guarded if place != git)]
    # Not deeper: their objects alone are thousands of files.
    heads = [found for depth in _MODULES for found in sorted((git / "modules").glob(depth))]
    keepers = [git, *(found.parent for found in heads)]
    settings = [place / name for place in keepers for name in ("hooks", *GIT_SETTINGS)]
    return [*settings, *(place for place in guarded if place.name != ".git")]


def identities(root: Path, places: Iterable[Path]) -> dict[Path, Identity]:
    """Return which files these are, of those that lie beneath the root, links followed or not.

    A place directly in the root is left out: no command can put anything else there. Any other may
    become a link while a box is built, and then the box would show what the link names.
    """
    found: dict[Path, Identity] = {}
    deep = [place for place in places if place.parent != root]
    if not deep:
        return found
    with opened_root(root) as descriptor:
        for place in deep:
            path = str(place.relative_to(root))
            with suppress(CodeLabError):
                try:
                    with opened_folder(descriptor, path) as opened:
                        status = os.fstat(opened)
                except FileMissing:
                    with opened_file(descriptor, path) as opened:
                        status = os.fstat(opened)
                found[place] = (status.st_dev, status.st_ino)
    return found


def are_shown(process: int, expected: Mapping[Path, Identity]) -> bool:
    """Tell whether a process sees at these places what was meant to be there."""
    try:
        seen = {place: Path(f"/proc/{process}/root{place}").stat() for place in expected}
    except OSError:
        return False
    return all((seen[place].st_dev, seen[place].st_ino) == one for place, one in expected.items())


def _is_within(place: Path, root: Path) -> bool:
    try:
        resolved = place.resolve(strict=True)
    except (OSError, RuntimeError):
        return False
    return resolved.is_relative_to(root)


def _repositories(root: Path) -> Iterator[Path]:
    looked_at = found = 0
    waiting = deque([(root, 0)])
    while waiting:
        folder, depth = waiting.popleft()
        for entry in _entries(folder):
            looked_at += 1
            if looked_at > _MOST_LOOKED_AT or found >= _MOST_REPOSITORIES:
                return
            if entry.name == ".git":
                if depth:
                    found += 1
                    yield Path(entry.path)
            elif (
                depth < _DEPTH
                and entry.name != "node_modules"
                and entry.is_dir(follow_symlinks=False)
            ):
                waiting.append((Path(entry.path), depth + 1))


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return list(islice(entries, _MOST_LOOKED_AT))
    except OSError:
        return []

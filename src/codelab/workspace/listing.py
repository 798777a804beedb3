"""Bounded listings of folders, however large they are; blocking, so it runs in threads."""

from __future__ import annotations

import os
import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field

from codelab.kit.errors import CodeLabError
from codelab.sdk.workspace import Entry, Kind, Listing
from codelab.workspace.errors import NotRegular, PathRefused
from codelab.workspace.names import ROOT, clean, joined
from codelab.workspace.paths import opened_folder, real_path
from codelab.workspace.rules import Rules

MOST_ENTRIES = 1000

# Where not everything has room, a folder with more entries than this is summed up in one line.
_LARGE = 100
# More is counted than shown, but neither for ever nor without bound.
_MOST_SEEN = 300_000
_MOST_FOLDERS = 20_000
_MOST_KEPT = 20_000
_LONGEST_S = 2.0
_LONGEST_PLAIN = 255


@dataclass
class _Folder:
    """What was found in one folder; `files` and `size` count what lies deeper too, in the end."""

    path: str
    parent: _Folder | None
    entries: list[Entry] = field(default_factory=list)
    count: int = 0
    files: int = 0
    size: int = 0


class _Budget:
    """How much may still be looked at and kept."""

    def __init__(self) -> None:
        self.seen = 0
        self.kept = 0
        self.exhausted = False
        self.is_complete = True
        self._deadline = time.monotonic() + _LONGEST_S

    def spend(self) -> bool:
        self.seen += 1
        # The clock is read now and then only: it costs more than an entry.
        late = self.seen % 256 == 0 and time.monotonic() > self._deadline
        self.exhausted = self.exhausted or late or self.seen > _MOST_SEEN
        self.is_complete = self.is_complete and not self.exhausted
        return not self.exhausted

    def keep_first(self, entries: list[Entry], most: int) -> None:
        """Drop all but the first entries; folders come first, since more lies in them."""
        entries.sort(key=lambda entry: (not entry.is_folder, entry.path))
        if any(entry.is_folder for entry in entries[most:]):
            self.is_complete = False
        del entries[most:]


def list_folder(root: int, rules: Rules, path: str, *, recursive: bool) -> Listing:
    """List a folder; where a recursive listing is too large, large folders are summed up.

    Raises:
        CodeLabError: The path is refused or is no folder.
    """
    if path != ROOT:
        rules.check(root, path, is_folder=True)
    budget = _Budget()
    start = _Folder(path, None)
    folders = [start]
    waiting = deque([start])
    while waiting and not budget.exhausted:
        folder = waiting.popleft()
        try:
            _look(root, rules, folder, budget, counts=recursive)
        except CodeLabError as error:
            if folder is start:
                raise _explained(error, path) from None
        if recursive:
            below = [_Folder(e.path, folder) for e in folder.entries if e.is_folder]
            room = _MOST_FOLDERS - len(folders)
            budget.is_complete = budget.is_complete and len(below) <= room
            folders += below[:room]
            waiting.extend(below[:room])
    _add_up(folders)
    return _shown(folders, is_complete=budget.is_complete)


def _look(root: int, rules: Rules, folder: _Folder, budget: _Budget, *, counts: bool) -> None:
    with opened_folder(root, folder.path) as descriptor:
        real = real_path(root, descriptor, folder.path)
        if real != ROOT:
            rules.check(root, real, is_folder=True)
        belongs = rules.within(root, folder.path)
        # Of more files than are shown, those behind the last one shown are counted only.
        last = ""
        with os.scandir(descriptor) as scan:
            for item in scan:
                if not budget.spend():
                    break
                kind = _kind(item)
                is_folder = kind == "folder"
                if not belongs(item.name, is_folder=is_folder) or not _is_askable(item.name):
                    continue
                folder.count += 1
                folder.files += not is_folder
                if counts and not is_folder:
                    folder.size += _size_of(item)
                if last and not is_folder and item.name > last:
                    continue
                path = joined(folder.path, item.name)
                folder.entries.append(Entry(path=path, is_folder=is_folder, kind=kind))
                if len(folder.entries) >= 4 * MOST_ENTRIES:
                    budget.keep_first(folder.entries, MOST_ENTRIES)
                    last = folder.entries[-1].path.rsplit("/", 1)[-1]
        budget.keep_first(folder.entries, min(MOST_ENTRIES, max(0, _MOST_KEPT - budget.kept)))
        budget.kept += len(folder.entries)
        folder.entries[:] = _with_sizes(descriptor, folder.entries)


def _is_askable(name: str) -> bool:
    if name.isascii() and name.isprintable() and "%" not in name and "\\" not in name:
        return len(name) <= _LONGEST_PLAIN
    try:
        return clean(name) == name
    except PathRefused:
        return False  # Nobody could ask for it.


def _kind(item: os.DirEntry[str]) -> Kind:
    try:
        if item.is_symlink():
            return "link"
        if item.is_dir(follow_symlinks=False):
            return "folder"
        return "file" if item.is_file(follow_symlinks=False) else "other"
    except OSError:
        return "other"  # It vanished while we looked.


def _size_of(item: os.DirEntry[str]) -> int:
    try:
        return item.stat(follow_symlinks=False).st_size
    except OSError:
        return 0


def _with_sizes(folder: int, entries: list[Entry]) -> Iterator[Entry]:
    for entry in entries:
        if entry.is_folder:
            yield entry
            continue
        name = entry.path.rsplit("/", 1)[-1]
        try:
            size = os.stat(name, dir_fd=folder, follow_symlinks=False).st_size
        except OSError:
            continue
        yield Entry(path=entry.path, is_folder=False, kind=entry.kind, size=size)


def _add_up(folders: list[_Folder]) -> None:
    # Every folder comes behind the one that it lies in.
    for folder in reversed(folders):
        if folder.parent:
            folder.parent.files += folder.files
            folder.parent.size += folder.size


def _shown(folders: list[_Folder], *, is_complete: bool) -> Listing:
    start = folders[0]
    fits = sum(folder.count for folder in folders) <= MOST_ENTRIES
    shown = list(start.entries)
    opened = {start.path}
    summed_up: dict[str, _Folder] = {folder.path: folder for folder in folders[1:]}
    for folder in folders[1:]:
        is_open = folder.parent is not None and folder.parent.path in opened
        has_room = len(shown) + folder.count <= MOST_ENTRIES
        if is_open and has_room and (fits or folder.count <= _LARGE):
            shown += folder.entries
            opened.add(folder.path)
    entries = [_summed_up(entry, summed_up.get(entry.path), opened) for entry in shown]
    entries.sort(key=lambda entry: entry.path.split("/"))
    more = start.count - len(start.entries)
    is_folded = any(entry.is_folded for entry in entries)
    return Listing(
        entries=tuple(entries),
        truncated=more > 0 or is_folded or not is_complete,
        more=more,
        is_complete=is_complete,
    )


def _summed_up(entry: Entry, folder: _Folder | None, opened: set[str]) -> Entry:
    if folder is None:
        return entry
    return Entry(
        path=entry.path,
        is_folder=True,
        kind="folder",
        files=folder.files,
        files_size=folder.size,
        is_folded=entry.path not in opened,
    )


def _explained(error: CodeLabError, path: str) -> CodeLabError:
    if isinstance(error, PathRefused | NotRegular):
        return error
    return type(error)(f"There is no folder {path}.", field="path")

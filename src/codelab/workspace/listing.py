"""Bounded listings of folders, however large they are; blocking, so it runs in threads."""

from __future__ import annotations

import os
import time
from collections import deque

from codelab.kit.errors import CodeLabError
from codelab.sdk.workspace import Entry, Listing
from codelab.workspace.errors import NotRegular, PathRefused
from codelab.workspace.names import ROOT, clean, joined
from codelab.workspace.paths import opened_folder, real_path
from codelab.workspace.rules import Rules

MOST_ENTRIES = 1000

# What is looked at may be more than what is shown: exclusions, and entries sorted afterwards.
_MOST_SEEN = 20_000
_LONGEST_S = 2.0


class _Budget:
    """How much may still be looked at."""

    def __init__(self) -> None:
        self.seen = 0
        self.exhausted = False
        self._deadline = time.monotonic() + _LONGEST_S

    def spend(self) -> bool:
        self.seen += 1
        # The clock is read now and then only: it costs more than an entry.
        late = self.seen % 256 == 0 and time.monotonic() > self._deadline
        self.exhausted = self.exhausted or late or self.seen > _MOST_SEEN
        return not self.exhausted


def list_folder(root: int, rules: Rules, path: str, *, recursive: bool) -> Listing:
    """List a folder, the nearest entries first when it is recursive and too large.

    Raises:
        CodeLabError: The path is refused or is no folder.
    """
    if path != ROOT:
        rules.check(root, path, is_folder=True)
    entries: list[Entry] = []
    budget = _Budget()
    waiting = deque([path])
    truncated = False
    while waiting and not truncated:
        folder = waiting.popleft()
        found = _entries(root, rules, folder, budget, is_start=folder == path)
        entries.extend(found)
        if recursive:
            waiting.extend(entry.path for entry in found if entry.is_folder)
        truncated = budget.exhausted or len(entries) > MOST_ENTRIES
    shown = entries[:MOST_ENTRIES]
    shown.sort(key=lambda entry: entry.path.split("/"))
    return Listing(entries=tuple(shown), truncated=truncated)


def _entries(
    root: int, rules: Rules, folder: str, budget: _Budget, *, is_start: bool
) -> list[Entry]:
    entries: list[Entry] = []
    try:
        with opened_folder(root, folder) as descriptor:
            real = real_path(root, descriptor, folder)
            if real != ROOT:
                rules.check(root, real, is_folder=True)
            with os.scandir(descriptor) as scan:
                for item in scan:
                    if not budget.spend() or len(entries) > MOST_ENTRIES:
                        break
                    if entry := _entry(root, rules, folder, item):
                        entries.append(entry)
    except CodeLabError as error:
        if is_start:
            raise _explained(error, folder) from None
    entries.sort(key=lambda entry: entry.path)
    return entries


def _entry(root: int, rules: Rules, folder: str, item: os.DirEntry[str]) -> Entry | None:
    path = joined(folder, item.name)
    try:
        clean(path)
        is_folder = item.is_dir(follow_symlinks=False)
        if not rules.lists(root, path, is_folder=is_folder):
            return None
        size = 0 if is_folder else item.stat(follow_symlinks=False).st_size
    except (OSError, PathRefused):
        return None  # It vanished while we looked, or has a name that nobody could ask for.
    return Entry(path=path, is_folder=is_folder, size=size)


def _explained(error: CodeLabError, path: str) -> CodeLabError:
    if isinstance(error, PathRefused | NotRegular):
        return error
    return type(error)(f"There is no folder {path}.", field="path")

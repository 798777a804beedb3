"""A project drawn in a few lines: its folders, its most used files and what they define; pure."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Sequence

import msgspec

# Of English and code, as models count.
_CHARACTERS_PER_TOKEN = 3.5
_MOST_SYMBOLS = 12
_LONGEST_SYMBOL = 60
# Folders and their counts may take so much of the map; the files get what is left.
_FOLDERS_SHARE = 0.4


class MappedFile(msgspec.Struct, frozen=True, kw_only=True):
    """A file as the map sees it.

    Args:
        path: The file.
        weight: How much it matters; more is shown of what has more.
        symbols: What it defines, the most telling first.
    """

    path: str
    weight: float = 0.0
    symbols: tuple[str, ...] = ()


def drawn(files: Sequence[MappedFile], budget: int) -> str:
    """Draw a map of at most about so many tokens."""
    if not files:
        return "There are no files."
    room = int(budget * _CHARACTERS_PER_TOKEN)
    folders = _folders(files, int(room * _FOLDERS_SHARE))
    counts = {folder: 0 for folder in folders}
    for one in files:
        counts[_shown_in(one.path, folders)] += 1
    room -= sum(len(_folder_line(folder, count)) + 1 for folder, count in counts.items())
    shown: dict[str, list[str]] = {folder: [] for folder in folders}
    for one in sorted(files, key=lambda file: (-file.weight, file.path)):
        folder = _shown_in(one.path, folders)
        line = _file_line(one, folder)
        if len(line) >= room:
            # A smaller one may still fit, but what matters less must not crowd out the rest.
            line = f"  {posixpath.relpath(one.path, folder or '.')}"
        if len(line) >= room:
            break
        room -= len(line) + 1
        shown[folder].append(line)
    return "\n".join(_lines(counts, shown))


def _lines(counts: dict[str, int], shown: dict[str, list[str]]) -> Iterator[str]:
    for folder, count in counts.items():
        yield _folder_line(folder, count)
        yield from sorted(shown[folder])


def _folders(files: Sequence[MappedFile], room: int) -> list[str]:
    """Choose folders from the root down, level by level, as long as there is room."""
    present = {""}
    for one in files:
        folder = posixpath.dirname(one.path)
        while folder and folder not in present:
            present.add(folder)
            folder = posixpath.dirname(folder)
    chosen: list[str] = []
    for folder in sorted(present, key=lambda one: (one.count("/") + bool(one), one)):
        room -= len(_folder_line(folder, len(files))) + 1
        if room < 0 and chosen:
            break
        chosen.append(folder)
    return sorted(chosen, key=lambda one: one.split("/"))


def _shown_in(path: str, folders: Sequence[str]) -> str:
    folder = posixpath.dirname(path)
    while folder not in folders:
        folder = posixpath.dirname(folder)
    return folder


def _folder_line(folder: str, count: int) -> str:
    return f"{folder or '.'}/  ({count} {'file' if count == 1 else 'files'})"


def _file_line(one: MappedFile, folder: str) -> str:
    name = posixpath.relpath(one.path, folder or ".")
    names = [symbol[:_LONGEST_SYMBOL] for symbol in one.symbols[:_MOST_SYMBOLS]]
    if len(one.symbols) > _MOST_SYMBOLS:
        names.append("…")
    return f"  {name}: {', '.join(names)}" if names else f"  {name}"

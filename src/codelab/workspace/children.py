"""One folder's entries for the explorer: in order, page by page; blocking, so it runs in threads.

People see what is hidden, and what is ignored with a mark; of git's own folder they see nothing.
"""

from __future__ import annotations

import base64
import binascii
import heapq
import os
import re
import time
from typing import Literal

import msgspec

from codelab.kit.errors import CodeLabError, InvalidInput
from codelab.workspace.errors import PathRefused
from codelab.workspace.leftovers import is_temporary
from codelab.workspace.names import ROOT, clean, joined
from codelab.workspace.paths import opened_file, opened_folder, real_path
from codelab.workspace.rules import Rules, is_repository

MOST_CHILDREN = 2000

# Names are looked at this far; sizes are asked for those of one page only.
_MOST_SEEN = 300_000
_LONGEST_S = 10.0
_MOST_LINKS = 1000
_LONGEST_PLAIN = 255
_SUSPICIOUS = re.compile(r"[%\\~:]|(?:^|/)\.{0,2}(?:/|$)")
_NUMBER = re.compile(r"([0-9]+)")

ChildKind = Literal["file", "folder", "other"]


class Child(msgspec.Struct, frozen=True, kw_only=True):
    """One entry of a folder.

    Args:
        name: As it is on the disk, hostile or not.
        path: Where it is.
        kind: What it is; of a link, what it leads to: something other if that is out of reach.
        size: In bytes; 0 for folders.
        is_link: Whether it is a symbolic link.
        is_ignored: Whether listings and searches leave it out.
        can_open: Whether its name is one that requests may hold.
    """

    name: str
    path: str
    kind: ChildKind
    size: int = 0
    is_link: bool = False
    is_ignored: bool = False
    can_open: bool = True


class Children(msgspec.Struct, frozen=True, kw_only=True):
    """A page of a folder's entries, folders first; `cursor` asks for the next one.

    Args:
        path: The folder.
        entries: In the order in which people count.
        truncated: Whether there are more.
        cursor: Where the next page begins; none where no more can be shown.
    """

    path: str
    entries: tuple[Child, ...]
    truncated: bool
    cursor: str | None = None


# What puts an entry into its place, folders first; then what it is, and whether it is a link.
_Order = tuple[bool, tuple[int | str, ...], str]
_Seen = tuple[_Order, ChildKind, bool]


def list_children(root: int, rules: Rules, path: str, after: str | None, limit: int) -> Children:
    """List a page of one folder.

    Args:
        root: A descriptor of the workspace's root.
        rules: Those for people.
        path: The folder.
        after: The cursor of the page before.
        limit: How many entries a page has at most.

    Raises:
        CodeLabError: The path is refused or is no folder, or the cursor is none of ours.
    """
    beginning = _begins_after(after) if after else None
    if path != ROOT:
        rules.check(root, path, is_folder=True)
    with opened_folder(root, path) as descriptor:
        real = real_path(root, descriptor, path)
        if real != ROOT:
            rules.check(root, real, is_folder=True)
        seen, is_complete = _look(root, path, descriptor)
        left = [one for one in seen if beginning is None or one[0] > beginning]
        page = heapq.nsmallest(limit, left)
        has_more = len(left) > len(page)
        entries = _entries(root, rules, path, descriptor, page)
    return Children(
        path=path,
        entries=tuple(entries),
        truncated=has_more or not is_complete,
        cursor=_cursor(page[-1][0]) if has_more and page else None,
    )


def natural(name: str) -> tuple[int | str, ...]:
    """Return what sorts names as people do: file2 before file10, capitals where they belong."""
    parts = _NUMBER.split(name.casefold())
    if len(parts) == 1:
        return (parts[0],)
    return tuple(int(part) if place % 2 else part for place, part in enumerate(parts))


def _look(root: int, path: str, descriptor: int) -> tuple[list[_Seen], bool]:
    deadline = time.monotonic() + _LONGEST_S
    seen: list[_Seen] = []
    links = 0
    with os.scandir(descriptor) as scan:
        for item in scan:
            late = len(seen) % 1024 == 1023 and time.monotonic() > deadline
            if late or len(seen) >= _MOST_SEEN:
                return seen, False
            name = item.name
            if name[:1] in ".gG" and (is_repository(name) or is_temporary(name)):
                continue
            kind, is_link = _kind(item)
            if is_link:
                links += 1
                kind = _leads_to(root, joined(path, name)) if links < _MOST_LINKS else "other"
            seen.append(((kind != "folder", natural(name), name), kind, is_link))
    return seen, True


def _kind(item: os.DirEntry[str]) -> tuple[ChildKind, bool]:
    try:
        if item.is_file(follow_symlinks=False):
            return "file", False
        if item.is_dir(follow_symlinks=False):
            return "folder", False
        return "other", item.is_symlink()
    except OSError:
        return "other", False  # It vanished while we looked.


def _leads_to(root: int, path: str) -> ChildKind:
    try:
        with opened_folder(root, path):
            return "folder"
    except CodeLabError:
        pass
    try:
        with opened_file(root, path):
            return "file"
    except CodeLabError:
        return "other"


def _entries(root: int, rules: Rules, path: str, descriptor: int, page: list[_Seen]) -> list[Child]:
    all_ignored = path != ROOT and rules.is_excluded(root, path, is_folder=True)
    belongs = rules.within(root, "" if path == ROOT else path)
    return [
        Child(
            name=_shown(name),
            path=joined(path, _shown(name)),
            kind=kind,
            size=0 if kind == "folder" else _size(descriptor, name),
            is_link=is_link,
            is_ignored=all_ignored or not belongs(name, is_folder=kind == "folder"),
            can_open=can_be_asked_for(name),
        )
        for (_, _, name), kind, is_link in page
    ]


def _size(descriptor: int, name: str) -> int:
    try:
        return os.stat(name, dir_fd=descriptor, follow_symlinks=False).st_size
    except OSError:
        return 0


def _shown(name: str) -> str:
    return os.fsencode(name).decode("utf-8", "replace")


def can_be_asked_for(path: str) -> bool:
    """Tell whether a path is one that requests may hold."""
    is_plain = path.isascii() and path.isprintable() and len(path) <= _LONGEST_PLAIN
    if is_plain and not _SUSPICIOUS.search(path):
        return True
    try:
        return clean(path) == path
    except PathRefused:
        return False


def _cursor(order: _Order) -> str:
    encoded = base64.urlsafe_b64encode(os.fsencode(order[2])).decode().rstrip("=")
    return ("-" if order[0] else "_") + encoded


def _begins_after(cursor: str) -> _Order:
    rank, encoded = cursor[:1], cursor[1:]
    try:
        if rank not in ("-", "_"):
            raise ValueError
        padded = encoded + "=" * (-len(encoded) % 4)
        name = os.fsdecode(base64.b64decode(padded, altchars=b"-_", validate=True))
    except (ValueError, binascii.Error):
        raise InvalidInput("The cursor is none of this server's.", field="after") from None
    return rank == "-", natural(name), name

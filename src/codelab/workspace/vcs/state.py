"""Where a repository stands: its branch, and every file that is not as in the last commit."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec

from codelab.sdk.git import CONFLICTS
from codelab.workspace.errors import GitRefused, NoRepository
from codelab.workspace.folder import Folder
from codelab.workspace.vcs.calls import MOST_BYTES, printed, under_way

MOST_ENTRIES = 2000
# Beyond that, counting lines would take longer than anybody waits for a list.
_MOST_COUNTED = 1000
_WORDS = ("status", "--porcelain=v2", "--branch", "-z", "--no-renames", "--untracked-files=all")
_FIELDS_BEFORE_PATH = {"1": 8, "u": 10}


class Lines(msgspec.Struct, frozen=True, kw_only=True):
    """How many lines were added and removed; none in a binary file."""

    added: int | None
    removed: int | None


class ChangedPath(msgspec.Struct, frozen=True, kw_only=True):
    """A file that is not as in the last commit.

    Args:
        path: Where it is.
        staged: git's letter for what the next commit changes of it, such as `M`; empty: nothing.
        unstaged: The letter for what is not staged; `?` for a file that git does not know.
        conflict: What both sides of a merge did to it; empty outside of a conflict.
        staged_lines: The lines that are staged, where they were counted.
        unstaged_lines: The lines that are not.
    """

    path: str
    staged: str = ""
    unstaged: str = ""
    conflict: str = ""
    staged_lines: Lines | None = None
    unstaged_lines: Lines | None = None


class RepositoryStatus(msgspec.Struct, frozen=True, kw_only=True):
    """Where a repository stands.

    Args:
        is_repository: Whether there is one; without it, everything else is empty.
        branch: The current branch; empty where none is.
        commit: Its last commit; empty before the first.
        upstream: The branch that it follows, such as origin/main; empty without one.
        ahead: How many commits the branch has that the upstream has not.
        behind: The other way round.
        under_way: What is under way, such as `merge` or `rebase`; empty when nothing is.
        entries: The files, at most 2,000.
        changed: How many there are.
        truncated: Whether there are more than are listed; then `changed` is a least number.
    """

    is_repository: bool
    branch: str = ""
    commit: str = ""
    upstream: str = ""
    ahead: int = 0
    behind: int = 0
    under_way: str = ""
    entries: tuple[ChangedPath, ...] = ()
    changed: int = 0
    truncated: bool = False


async def status_of(folder: Folder) -> RepositoryStatus:
    """Ask where the repository stands; a folder without one is a state and no error."""
    try:
        whole = await whole_status(folder)
    except NoRepository:
        return RepositoryStatus(is_repository=False)
    shown = whole.entries[:MOST_ENTRIES]
    if whole.entries and len(whole.entries) <= _MOST_COUNTED:
        shown = await _counted(folder, shown)
    return msgspec.structs.replace(
        whole, entries=shown, truncated=whole.truncated or len(whole.entries) > MOST_ENTRIES
    )


async def whole_status(folder: Folder) -> RepositoryStatus:
    """Ask for all files, without counting lines.

    Raises:
        NoRepository: There is none.
    """
    data, doing = await asyncio.gather(printed(folder, *_WORDS), under_way(Path(folder.root())))
    # Of hundreds of thousands of files, half a second's work.
    found = await asyncio.to_thread(parsed, data, is_whole=len(data) < MOST_BYTES)
    return msgspec.structs.replace(found, under_way=doing)


async def entries_below(folder: Folder, paths: Sequence[str]) -> list[ChangedPath]:
    """Return the changed files that are these paths or lie below them; `.` is all.

    Raises:
        GitRefused: There are too many to be told apart.
    """
    whole = await whole_status(folder)
    if whole.truncated:
        raise GitRefused("Too many files have changed for one step; use git in a terminal.")
    if "." in paths:
        return list(whole.entries)
    folders = tuple(f"{path.rstrip('/')}/" for path in paths)
    wanted = set(paths)
    return [
        entry for entry in whole.entries if entry.path in wanted or entry.path.startswith(folders)
    ]


def parsed(data: bytes, *, is_whole: bool = True) -> RepositoryStatus:
    """Read what `git status --porcelain=v2 --branch -z` prints; a cut last record is left out."""
    records = data.decode("utf-8", "replace").split("\0")[:-1]
    headers = dict(
        record[2:].split(" ", 1) for record in records if record[:2] == "# " and " " in record[2:]
    )
    ahead, _, behind = headers.get("branch.ab", "+0 -0").partition(" ")
    head, commit = headers.get("branch.head", ""), headers.get("branch.oid", "")
    entries = tuple(_entries(records))
    return RepositoryStatus(
        is_repository=True,
        branch="" if head == "(detached)" else head,
        commit="" if commit == "(initial)" else commit,
        upstream=headers.get("branch.upstream", ""),
        ahead=int(ahead.strip("+")),
        behind=int(behind.strip("-")),
        entries=entries,
        changed=len(entries),
        truncated=not is_whole,
    )


def _entries(records: Sequence[str]) -> Iterator[ChangedPath]:
    for record in records:
        kind = record[:1]
        if kind == "?":
            yield ChangedPath(path=record[2:], unstaged="?")
        elif kind in _FIELDS_BEFORE_PATH:
            fields = record.split(" ", _FIELDS_BEFORE_PATH[kind])
            staged, unstaged = (letter.strip(".") for letter in fields[1])
            if kind == "u":
                what = CONFLICTS.get(fields[1], "conflicted")
                yield ChangedPath(path=fields[-1], unstaged="U", conflict=what)
            else:
                yield ChangedPath(path=fields[-1], staged=staged, unstaged=unstaged)


async def _counted(folder: Folder, entries: Sequence[ChangedPath]) -> tuple[ChangedPath, ...]:
    words = ("diff", "--numstat", "--no-renames", "-z")
    staged = any(entry.staged for entry in entries)
    unstaged = any(entry.unstaged not in ("", "?") for entry in entries)
    of_index, of_files = await asyncio.gather(
        printed(folder, *words, "--cached") if staged else _nothing(),
        printed(folder, *words) if unstaged else _nothing(),
    )
    in_index, in_files = numbers(of_index), numbers(of_files)
    return tuple(
        msgspec.structs.replace(
            entry,
            staged_lines=in_index.get(entry.path) if entry.staged else None,
            unstaged_lines=in_files.get(entry.path) if entry.unstaged else None,
        )
        for entry in entries
    )


def numbers(data: bytes) -> dict[str, Lines]:
    """Read what `git diff --numstat -z` prints; a dash stands for a binary file."""
    found = {}
    for record in data.decode("utf-8", "replace").split("\0")[:-1]:
        added, removed, path = record.split("\t", 2)
        found[path] = Lines(
            added=int(added) if added.isdigit() else None,
            removed=int(removed) if removed.isdigit() else None,
        )
    return found


async def _nothing() -> bytes:
    return b""

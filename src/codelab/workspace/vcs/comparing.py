"""One file on both sides of a change: in a commit, as it is staged, as it is now."""

from __future__ import annotations

import asyncio

import msgspec

from codelab.kit.errors import CodeLabError
from codelab.workspace.errors import (
    FileMissing,
    FileTooLarge,
    GitRefused,
    NotText,
    PathRefused,
)
from codelab.workspace.folder import Folder
from codelab.workspace.text import decode, digest_of
from codelab.workspace.vcs.calls import checked, looked_up

LARGEST_SIDE = 2_000_000

_REASONS: tuple[tuple[type[CodeLabError], str], ...] = (
    (NotText, "binary"),
    (FileTooLarge, "too_large"),
)


class Side(msgspec.Struct, frozen=True, kw_only=True):
    """A file's content on one side of a change.

    Args:
        text: Its text; empty where it is not shown.
        hash: The SHA-256 of its bytes; empty where they were not read.
        size: How many bytes it has, as far as they were read.
        hidden: Why it is not shown: `binary`, `too_large` or `not_a_file`; empty if it is.
    """

    text: str = ""
    hash: str = ""
    size: int = 0
    hidden: str = ""


class FileComparison(msgspec.Struct, frozen=True, kw_only=True):
    """A file before and after a change; none where there is no file."""

    path: str
    before: Side | None
    after: Side | None


async def compared(folder: Folder, path: str, *, staged: bool) -> FileComparison:
    """Compare what is staged with the last commit, or what there is now with what is staged."""
    name = checked(path)
    if staged:
        before, after = await asyncio.gather(
            stored(folder, f"HEAD:{name}"), stored(folder, f":0:{name}")
        )
    else:
        before, after = await asyncio.gather(_indexed(folder, name), _present(folder, name))
    return FileComparison(path=path, before=before, after=after)


async def committed_sides(folder: Folder, commit: str, path: str) -> FileComparison:
    """Compare a file of a commit with what it was in the commit's first parent."""
    name = checked(path)
    before, after = await asyncio.gather(
        stored(folder, f"{commit}^:{name}"), stored(folder, f"{commit}:{name}")
    )
    return FileComparison(path=path, before=before, after=after)


async def stored(folder: Folder, place: str) -> Side | None:
    """Return a file that git keeps, by git's name for its place; none where there is none."""
    answer = await folder.git_bytes("cat-file", "blob", place, most=LARGEST_SIDE)
    if answer.exit_code == 0:
        return _side(answer.data, place, is_whole=not answer.truncated)
    # A folder, or another repository.
    kind = await looked_up(folder, "cat-file", "-t", place)
    return Side(hidden="not_a_file") if kind else None


async def stored_bytes(folder: Folder, place: str) -> bytes | None:
    """Return the bytes of a file that git keeps; none where there is none.

    Raises:
        GitRefused: It is too large.
    """
    answer = await folder.git_bytes("cat-file", "blob", place, most=LARGEST_SIDE)
    if answer.truncated:
        raise GitRefused("This file is too large to be staged in parts.")
    return answer.data if answer.exit_code == 0 else None


async def _indexed(folder: Folder, path: str) -> Side | None:
    # During a conflict nothing is staged: our own side stands for it.
    return await stored(folder, f":0:{path}") or await stored(folder, f":2:{path}")


async def _present(folder: Folder, path: str) -> Side | None:
    try:
        file = await folder.read(path)
    except FileMissing:
        return None
    except PathRefused:
        return Side(hidden="not_a_file")
    except CodeLabError as error:
        reason = next((why for kind, why in _REASONS if isinstance(error, kind)), "not_a_file")
        return Side(hidden=reason)
    if file.size > LARGEST_SIDE:
        return Side(hash=file.digest, size=file.size, hidden="too_large")
    return Side(text=file.text, hash=file.digest, size=file.size)


def _side(data: bytes, path: str, *, is_whole: bool) -> Side:
    if not is_whole:
        return Side(size=len(data), hidden="too_large")
    try:
        return Side(text=decode(data, path), hash=digest_of(data), size=len(data))
    except NotText:
        return Side(hash=digest_of(data), size=len(data), hidden="binary")

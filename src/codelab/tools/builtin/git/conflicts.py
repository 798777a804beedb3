"""Conflicts of a merge, told so that a model and a program can read them.

Lines that begin in the first column are ours and have a fixed form, which docs/tools.md describes;
what comes out of files is indented, so that no content can pass for one of them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

import msgspec

from codelab.sdk import ToolContext
from codelab.sdk.errors import CodeLabError
from codelab.sdk.git import CONFLICTS
from codelab.tools.builtin.git.asking import LocalFile, Standing, indented, written

_START = re.compile(r"<{7}( .*)?")
_END = re.compile(r">{7}( .*)?")
_MOST_FILES = 100
_MOST_READ = 30
_MOST_LINES = 80
_MOST_CHARACTERS = 24_000
_NEXT = (
    "next: edit each file so that it holds what is right and no marker (delete_file where it "
    'should be gone), then git_merge {"action": "continue"}; or give up with git_merge '
    '{"action": "abort"}.'
)


class Hunk(msgspec.Struct, frozen=True):
    """A conflict within a file, from marker to marker; lines count from 1."""

    first: int
    lines: tuple[str, ...]

    @property
    def last(self) -> int:
        """Return the number of its last line."""
        return self.first + len(self.lines) - 1


class Conflict(msgspec.Struct, frozen=True):
    """A file that both sides changed; `note` says why there is no content to show."""

    kind: str
    name: str
    hunks: tuple[Hunk, ...] = ()
    note: str = ""


def kind_of(file: LocalFile) -> str:
    """Say what both sides did to a conflicted file."""
    return CONFLICTS.get(file.status, "conflicted")


def hunks_of(text: str) -> tuple[Hunk, ...]:
    """Find the conflicts in a file's text; what does not end is none."""
    found: list[Hunk] = []
    begun: list[str] = []
    for number, line in enumerate(text.split("\n"), 1):
        plain = line.removesuffix("\r")
        if _START.fullmatch(plain):
            begun = [plain]
        elif begun:
            begun.append(plain)
            if _END.fullmatch(plain):
                found.append(Hunk(number - len(begun) + 1, tuple(begun)))
                begun = []
    return tuple(found)


def has_markers(text: str, *, before: str = "") -> bool:
    """Tell whether a file still holds a conflict.

    Args:
        text: Its text, or a diff that has all of it.
        before: What stands before each line in a diff.
    """
    return bool(hunks_of("\n".join(line.removeprefix(before) for line in text.split("\n"))))


async def conflicts_of(context: ToolContext, files: Sequence[LocalFile]) -> list[Conflict]:
    """Look at conflicted files as far as the agent may see them."""
    found = []
    for number, file in enumerate(files[:_MOST_FILES]):
        hunks: tuple[Hunk, ...] = ()
        note = ""
        if number < _MOST_READ:
            try:
                hunks = hunks_of((await context.workspace.read(file.name)).text)
            except CodeLabError as error:
                note = error.message
        found.append(Conflict(kind_of(file), file.name, hunks, note))
    return found


async def told(context: ToolContext, now: Standing, what: str) -> str:
    """Say which conflicts there are, and the ways on.

    Args:
        context: Where to look.
        now: The repository.
        what: What led to them, such as `merge of feature into main`.
    """
    return described(await conflicts_of(context, now.conflicted), len(now.conflicted), what)


def described(conflicts: Sequence[Conflict], count: int, what: str) -> str:
    """Lay conflicts out; `count` tells of those too that are not among them."""
    lines = [f"conflicts: {count} in {what}"]
    room = _MOST_CHARACTERS
    for conflict in conflicts:
        lines.append(f"file: {conflict.kind}: {written(conflict.name)}")
        if conflict.note:
            lines.append(f"note: {conflict.note}")
        for number, hunk in enumerate(conflict.hunks):
            shown = indented(list(_bounded(hunk.lines)))
            if len(shown) > room:
                lines.append(f"note: {len(conflict.hunks) - number} conflicts not shown")
                break
            room -= len(shown)
            lines += [f"lines: {hunk.first}-{hunk.last}", shown]
    if count > len(conflicts):
        lines.append(f"note: {count - len(conflicts)} files not named")
    return "\n".join([*lines, _NEXT])


def _bounded(lines: Sequence[str]) -> Iterator[str]:
    half = _MOST_LINES // 2
    if len(lines) <= _MOST_LINES:
        yield from lines
        return
    yield from lines[:half]
    yield f"… {len(lines) - 2 * half} lines left out …"
    yield from lines[-half:]

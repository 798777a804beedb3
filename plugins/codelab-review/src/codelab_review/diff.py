"""What git prints about changed files, as values; pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Literal

import msgspec

_HUNK = re.compile(r"@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@ ?(.*)")
_NO_NEWLINE = "\\ No newline at end of file"

Kind = Literal["+", "-", " "]
Status = Literal["added", "deleted", "modified", "renamed"]


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """One line of a hunk; its numbers before and after, none where it is not there."""

    kind: Kind
    old: int | None
    new: int | None
    text: str


class Hunk(msgspec.Struct, frozen=True, kw_only=True):
    """Neighbouring lines; `heading` is the function that git names."""

    heading: str
    lines: tuple[Line, ...]


class Counts(msgspec.Struct, frozen=True, kw_only=True):
    """How many lines of a file changed; none of both for a binary one."""

    path: str
    old_path: str
    added: int | None
    removed: int | None


class FileChange(msgspec.Struct, frozen=True, kw_only=True):
    """The change of one file.

    Args:
        path: Where it is now, or was.
        old_path: Where it was, if it was renamed.
        status: What happened to it.
        added: How many lines came.
        removed: How many lines went.
        hunks: The changed lines with some around them.
        ends_without_newline: Whether the new version's last line has no end.
        is_binary: Whether it has no lines.
        is_withheld: Whether its contents are off limits for agents.
        is_cut: Whether there was more than git's answer holds.
    """

    path: str
    old_path: str = ""
    status: Status = "modified"
    added: int = 0
    removed: int = 0
    hunks: tuple[Hunk, ...] = ()
    ends_without_newline: bool = False
    is_binary: bool = False
    is_withheld: bool = False
    is_cut: bool = False

    def added_lines(self) -> Iterator[Line]:
        """Return the lines that are new."""
        return (line for hunk in self.hunks for line in hunk.lines if line.kind == "+")


def parse_counts(text: str) -> list[Counts]:
    """Read the answer of `git diff --numstat -z`."""
    parts = iter(text.split("\0"))
    counts = []
    for part in parts:
        if part.count("\t") < 2:
            continue
        added, removed, path = part.split("\t", 2)
        # A renamed file's two names follow, each on its own.
        old_path = "" if path else next(parts, "")
        path = path or next(parts, "")
        counts.append(
            Counts(path=path, old_path=old_path, added=_number(added), removed=_number(removed))
        )
    return counts


def parse_file(counts: Counts, text: str, *, is_cut: bool = False) -> FileChange:
    """Read the answer of `git diff` about one file.

    Args:
        counts: What `parse_counts` said about it.
        text: The diff.
        is_cut: Whether something in its middle is missing; it is read up to there.
    """
    lines = text.split("\n")
    start = next((at for at, line in enumerate(lines) if line.startswith("@@ ")), len(lines))
    hunks, ends_without_newline = _hunks(lines[start:])
    return FileChange(
        path=counts.path,
        old_path=counts.old_path,
        status=_status(lines[:start], counts),
        added=counts.added or 0,
        removed=counts.removed or 0,
        hunks=tuple(hunks),
        ends_without_newline=ends_without_newline,
        is_binary=counts.added is None,
        is_cut=is_cut,
    )


def new_file(path: str, text: str) -> FileChange:
    """Describe a file that git does not know yet."""
    lines = text.split("\n")
    ended = lines[-1] == ""
    if ended:
        lines.pop()
    added = tuple(
        Line(kind="+", old=None, new=number, text=line) for number, line in enumerate(lines, 1)
    )
    return FileChange(
        path=path,
        status="added",
        added=len(added),
        hunks=(Hunk(heading="", lines=added),) if added else (),
        ends_without_newline=bool(added) and not ended,
    )


def _hunks(lines: Sequence[str]) -> tuple[list[Hunk], bool]:
    hunks: list[Hunk] = []
    current: list[Line] = []
    heading = ""
    old = new = 0
    last: Line | None = None
    unended = False
    for text in lines:
        if match := _HUNK.match(text):
            hunks += _hunk(heading, current)
            old, new, heading, current = int(match[1]), int(match[3]), match[5], []
            continue
        if text == _NO_NEWLINE:
            unended = unended or (last is not None and last.kind != "-")
            continue
        if text[:1] not in ("+", "-", " "):
            break
        last = _line(text, old, new)
        current.append(last)
        old += last.kind != "+"
        new += last.kind != "-"
    return hunks + _hunk(heading, current), unended


def _hunk(heading: str, lines: list[Line]) -> list[Hunk]:
    return [Hunk(heading=heading, lines=tuple(lines))] if lines else []


def _line(text: str, old: int, new: int) -> Line:
    match text[0]:
        case "+":
            return Line(kind="+", old=None, new=new, text=text[1:])
        case "-":
            return Line(kind="-", old=old, new=None, text=text[1:])
        case _:
            return Line(kind=" ", old=old, new=new, text=text[1:])


def _status(header: Sequence[str], counts: Counts) -> Status:
    if any(line.startswith("new file mode") for line in header):
        return "added"
    if any(line.startswith("deleted file mode") for line in header):
        return "deleted"
    return "renamed" if counts.old_path else "modified"


def _number(text: str) -> int | None:
    return int(text) if text.isdigit() else None

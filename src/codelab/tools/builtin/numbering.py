"""A file's text as a model reads it: numbered, in bounded parts, an outline first; pure."""

from __future__ import annotations

import re

from codelab.sdk.masking import mask

MOST_CHARACTERS = 40_000

_LARGE_LINES = 1500
_FIRST_LINES = 100
_MOST_OUTLINED = 200
_LONGEST_LINE = 2000
_LONGEST_OUTLINED = 160
# What is masked is more than what is kept, so that no half of a secret stays at the cut.
_MARGIN = 600
_DEFINES = re.compile(
    r"\s*(?:(?:export|default|public|private|protected|internal|static|final|abstract|async|pub"
    r"|open|override|sealed|data|inline|const|virtual)(?:\([a-z]+\))?\s+)*"
    r"(?:class|def|func|fn|function|interface|struct|enum|trait|impl|type|module|namespace|record"
    r"|object|mixin|extension|protocol|macro_rules!)\b"
    r"|#{1,6}\s+\S|@@|\[{1,2}[\w.\"-]+\]{1,2}\s*$"
    r"|(?i:create\s+(?:or\s+replace\s+)?(?:table|view|function|index|trigger)\b)"
)


def numbered(text: str, path: str, start: int | None, end: int | None) -> tuple[str, bool]:
    """Return the asked lines with their numbers, and whether something is missing.

    A large file of which no range was asked for gives its outline and its beginning.

    Args:
        text: The file's text.
        path: The file, for the note on how to read on.
        start: The first line; none: the beginning.
        end: The last line; none: the end.
    """
    lines = text.split("\n")
    if lines[-1] == "":
        lines.pop()
    total = len(lines)
    if not total:
        return f"{path} is empty.", False
    is_large = total > _LARGE_LINES or len(text) > MOST_CHARACTERS
    if start is None and end is None and is_large:
        return _outline(lines, path), True
    first, last = max(1, start or 1), min(total, end or total)
    if first > total:
        return f"{path} has {total} lines; there is no line {first}.", False
    shown, reached = _numbered(lines, first, last)
    if reached < last:
        note = _read_on(path, reached + 1, last, total)
        return f"{shown}\n{note}", True
    partial = first > 1 or last < total
    return (f"{shown}\n(lines {first} to {last} of {total})", False) if partial else (shown, False)


def _numbered(lines: list[str], first: int, last: int) -> tuple[str, int]:
    shown: list[str] = []
    length, reached = 0, first - 1
    for number in range(first, last + 1):
        line = _cut(lines[number - 1].removesuffix("\r"), _LONGEST_LINE)
        length += len(line) + 8
        if shown and length > MOST_CHARACTERS:
            break
        shown.append(f"{number:>6}\t{line}")
        reached = number
    return "\n".join(shown), reached


def _outline(lines: list[str], path: str) -> str:
    total = len(lines)
    parts = [f"{path} has {total} lines: its outline and its beginning follow."]
    found, seen = _definitions(lines)
    if found:
        parts += ["Outline:", *found]
    if seen < total:
        parts.append(f"… further definitions may follow after line {seen} …")
    shown, reached = _numbered(lines, 1, min(total, _FIRST_LINES))
    parts += ["Beginning:", shown]
    if reached < total:
        parts.append(_read_on(path, reached + 1, total, total))
    return "\n".join(parts)


def _definitions(lines: list[str]) -> tuple[list[str], int]:
    """Return the first definitions, and how many lines were looked at for them."""
    found: list[str] = []
    for number, line in enumerate(lines, 1):
        if _DEFINES.match(line[:_LONGEST_OUTLINED]):
            found.append(f"{number:>6}\t{_cut(line.rstrip(), _LONGEST_OUTLINED)}")
            if len(found) == _MOST_OUTLINED:
                return found, number
    return found, len(lines)


def _read_on(path: str, first: int, last: int, total: int) -> str:
    return (
        f"(the file has {total} lines; read on with "
        f'{{"path": "{path}", "start_line": {first}, "end_line": {last}}})'
    )


def _cut(line: str, longest: int) -> str:
    if len(line) <= longest:
        return line
    kept = mask(line[: longest + _MARGIN])[:longest]
    return f"{kept} … ({len(line) - longest} more characters in this line)"

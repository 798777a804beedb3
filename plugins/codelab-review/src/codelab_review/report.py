"""A change as a model reads it: bounded, with line numbers to cite; pure."""

from __future__ import annotations

import re
from collections.abc import Sequence

import msgspec

from codelab_review.diff import FileChange, Hunk, Line
from codelab_review.findings import Finding
from codelab_review.secrets import masked

ROOM = 40_000

_MOST_FINDINGS = 60
_LONGEST_LINE = 400
_UNSEEN = re.compile("[\x00-\x08\x0b-\x1f\x7f\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]")


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """A report, and the files whose change stands in it as a whole."""

    text: str
    shown: tuple[FileChange, ...]
    is_complete: bool


def write_report(
    title: str,
    changes: Sequence[FileChange],
    findings: Sequence[Finding],
    known: Sequence[FileChange] = (),
) -> Report:
    """Write a report: the sums, the findings, then file after file while there is room.

    Args:
        title: What is compared.
        changes: The changed files.
        findings: What the rules found in them.
        known: Files that are left out because they were reviewed as they are.
    """
    added, removed = (sum(each) for each in (_each(changes, 0), _each(changes, 1)))
    parts = [f"{title}: {_files(len(changes))}, +{added} -{removed}"]
    if known:
        parts.append(f"As in the last finished review, left out: {_names(known)}")
    if findings:
        parts.append("\n".join(["Suspicions to confirm or drop:", *_findings(findings)]))
    room = ROOM - sum(len(part) for part in parts)
    shown: list[FileChange] = []
    left: list[FileChange] = []
    for change in changes:
        text = "\n".join(_file(change))
        if len(text) > room:
            left.append(change)
            continue
        parts.append(text)
        shown.append(change)
        room -= len(text)
    if left:
        parts.append(
            f"No room for {_files(len(left))}; ask again with their `paths`, or read them: "
            + ", ".join(f"{each.path} (+{each.added} -{each.removed})" for each in left[:100])
        )
    cut = [change for change in shown if change.is_cut]
    whole = tuple(change for change in shown if not change.is_cut)
    return Report(text="\n\n".join(parts), shown=whole, is_complete=not left and not cut)


def _each(changes: Sequence[FileChange], which: int) -> list[int]:
    return [(change.added, change.removed)[which] for change in changes]


def _files(count: int) -> str:
    return "1 file" if count == 1 else f"{count} files"


def _names(changes: Sequence[FileChange]) -> str:
    return ", ".join(change.path for change in changes[:100])


def _findings(findings: Sequence[Finding]) -> list[str]:
    lines = [
        f"- {each.severity} {each.rule} {each.path}{f':{each.line}' if each.line else ''}: "
        f"{each.message}"
        for each in findings[:_MOST_FINDINGS]
    ]
    if len(findings) > _MOST_FINDINGS:
        lines.append(f"- and {len(findings) - _MOST_FINDINGS} more")
    return lines


def _file(change: FileChange) -> list[str]:
    renamed = f" from {change.old_path}" if change.old_path else ""
    lines = [f"## {change.path} ({change.status}{renamed}, +{change.added} -{change.removed})"]
    if change.is_binary:
        return [*lines, "A binary file."]
    if change.is_withheld:
        return [*lines, "Its contents are off limits for agents."]
    for hunk in change.hunks:
        lines += _hunk(hunk)
    if change.is_cut:
        lines.append("There is more: read the rest of the file.")
    return lines


def _hunk(hunk: Hunk) -> list[str]:
    # Each side on its own: a removed line must not hide where a key on the other side begins.
    texts = masked(line.text for line in hunk.lines)
    numbered = [_line(line, text) for line, text in zip(hunk.lines, texts, strict=True)]
    return [f"@@ {_plain(hunk.heading)}".rstrip(), *numbered]


def _line(line: Line, text: str) -> str:
    old, new = (str(number) if number else "" for number in (line.old, line.new))
    shown = _plain(text)
    if len(shown) > _LONGEST_LINE:
        shown = f"{shown[:_LONGEST_LINE]}… ({len(text)} characters)"
    return f"{old:>5} {new:>5} {line.kind} {shown}".rstrip()


def _plain(text: str) -> str:
    return _UNSEEN.sub(lambda match: f"⟨U+{ord(match[0]):04X}⟩", text.removesuffix("\r"))

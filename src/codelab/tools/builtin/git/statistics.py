"""A planned commit as data: branch, author, message, and the lines of each file."""

from __future__ import annotations

import re

from codelab.sdk import ToolContext
from codelab.sdk.facts import CallFacts, CommitFacts, CommittedFile
from codelab.sdk.git import literal
from codelab.tools.builtin.git.asking import author_of, signed
from codelab.tools.builtin.git.committing import Commit, Planned

# As many files as somebody looks through; the preview names the others.
_MOST = 200
_ALL_NEW = re.compile(r"^@@ -0,0 \+1,(\d+) @@$", re.MULTILINE)

_Lines = tuple[int | None, int | None]


async def facts_of(context: ToolContext, commit: Commit, message: str) -> CallFacts:
    """Count what a commit changes."""
    shown = commit.files[:_MOST]
    known = [literal(part.file.name) for part in shown if not part.added]
    counted = await _counted(context, known) if commit.has_parent and known else {}
    return CallFacts(
        commit=CommitFacts(
            branch=commit.branch,
            author=author_of(context),
            message=signed(message, context),
            files=tuple(_file(part, counted.get(part.file.name)) for part in shown),
            file_count=len(commit.files),
        )
    )


async def _counted(context: ToolContext, names: list[str]) -> dict[str, _Lines]:
    words = ("diff", "--numstat", "-z", "--no-renames", "HEAD", "--", *names)
    result = await context.workspace.git(*words)
    fields = [entry.split("\t", 2) for entry in result.output.split("\0")]
    return {entry[2]: (_number(entry[0]), _number(entry[1])) for entry in fields if len(entry) == 3}


def _number(text: str) -> int | None:
    return int(text) if text.isdigit() else None


def _file(part: Planned, counted: _Lines | None) -> CommittedFile:
    if found := _ALL_NEW.search(part.added):
        counted = int(found[1]), 0
    added, removed = counted or (None, None)
    return CommittedFile(path=part.file.name, status=part.file.status, added=added, removed=removed)

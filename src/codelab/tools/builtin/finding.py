"""list_files and search_files."""

from __future__ import annotations

from itertools import groupby
from typing import Annotated

import msgspec
from msgspec import Meta

from codelab.sdk import Category, Risk, Tool, ToolContext, ToolResult
from codelab.sdk.workspace import Entry
from codelab.tools.builtin.fields import FolderPath

_UNITS = ("B", "kB", "MB", "GB", "TB")
_STEP = 1000
_NAMED = 10


class ListFilesParameters(msgspec.Struct, frozen=True, kw_only=True):
    """What to list."""

    path: FolderPath = "."
    recursive: Annotated[bool, Meta(description="Whether to list the folders in it too.")] = False


class ListFiles(Tool[ListFilesParameters]):
    """Lists a folder."""

    name = "list_files"
    description = (
        "List a folder of the workspace with sizes; folders end with a slash. Hidden files, build "
        "output and what .gitignore names are left out. A recursive listing counts the files of "
        "each folder; where it would be too long, large folders are summed up in one line."
    )
    parameters = ListFilesParameters
    category = Category.READ
    risk = Risk.LOW

    def paths(self, parameters: ListFilesParameters) -> tuple[str, ...]:
        """Name the folder."""
        return (parameters.path,)

    async def execute(self, context: ToolContext, parameters: ListFilesParameters) -> ToolResult:
        """List it."""
        listing = await context.workspace.list(parameters.path, recursive=parameters.recursive)
        least = "" if listing.is_complete else "at least "
        lines = [_line(entry, least) for entry in listing.entries] or ["(nothing here)"]
        if listing.more:
            lines.append(f"({least}{listing.more:,} further entries in this folder)")
        if listing.truncated:
            lines.append("(there is more; list one of the folders above or search instead)")
        return ToolResult(output="\n".join(lines), truncated=listing.truncated)


class SearchFilesParameters(msgspec.Struct, frozen=True, kw_only=True):
    """What to search."""

    pattern: Annotated[
        str,
        Meta(
            min_length=1,
            max_length=1000,
            description="Regular expression in Rust's syntax, matched line by line; "
            "no look-around, no back-references.",
        ),
    ]
    path: FolderPath = "."
    glob: Annotated[
        str,
        Meta(max_length=200, description="Only files that fit, such as *.py or src/**/*.ts."),
    ] = ""
    ignore_case: Annotated[bool, Meta(description="Whether A and a are the same.")] = False


class SearchFiles(Tool[SearchFilesParameters]):
    """Finds lines that match a regular expression."""

    name = "search_files"
    description = (
        "Find the lines that match a regular expression, grouped by file with line numbers. "
        "Hidden files, build output and what .gitignore names are left out."
    )
    parameters = SearchFilesParameters
    category = Category.READ
    risk = Risk.LOW

    def paths(self, parameters: SearchFilesParameters) -> tuple[str, ...]:
        """Name where to search."""
        return (parameters.path,)

    async def execute(self, context: ToolContext, parameters: SearchFilesParameters) -> ToolResult:
        """Search."""
        found = await context.workspace.search(
            parameters.pattern,
            parameters.path,
            glob=parameters.glob,
            ignore_case=parameters.ignore_case,
        )
        further = {each.path: each.count for each in found.further}
        lines: list[str] = []
        for path, matches in groupby(found.matches, key=lambda match: match.path):
            lines += [path, *(f"{match.line:>6}\t{match.text}" for match in matches)]
            if count := further.pop(path, 0):
                lines.append(f"       (at least {count} more in this file)")
        if further:
            lines.append(_elsewhere(further))
        if found.truncated:
            lines.append("(there is more; narrow the pattern, the path or the glob)")
        return ToolResult(output="\n".join(lines) or "No line matches.", truncated=found.truncated)


def _elsewhere(further: dict[str, int]) -> str:
    named = ", ".join(f"{path} ({count})" for path, count in list(further.items())[:_NAMED])
    others = f" and {len(further) - _NAMED} others" if len(further) > _NAMED else ""
    return f"(matches too, with at least so many lines: {named}{others})"


def _line(entry: Entry, least: str) -> str:
    if not entry.is_folder:
        kind = "" if entry.kind == "file" else f"  ({entry.kind})"
        return f"{entry.path}  {_size(entry.size)}{kind}"
    if not entry.files and not entry.is_folded:
        return f"{entry.path}/"
    files = f"{least}{entry.files:,} {'file' if entry.files == 1 else 'files'}"
    folded = ", not listed" if entry.is_folded else ""
    return f"{entry.path}/  ({files}, {_size(entry.files_size)}{folded})"


def _size(count: float) -> str:
    for unit in _UNITS:
        if count < _STEP or unit == _UNITS[-1]:
            break
        count /= _STEP
    return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"

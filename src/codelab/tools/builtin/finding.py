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


class ListFilesParameters(msgspec.Struct, frozen=True, kw_only=True):
    """What to list."""

    path: FolderPath = "."
    recursive: Annotated[bool, Meta(description="Whether to list the folders in it too.")] = False


class ListFiles(Tool[ListFilesParameters]):
    """Lists a folder."""

    name = "list_files"
    description = (
        "List a folder of the workspace with sizes; folders end with a slash. Hidden files, build "
        "output and what .gitignore names are left out. Large folders are listed in part."
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
        lines = [_line(entry) for entry in listing.entries] or ["(nothing here)"]
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
        found = await context.workspace.search(parameters.pattern, parameters.path)
        lines: list[str] = []
        for path, matches in groupby(found.matches, key=lambda match: match.path):
            lines += [path, *(f"{match.line:>6}\t{match.text}" for match in matches)]
        if found.truncated:
            lines.append("(there is more; narrow the pattern or the path)")
        return ToolResult(output="\n".join(lines) or "No line matches.", truncated=found.truncated)


def _line(entry: Entry) -> str:
    return f"{entry.path}/" if entry.is_folder else f"{entry.path}  {_size(entry.size)}"


def _size(count: float) -> str:
    for unit in _UNITS:
        if count < _STEP or unit == _UNITS[-1]:
            break
        count /= _STEP
    return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"

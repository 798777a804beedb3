"""search_code, find_symbol, find_references and repo_map."""

from __future__ import annotations

from itertools import groupby
from typing import Annotated

import msgspec
from msgspec import Meta

from codelab.sdk import Category, Risk, Tool, ToolContext, ToolError, ToolResult
from codelab.sdk.retrieval import CodeSearch, Finding, SymbolPlace
from codelab.tools.builtin.fields import FolderPath

# In characters: of all that is shown, and of one piece of it.
_LONGEST = 16_000
_LONGEST_PIECE = 4_000
_LONGEST_LINE = 300

Name = Annotated[
    str,
    Meta(min_length=1, max_length=200, description="The name alone, such as parse_header."),
]


class SearchCodeParameters(msgspec.Struct, frozen=True, kw_only=True):
    """What to look for."""

    query: Annotated[
        str,
        Meta(
            min_length=1,
            max_length=2000,
            description="What the code does, in plain words and with names where you know them.",
        ),
    ]
    path: FolderPath = "."
    limit: Annotated[int, Meta(ge=1, le=20, description="How many files at most.")] = 8


class SearchCode(Tool[SearchCodeParameters]):
    """Finds code by what it does."""

    name = "search_code"
    description = (
        "Find the code that a description is about, best first, each with path, lines, text and "
        "the reason. Use it when you do not know the names; use search_files for an exact text."
    )
    parameters = SearchCodeParameters
    category = Category.READ
    risk = Risk.LOW

    def paths(self, parameters: SearchCodeParameters) -> tuple[str, ...]:
        """Name where to search."""
        return (parameters.path,)

    async def execute(self, context: ToolContext, parameters: SearchCodeParameters) -> ToolResult:
        """Search."""
        found = await _code(context).search(
            parameters.query, folder=parameters.path, most=parameters.limit
        )
        shown, truncated = _within(
            [_finding(place, one) for place, one in enumerate(found.findings, 1)]
        )
        return _result(shown or "Nothing fits.", found.note, truncated=truncated)


class FindSymbolParameters(msgspec.Struct, frozen=True, kw_only=True):
    """Which name."""

    name: Name


class FindSymbol(Tool[FindSymbolParameters]):
    """Finds where something is defined."""

    name = "find_symbol"
    description = (
        "Find where a class, function, method, type or constant is defined: path, lines and kind. "
        "Exact names come first, then those that begin with it."
    )
    parameters = FindSymbolParameters
    category = Category.READ
    risk = Risk.LOW

    async def execute(self, context: ToolContext, parameters: FindSymbolParameters) -> ToolResult:
        """Look it up."""
        found = await _code(context).symbols(parameters.name)
        shown = "\n".join(map(_symbol, found.places))
        return _result(shown or f"Nothing named {parameters.name} is defined here.", found.note)


class FindReferencesParameters(msgspec.Struct, frozen=True, kw_only=True):
    """Which name."""

    name: Name


class FindReferences(Tool[FindReferencesParameters]):
    """Finds where a name is used."""

    name = "find_references"
    description = (
        "Find the lines in which a name occurs as a whole word, grouped by file; the line that "
        "defines it is marked."
    )
    parameters = FindReferencesParameters
    category = Category.READ
    risk = Risk.LOW

    async def execute(
        self, context: ToolContext, parameters: FindReferencesParameters
    ) -> ToolResult:
        """Look for it."""
        found = await _code(context).references(parameters.name)
        lines: list[str] = []
        for path, places in groupby(found.references, key=lambda one: one.path):
            lines.append(path)
            for one in places:
                mark = "  (defined here)" if one.is_definition else ""
                lines.append(f"{one.line:>6}\t{one.text[:_LONGEST_LINE]}{mark}")
        if found.truncated:
            lines.append("(there is more; search_files in a folder shows it)")
        shown = "\n".join(lines) or f"{parameters.name} occurs nowhere."
        return _result(shown, found.note, truncated=found.truncated)


class RepoMapParameters(msgspec.Struct, frozen=True, kw_only=True):
    """How much to show."""

    budget: Annotated[
        int, Meta(ge=200, le=8000, description="About how many tokens the map may have.")
    ] = 2000


class RepoMap(Tool[RepoMapParameters]):
    """Draws a map of the project."""

    name = "repo_map"
    description = (
        "Show the project at a glance: folders, the files that others use most, and what these "
        "define. Use it first in a project that you do not know."
    )
    parameters = RepoMapParameters
    category = Category.READ
    risk = Risk.LOW

    async def execute(self, context: ToolContext, parameters: RepoMapParameters) -> ToolResult:
        """Draw it."""
        return ToolResult(output=await _code(context).map(parameters.budget))


def _code(context: ToolContext) -> CodeSearch:
    if context.code is None:
        raise ToolError("This project has no index. Use search_files instead.")
    return context.code


def _finding(place: int, one: Finding) -> str:
    where = f"{one.path}:{one.first}-{one.last}" if one.first else one.path
    about = ", ".join((*one.names[:5], *([one.reason] if one.reason else [])))
    numbered = [
        f"{number:>6}\t{line[:_LONGEST_LINE]}"
        for number, line in enumerate(one.text.splitlines(), one.first)
    ]
    text = "\n".join(numbered)
    if len(text) > _LONGEST_PIECE:
        text = text[: text.rfind("\n", 0, _LONGEST_PIECE)] + "\n       (read_file shows the rest)"
    return "\n".join(
        [f"{place}. {where}" + (f"  ({about})" if about else ""), *filter(None, [text])]
    )


def _within(parts: list[str]) -> tuple[str, bool]:
    """Join the parts as long as there is room, of those after it the first lines."""
    shown: list[str] = []
    room = _LONGEST
    truncated = False
    for part in parts:
        if len(part) > room:
            truncated = True
            part = part.split("\n", 1)[0]
        shown.append(part)
        room -= len(part)
    return "\n".join(shown), truncated


def _symbol(one: SymbolPlace) -> str:
    inside = f" in {one.container}" if one.container else ""
    return f"{one.kind} {one.name}{inside}  {one.path}:{one.first}-{one.last}"


def _result(shown: str, note: str, *, truncated: bool = False) -> ToolResult:
    return ToolResult(output=f"{shown}\n({note})" if note else shown, truncated=truncated)

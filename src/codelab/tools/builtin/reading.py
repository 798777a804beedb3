"""read_file."""

from __future__ import annotations

import asyncio
from typing import Annotated

import msgspec
from msgspec import Meta

from codelab.sdk import Category, Risk, Tool, ToolContext, ToolResult
from codelab.tools.builtin.fields import FilePath
from codelab.tools.builtin.numbering import numbered

LineNumber = Annotated[int, Meta(ge=1, le=100_000_000)]


class ReadFileParameters(msgspec.Struct, frozen=True, kw_only=True):
    """What to read."""

    path: FilePath
    start_line: Annotated[
        LineNumber | None, Meta(description="First line to read, from 1; default: the beginning.")
    ] = None
    end_line: Annotated[
        LineNumber | None, Meta(description="Last line to read; default: the end.")
    ] = None


class ReadFile(Tool[ReadFileParameters]):
    """Shows a text file, or a range of its lines, with line numbers."""

    name = "read_file"
    description = (
        "Read a text file of the workspace with line numbers. Of a large file without a range you "
        "get an outline and the beginning; then read the ranges that matter. The numbers and the "
        "tab after them are not part of the file."
    )
    parameters = ReadFileParameters
    category = Category.READ
    risk = Risk.LOW

    def paths(self, parameters: ReadFileParameters) -> tuple[str, ...]:
        """Name the file."""
        return (parameters.path,)

    async def execute(self, context: ToolContext, parameters: ReadFileParameters) -> ToolResult:
        """Read it."""
        content = await context.workspace.read(parameters.path)
        text, is_partial = await asyncio.to_thread(
            numbered, content.text, content.path, parameters.start_line, parameters.end_line
        )
        return ToolResult(output=text, truncated=is_partial)

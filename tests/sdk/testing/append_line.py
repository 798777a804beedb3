"""A protected tool for the tests of the test kit."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from codelab.sdk import Category, Preparation, Risk, Tool, ToolContext, ToolError, ToolResult


class Line(msgspec.Struct, frozen=True):
    """One line for one file."""

    path: Annotated[str, Meta(description="The file.")]
    text: Annotated[str, Meta(description="The line.", max_length=20)]
    times: Annotated[int, Meta(description="How often.", ge=1, le=3)] = 1


class AppendLine(Tool[Line]):
    """Appends a line: a protected tool that changes something."""

    name = "append_line"
    description = "Appends a line to a file."
    parameters = Line
    category = Category.WRITE
    risk = Risk.HIGH
    protected = True
    repeatable = False

    def paths(self, parameters: Line) -> tuple[str, ...]:
        """Name the file."""
        return (parameters.path,)

    async def prepare(self, context: ToolContext, parameters: Line) -> Preparation:
        """Show the diff."""
        file = await context.workspace.read(parameters.path)
        if not file.text.endswith("\n"):
            raise ToolError("The last line has no end: write the file anew.")
        change = await context.workspace.plan_write(
            parameters.path, file.text + self._addition(parameters)
        )
        return Preparation(preview=change.diff, state=change.before)

    async def execute(self, context: ToolContext, parameters: Line) -> ToolResult:
        """Append."""
        file = await context.workspace.read(parameters.path)
        content = file.text + self._addition(parameters)
        await context.workspace.write(parameters.path, content, before=file.digest)
        context.on_output("appended\n")
        return ToolResult(output="Done.")

    def _addition(self, parameters: Line) -> str:
        return f"{parameters.text}\n" * parameters.times

"""write_file and delete_file."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from codelab.sdk import Category, Preparation, Risk, Tool, ToolContext, ToolError, ToolResult
from codelab.sdk.errors import CodeLabError, NotFound
from codelab.sdk.facts import CallFacts, FileFacts
from codelab.sdk.git import literal
from codelab.sdk.tool import Proposal
from codelab.sdk.workspace import Change
from codelab.tools.builtin.code import well_formed
from codelab.tools.builtin.fields import FilePath


class WriteFileParameters(msgspec.Struct, frozen=True, kw_only=True):
    """What to write."""

    path: FilePath
    content: Annotated[
        str, Meta(max_length=1_000_000, description="The whole new content of the file.")
    ]


class WriteFile(Tool[WriteFileParameters]):
    """Writes a whole file."""

    name = "write_file"
    description = (
        "Create a file or replace all of its content, at most 1 MB; folders are made as needed. "
        "For changes in a file that exists, edit_file is better. A human sees the difference and "
        "decides. Python, JSON, YAML and TOML must be valid, other code well-formed."
    )
    parameters = WriteFileParameters
    category = Category.WRITE
    risk = Risk.HIGH
    protected = True
    repeatable = False

    def paths(self, parameters: WriteFileParameters) -> tuple[str, ...]:
        """Name the file."""
        return (parameters.path,)

    async def prepare(self, context: ToolContext, parameters: WriteFileParameters) -> Preparation:
        """Check the syntax and show the difference."""
        await well_formed.check(context, parameters.path, parameters.content)
        return await prepared_write(context, parameters.path, parameters.content)

    async def propose(self, context: ToolContext, parameters: WriteFileParameters) -> Proposal:
        """Return what the file holds and what it would hold."""
        try:
            now = await context.workspace.read(parameters.path)
        except NotFound:
            return Proposal(path=parameters.path, before="", state="", after=parameters.content)
        return Proposal(
            path=parameters.path, before=now.text, state=now.digest, after=parameters.content
        )

    def rewritten(
        self, parameters: WriteFileParameters, proposal: Proposal, text: str
    ) -> dict[str, Any]:
        """Return the parameters that write this text."""
        return {"path": parameters.path, "content": text}

    async def execute(self, context: ToolContext, parameters: WriteFileParameters) -> ToolResult:
        """Write it, over what was shown only."""
        before = context.approved_state
        if before is None:
            before = (await self.prepare(context, parameters)).state
        await context.workspace.write(parameters.path, parameters.content, before=before)
        verb = "Replaced" if before else "Created"
        return ToolResult(output=f"{verb} {parameters.path}.")


class DeleteFileParameters(msgspec.Struct, frozen=True, kw_only=True):
    """What to delete."""

    path: FilePath


class DeleteFile(Tool[DeleteFileParameters]):
    """Deletes a file."""

    name = "delete_file"
    description = "Delete one file. A human sees what would be lost and decides."
    parameters = DeleteFileParameters
    category = Category.WRITE
    risk = Risk.CRITICAL
    protected = True
    repeatable = False

    def paths(self, parameters: DeleteFileParameters) -> tuple[str, ...]:
        """Name the file."""
        return (parameters.path,)

    async def prepare(self, context: ToolContext, parameters: DeleteFileParameters) -> Preparation:
        """Show what would be lost."""
        change = await context.workspace.plan_delete(parameters.path)
        facts = msgspec.structs.replace(
            file_facts(change, "delete"), tracked=await _tracked(context, parameters.path)
        )
        return Preparation(preview=change.diff, state=change.before, facts=CallFacts(file=facts))

    async def execute(self, context: ToolContext, parameters: DeleteFileParameters) -> ToolResult:
        """Delete it, if it is what was shown."""
        before = context.approved_state
        if before is None:
            before = (await self.prepare(context, parameters)).state
        await context.workspace.delete(parameters.path, before=before)
        return ToolResult(output=f"Deleted {parameters.path}.")


async def prepared_write(context: ToolContext, path: str, content: str) -> Preparation:
    """Show what writing the content would change.

    Raises:
        ToolError: It would change nothing.
    """
    change = await context.workspace.plan_write(path, content)
    if change.before == change.after:
        raise ToolError(f"{path} has exactly this content already; there is nothing to write.")
    facts = file_facts(change, "replace" if change.before else "create")
    return Preparation(preview=change.diff, state=change.before, facts=CallFacts(file=facts))


def file_facts(change: Change, kind: Literal["create", "replace", "delete"]) -> FileFacts:
    """Count what a change of a file does."""
    # After the two lines of the heading, which begin like changes.
    marks = [line[:1] for line in change.diff.split("\n")[2:]]
    return FileFacts(
        path=change.path,
        change=kind,
        size=change.size,
        added=marks.count("+"),
        removed=marks.count("-"),
        hunks=marks.count("@"),
    )


async def _tracked(context: ToolContext, path: str) -> bool | None:
    """Tell whether git knows a file; none where it cannot be asked."""
    try:
        listed = await context.workspace.git("ls-files", "-z", "--", literal(path))
    except CodeLabError:
        return None
    return bool(listed.output) if listed.exit_code == 0 else None

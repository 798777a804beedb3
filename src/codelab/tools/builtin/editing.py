"""edit_file."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from codelab.sdk import Category, Preparation, Risk, Tool, ToolContext, ToolError, ToolResult
from codelab.sdk.tool import Proposal
from codelab.sdk.workspace import FileContent
from codelab.tools.builtin.code import syntax, well_formed
from codelab.tools.builtin.fields import FilePath
from codelab.tools.builtin.replacements import Applied, Replacement, apply, one_that_yields
from codelab.tools.builtin.writing import prepared_write


class EditFileParameters(msgspec.Struct, frozen=True, kw_only=True):
    """What to change."""

    path: FilePath
    replacements: Annotated[
        tuple[Replacement, ...],
        Meta(
            min_length=1,
            max_length=100,
            description="Exact replacements, applied one after the other.",
        ),
    ]
    skip_unmatched: Annotated[
        bool,
        Meta(description="Make those that match and report the others, instead of all or none."),
    ] = False


class EditFile(Tool[EditFileParameters]):
    """Changes parts of a file."""

    name = "edit_file"
    description = (
        "Change parts of a file by exact replacements, all or none unless "
        "skip_unmatched is set. Read the file first and copy "
        "the text to replace exactly. A human sees the difference and decides. Python, JSON, "
        "YAML and TOML must stay valid, other code well-formed."
    )
    parameters = EditFileParameters
    category = Category.WRITE
    risk = Risk.HIGH
    protected = True
    repeatable = False

    def paths(self, parameters: EditFileParameters) -> tuple[str, ...]:
        """Name the file."""
        return (parameters.path,)

    async def prepare(self, context: ToolContext, parameters: EditFileParameters) -> Preparation:
        """Apply the replacements to a copy, check its syntax and show the difference."""
        content = await context.workspace.read(parameters.path)
        new = await _applied(content, parameters)
        await syntax.check(parameters.path, new.text)
        await well_formed.check(context, parameters.path, new.text)
        preparation = await prepared_write(context, parameters.path, new.text)
        if preparation.state != content.digest:
            raise ToolError(f"{parameters.path} is being changed by somebody else. Read it again.")
        return preparation

    async def propose(self, context: ToolContext, parameters: EditFileParameters) -> Proposal:
        """Return what the file holds and what it would hold."""
        now = await context.workspace.read(parameters.path)
        new = await _applied(now, parameters)
        return Proposal(path=parameters.path, before=now.text, state=now.digest, after=new.text)

    def rewritten(
        self, parameters: EditFileParameters, proposal: Proposal, text: str
    ) -> dict[str, Any] | None:
        """Return the one replacement that makes this text of what is there."""
        replacement = one_that_yields(proposal.before, text)
        if replacement is None:
            return None
        return {"path": parameters.path, "replacements": [msgspec.to_builtins(replacement)]}

    async def execute(self, context: ToolContext, parameters: EditFileParameters) -> ToolResult:
        """Change it, if it is what was shown."""
        content = await context.workspace.read(parameters.path)
        before = content.digest if context.approved_state is None else context.approved_state
        new = await _applied(content, parameters)
        await context.workspace.write(parameters.path, new.text, before=before)
        count = len(parameters.replacements) - len(new.skipped)
        told = [f"Changed {parameters.path} ({count} replacements)."]
        if new.skipped:
            told += ["Not made:", *new.skipped]
        return ToolResult(output="\n".join(told))


async def _applied(content: FileContent, parameters: EditFileParameters) -> Applied:
    # In a thread: looking for what is nearest in a large file takes a while.
    return await asyncio.to_thread(
        apply,
        content.text,
        parameters.replacements,
        parameters.path,
        skip=parameters.skip_unmatched,
    )

"""git_commit: what it shows is exactly what it commits."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from codelab.sdk import Category, Preparation, Risk, Tool, ToolContext, ToolError, ToolResult
from codelab.tools.builtin.fields import FilePath
from codelab.tools.builtin.git.committing import committed, planned, shown
from codelab.tools.builtin.git.statistics import facts_of

Message = Annotated[str, Meta(min_length=1, max_length=10_000, description="The commit message.")]


class GitCommitParameters(msgspec.Struct, frozen=True, kw_only=True):
    """What to commit."""

    message: Message
    paths: Annotated[
        tuple[FilePath, ...],
        Meta(
            min_length=1,
            max_length=200,
            description="Files or folders whose changes are committed; ['.'] for all.",
        ),
    ]


class GitCommit(Tool[GitCommitParameters]):
    """Commits changes in the user's name."""

    name = "git_commit"
    description = (
        "Commit the changes of the given files or folders, new files included; hidden and "
        "excluded files are left out. While a merge is under way it concludes the merge: then the "
        "paths must hold all conflicted files. A human sees the message and the changes and "
        "decides."
    )
    parameters = GitCommitParameters
    category = Category.WRITE
    risk = Risk.MEDIUM
    protected = True
    repeatable = False
    boxed = True

    def paths(self, parameters: GitCommitParameters) -> tuple[str, ...]:
        """Name the files and folders."""
        return parameters.paths

    async def prepare(self, context: ToolContext, parameters: GitCommitParameters) -> Preparation:
        """Show message and changes; the state holds the content of every file."""
        commit = await planned(context, parameters.paths)
        return Preparation(
            preview=shown(commit, parameters.message, context),
            state=commit.state,
            facts=await facts_of(context, commit, parameters.message),
        )

    async def execute(self, context: ToolContext, parameters: GitCommitParameters) -> ToolResult:
        """Commit the files that were shown."""
        commit = await planned(context, parameters.paths)
        if context.approved_state not in (None, commit.state):
            raise ToolError("These files have changed since they were shown. Commit again.")
        return await committed(context, commit, parameters.message)

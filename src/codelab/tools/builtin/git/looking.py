"""git_status, git_diff and git_log, which only look."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import msgspec
from msgspec import Meta

from codelab.sdk import Category, Risk, Tool, ToolContext, ToolError, ToolResult
from codelab.sdk.git import literal
from codelab.tools.builtin.fields import FilePath
from codelab.tools.builtin.git.asking import (
    commit_of,
    listed_names,
    result_of,
    standing,
    written,
)
from codelab.tools.builtin.git.conflicts import kind_of
from codelab.tools.builtin.git.overwriting import refused_among

# Hidden files are off limits to agents, in a diff too.
_WITHOUT_HIDDEN = (":(top,exclude,glob)**/.*", ":(top,exclude,glob)**/.*/**")


class NoParameters(msgspec.Struct, frozen=True, kw_only=True):
    """Nothing to choose."""


class GitStatus(Tool[NoParameters]):
    """Shows the branch and what has changed."""

    name = "git_status"
    description = (
        "Show the branch, which files have changed since the last commit, and whether a merge is "
        "under way."
    )
    parameters = NoParameters
    category = Category.READ
    risk = Risk.LOW

    async def execute(self, context: ToolContext, parameters: NoParameters) -> ToolResult:
        """Ask git."""
        result = result_of(await context.workspace.git("status", "--short", "--branch"))
        if await commit_of(context, "MERGE_HEAD"):
            note = await _merge_note(context)
            return msgspec.structs.replace(result, output=f"{result.output}\n{note}")
        return result


class GitDiffParameters(msgspec.Struct, frozen=True, kw_only=True):
    """Which changes to show."""

    path: Annotated[FilePath | None, Meta(description="Only this file or folder.")] = None
    staged: Annotated[bool, Meta(description="What is staged instead of what is not.")] = False


class GitDiff(Tool[GitDiffParameters]):
    """Shows changes that are not committed."""

    name = "git_diff"
    description = "Show the changes that are not committed yet. Hidden files are left out."
    parameters = GitDiffParameters
    category = Category.READ
    risk = Risk.LOW

    def paths(self, parameters: GitDiffParameters) -> tuple[str, ...]:
        """Name the file or folder."""
        return (parameters.path,) if parameters.path else ()

    async def execute(self, context: ToolContext, parameters: GitDiffParameters) -> ToolResult:
        """Ask git."""
        words = ("diff", "--no-renames", *(("--staged",) if parameters.staged else ()))
        within = ["--", literal(parameters.path or "."), *_WITHOUT_HIDDEN]
        result = await context.workspace.git(*words, "--name-only", "-z", *within)
        if result.exit_code != 0:
            return result_of(result)
        if result.truncated:
            raise ToolError("Too many files have changed; name a folder or a file.")
        names = [name for name in result.output.split("\0") if name]
        if refused := await refused_among(context, names):
            within += [f":(top,exclude,literal){name}" for name in refused]
        shown = result_of(await context.workspace.git(*words, *within), empty="No changes.")
        return msgspec.structs.replace(shown, output=f"{shown.output}{_left_out(refused)}")


class GitLogParameters(msgspec.Struct, frozen=True, kw_only=True):
    """Which commits to show."""

    path: Annotated[FilePath | None, Meta(description="Only commits that touch this.")] = None
    limit: Annotated[int, Meta(ge=1, le=100, description="How many commits, 20 by default.")] = 20


class GitLog(Tool[GitLogParameters]):
    """Shows the latest commits."""

    name = "git_log"
    description = "Show the latest commits: hash, date, author and subject."
    parameters = GitLogParameters
    category = Category.READ
    risk = Risk.LOW

    def paths(self, parameters: GitLogParameters) -> tuple[str, ...]:
        """Name the file or folder."""
        return (parameters.path,) if parameters.path else ()

    async def execute(self, context: ToolContext, parameters: GitLogParameters) -> ToolResult:
        """Ask git."""
        # Subjects tell what was done to a file.
        if parameters.path and await _is_kept(context, parameters.path):
            raise ToolError("This file is kept from agents, and so is what was done to it.")
        where = ("--", literal(parameters.path)) if parameters.path else ()
        result = await context.workspace.git(
            "log",
            f"--max-count={parameters.limit}",
            "--date=iso-strict",
            "--format=%h %ad %an: %s",
            "--no-show-signature",
            *where,
        )
        return result_of(result, empty="No commits.")


async def _is_kept(context: ToolContext, path: str) -> bool:
    # The project as a whole is nobody's to change, and everybody's to look at.
    return path.strip("./") != "" and bool(await refused_among(context, [path]))


def _left_out(names: Sequence[str]) -> str:
    return (
        f"\n\nLeft out, because agents may not read them:\n{listed_names(names)}" if names else ""
    )


async def _merge_note(context: ToolContext) -> str:
    now = await standing(context)
    lines = [f"a merge of {now.merging[:10]} is under way"]
    lines += [f"file: {kind_of(file)}: {written(file.name)}" for file in now.conflicted]
    ways = 'git_merge {"action": "continue"} concludes it, git_merge {"action": "abort"} undoes it'
    return "\n".join([*lines, f"next: {ways}."])

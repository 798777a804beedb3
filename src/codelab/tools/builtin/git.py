"""git_status, git_diff, git_log and git_commit."""

from __future__ import annotations

import hashlib
import re
from pathlib import PurePosixPath
from typing import Annotated

import msgspec
from msgspec import Meta

from codelab.sdk import Category, Preparation, Risk, Tool, ToolContext, ToolError, ToolResult
from codelab.sdk.workspace import CommandResult
from codelab.tools.builtin.fields import FilePath

# Hidden files are off limits to agents, in a diff too.
_WITHOUT_HIDDEN = (":(top,exclude,glob)**/.*", ":(top,exclude,glob)**/.*/**")
# As many names as surely fit into one bounded answer of git.
_HASHED_AT_ONCE = 500
_MOST_FILES = 5000
_UNFIT_FOR_NAMES = re.compile(r"[\x00-\x1f\x7f<>]")


class NoParameters(msgspec.Struct, frozen=True, kw_only=True):
    """Nothing to choose."""


class GitStatus(Tool[NoParameters]):
    """Shows the branch and what has changed."""

    name = "git_status"
    description = "Show the branch and which files have changed since the last commit."
    parameters = NoParameters
    category = Category.READ
    risk = Risk.LOW

    async def execute(self, context: ToolContext, parameters: NoParameters) -> ToolResult:
        """Ask git."""
        return _result(await context.workspace.git("status", "--short", "--branch"))


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
        staged = ("--staged",) if parameters.staged else ()
        where = _literal(parameters.path or ".")
        result = await context.workspace.git("diff", *staged, "--", where, *_WITHOUT_HIDDEN)
        return _result(result, empty="No changes.")


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
        where = ("--", _literal(parameters.path)) if parameters.path else ()
        result = await context.workspace.git(
            "log",
            f"--max-count={parameters.limit}",
            "--date=iso-strict",
            "--format=%h %ad %an: %s",
            "--no-show-signature",
            *where,
        )
        return _result(result, empty="No commits.")


class GitCommitParameters(msgspec.Struct, frozen=True, kw_only=True):
    """What to commit."""

    message: Annotated[
        str, Meta(min_length=1, max_length=10_000, description="The commit message.")
    ]
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
        "Commit the changes of the given files or folders, new files included. A human sees the "
        "message and the changes and decides."
    )
    parameters = GitCommitParameters
    category = Category.WRITE
    risk = Risk.MEDIUM
    protected = True
    repeatable = False

    def paths(self, parameters: GitCommitParameters) -> tuple[str, ...]:
        """Name the files and folders."""
        return parameters.paths

    async def prepare(self, context: ToolContext, parameters: GitCommitParameters) -> Preparation:
        """Show message and changes; the state holds the content of every file."""
        where = [_literal(path) for path in parameters.paths]
        changed = await _changed(context, where)
        if not changed:
            raise ToolError("There is nothing to commit in these paths.")
        if len(changed) > _MOST_FILES:
            raise ToolError(f"{len(changed)} files have changed; commit fewer at once.")
        head = await context.workspace.git("rev-parse", "--verify", "--quiet", "HEAD")
        state = hashlib.sha256(head.output.encode())
        present = [name for status, name in changed if "D" not in status]
        for status, name in changed:
            state.update(f"{status} {name}\0".encode())
        for start in range(0, len(present), _HASHED_AT_ONCE):
            part = present[start : start + _HASHED_AT_ONCE]
            hashes = await _asked(context, "hash-object", "--no-filters", "--", *part)
            state.update(hashes.encode())
        preview = [f"commit as {_author(context)}", "", parameters.message, "", "Changes:"]
        preview += [f"  {status} {name}" for status, name in changed]
        if head.exit_code == 0:
            difference = await context.workspace.git("diff", "HEAD", "--", *where)
            preview += ["", difference.output]
        return Preparation(preview="\n".join(preview), state=state.hexdigest())

    async def execute(self, context: ToolContext, parameters: GitCommitParameters) -> ToolResult:
        """Commit."""
        where = [_literal(path) for path in parameters.paths]
        await _asked(context, "add", "--all", "--", *where)
        result = await context.workspace.git(
            "commit",
            "--no-verify",
            f"--author={_author(context)}",
            f"--message={parameters.message}",
            "--",
            *where,
        )
        return _result(result)


async def _changed(context: ToolContext, where: list[str]) -> list[tuple[str, str]]:
    listed = await _asked(
        context,
        "status",
        "--porcelain=v1",
        "-z",
        "--no-renames",
        "--untracked-files=all",
        "--",
        *where,
    )
    # In this form each entry is two letters, a space and the name.
    return [(entry[:2], entry[3:]) for entry in listed.split("\0") if entry]


async def _asked(context: ToolContext, *arguments: str) -> str:
    result = await context.workspace.git(*arguments)
    if result.exit_code != 0:
        raise ToolError(f"git {arguments[0]} failed: {result.output.strip()[:2000]}")
    if result.truncated:
        raise ToolError("Too many files have changed; name fewer paths.")
    return result.output


def _author(context: ToolContext) -> str:
    name = _UNFIT_FOR_NAMES.sub("", context.user_name).strip() or "user"
    return f"{name} <{name.replace(' ', '.')}@localhost>"


def _literal(path: str) -> str:
    plain = str(PurePosixPath(path))
    # Without `literal`, git reads signs in a path as a pattern.
    return ":(top)" if plain == "." else f":(top,literal){plain}"


def _result(result: CommandResult, *, empty: str = "") -> ToolResult:
    output = result.output.strip("\n") or empty
    return ToolResult(output=output, ok=result.exit_code == 0, truncated=result.truncated)

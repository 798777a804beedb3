"""Reads changes from git through the workspace; nothing here decides anything."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import msgspec

from codelab.sdk import ToolError
from codelab.sdk.workspace import FileContent, Workspace
from codelab_review.diff import Counts, FileChange, new_file, parse_counts, parse_file

MOST_FILES = 200

# What every repository knows, also one without a commit.
_EMPTY_TREE = "4b825dc642cb6eb9a060e54bf8d69288fbee4904"
_PLAIN = ("--no-color", "--no-ext-diff", "--no-textconv", "--find-renames", "--relative")


async def gather(workspace: Workspace, range_: str, paths: Sequence[str]) -> list[FileChange]:
    """Return what changed.

    Args:
        workspace: The project folder.
        range_: Commits in git's notation; empty for what is not committed, new files included.
        paths: Only these files and folders; none for all.

    Raises:
        ToolError: There is no repository, the range is unknown, or too much has changed.
    """
    where = ["--", *(f":(literal){path}" for path in paths)]
    compared = range_ or await _last_commit(workspace)
    listed = await _ask(workspace, "diff", "--numstat", "-z", *_PLAIN, compared, *where)
    counts = parse_counts(listed)
    untracked = [] if range_ else await _untracked(workspace, where)
    if len(counts) + len(untracked) > MOST_FILES:
        raise ToolError(
            f"{len(counts) + len(untracked)} files have changed; name `paths` with at most "
            f"{MOST_FILES} of them."
        )
    changes = [await _tracked(workspace, compared, each) for each in counts]
    return changes + [await _new(workspace, path) for path in untracked]


async def _last_commit(workspace: Workspace) -> str:
    inside = await workspace.git("rev-parse", "--is-inside-work-tree")
    if inside.exit_code:
        raise ToolError("This workspace is no git repository, so there are no changes to review.")
    head = await workspace.git("rev-parse", "--verify", "--quiet", "HEAD")
    return _EMPTY_TREE if head.exit_code else "HEAD"


async def _untracked(workspace: Workspace, where: Sequence[str]) -> list[str]:
    listed = await _ask(workspace, "ls-files", "--others", "--exclude-standard", "-z", *where)
    return [path for path in listed.split("\0") if path]


async def _ask(workspace: Workspace, *arguments: str) -> str:
    done = await workspace.git(*arguments)
    if done.exit_code:
        raise ToolError(f"git {arguments[0]} failed: {done.output.strip()[:500]}")
    if done.truncated:
        raise ToolError("Too many files have changed; name fewer `paths`.")
    return done.output


async def _tracked(workspace: Workspace, compared: str, counts: Counts) -> FileChange:
    names = [f":(literal){path}" for path in (counts.old_path, counts.path) if path]
    if counts.added is not None and await _is_off_limits(workspace, counts):
        return _withheld(parse_file(counts, ""))
    done = await workspace.git("diff", *_PLAIN, compared, "--", *names)
    if done.exit_code:
        raise ToolError(f"git diff failed: {done.output.strip()[:500]}")
    return parse_file(counts, done.output, is_cut=done.truncated)


async def _is_off_limits(workspace: Workspace, counts: Counts) -> bool:
    """Tell whether a hidden file is one of those that the administrator keeps from agents."""
    hidden = [path for path in (counts.old_path, counts.path) if _is_hidden(path)]
    return None in [await _read(workspace, path) for path in hidden]


async def _new(workspace: Workspace, path: str) -> FileChange:
    content = await _read(workspace, path)
    if content is None:
        return _withheld(FileChange(path=path, status="added"))
    return new_file(path, content.text)


async def _read(workspace: Workspace, path: str) -> FileContent | None:
    # Whatever the reason for a refusal, the contents stay out of the prompt.
    (found,) = await asyncio.gather(workspace.read(path), return_exceptions=True)
    return found if isinstance(found, FileContent) else None


def _is_hidden(path: str) -> bool:
    return any(part.startswith(".") for part in path.split("/"))


def _withheld(change: FileChange) -> FileChange:
    return msgspec.structs.replace(change, is_withheld=True)

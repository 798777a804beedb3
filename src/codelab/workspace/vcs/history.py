"""What was committed: the log, page by page, and what each commit changed."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

import msgspec

from codelab.kit.errors import InvalidInput
from codelab.sdk.git import is_branch_name, literal
from codelab.workspace.errors import FileMissing
from codelab.workspace.folder import Folder
from codelab.workspace.vcs.calls import checked, looked_up, printed, tip_of
from codelab.workspace.vcs.state import Lines, numbers

MOST_FILES = 1000

_FIELDS = ("%H", "%P", "%an", "%ae", "%aI", "%s", "%D")
_FORMAT = "%x00".join(_FIELDS)
_BODY_BYTES = 100_000
_NEVER = datetime.fromtimestamp(0, UTC)
_LONGEST_FIELD = 500
_WORDS = ("--no-renames", "-z", "--diff-merges=first-parent")


class CommitSummary(msgspec.Struct, frozen=True, kw_only=True):
    """A commit in a list; `refs` are the branches and tags that are at it."""

    id: str
    parents: tuple[str, ...]
    author: str
    email: str
    at: datetime
    subject: str
    refs: tuple[str, ...]


class CommitPage(msgspec.Struct, frozen=True, kw_only=True):
    """A page of the log, newest first.

    Args:
        commits: The commits.
        start: The commit at which the log begins; with it, the next page fits to this one.
        next: How many commits the following page skips; none at the end.
    """

    commits: tuple[CommitSummary, ...]
    start: str
    next: int | None


class CommittedFile(msgspec.Struct, frozen=True, kw_only=True):
    """A file that a commit changed; `status` is git's letter."""

    path: str
    status: str
    lines: Lines | None


class CommitDetails(msgspec.Struct, frozen=True, kw_only=True):
    """A commit whole: against its first parent, if it is a merge."""

    commit: CommitSummary
    message: str
    files: tuple[CommittedFile, ...]
    truncated: bool


async def log_of(
    folder: Folder, *, path: str = "", start: str = "", skip: int = 0, limit: int = 50
) -> CommitPage:
    """Return a page of the log.

    Args:
        folder: Where.
        path: Only commits that touch this file or folder; empty: all.
        start: A commit or a branch at which it begins; empty: the current one.
        skip: How many commits are passed over.
        limit: How many are returned at most.

    Raises:
        InvalidInput: There is no such commit.
    """
    tip = await _tip(folder, start)
    if not tip:
        return CommitPage(commits=(), start="", next=None)
    within = ("--", literal(checked(path))) if path else ("--",)
    words = ("log", "-z", f"--format={_FORMAT}", f"--max-count={limit + 1}", f"--skip={skip}")
    commits = tuple(summaries(await printed(folder, *words, tip, *within)))
    following = skip + limit if len(commits) > limit else None
    return CommitPage(commits=commits[:limit], start=tip, next=following)


async def details_of(folder: Folder, commit: str) -> CommitDetails:
    """Return a commit with its message and files.

    Raises:
        FileMissing: There is no such commit.
    """
    name = await looked_up(folder, "rev-parse", "--verify", "--quiet", f"{commit}^{{commit}}")
    if not name:
        raise FileMissing("There is no such commit.", field="commit")
    one = ("log", "-1", "-z")
    head, body, letters, counts = await asyncio.gather(
        printed(folder, *one, f"--format={_FORMAT}", name, "--"),
        printed(folder, "log", "-1", "--format=%B", name, "--", most=_BODY_BYTES),
        printed(folder, *one, "--format=", "--name-status", *_WORDS, name, "--"),
        printed(folder, *one, "--format=", "--numstat", *_WORDS, name, "--"),
    )
    fields = letters.decode("utf-8", "replace").lstrip("\0\n").split("\0")
    lines = numbers(counts.lstrip(b"\0\n"))
    files = [
        CommittedFile(path=path, status=status[:1], lines=lines.get(path))
        for status, path in zip(fields[0::2], fields[1::2], strict=False)
    ]
    return CommitDetails(
        commit=next(summaries(head)),
        message=body.decode("utf-8", "replace").strip("\n"),
        files=tuple(files[:MOST_FILES]),
        truncated=len(files) > MOST_FILES,
    )


def summaries(data: bytes) -> Iterator[CommitSummary]:
    """Read what `git log -z` prints in our format."""
    fields = data.decode("utf-8", "replace").split("\0")
    for first in range(0, len(fields) - len(_FIELDS) + 1, len(_FIELDS)):
        name, parents, author, email, at, subject, refs = fields[first : first + len(_FIELDS)]
        yield CommitSummary(
            id=name,
            parents=tuple(parents.split()),
            author=author[:_LONGEST_FIELD],
            email=email[:_LONGEST_FIELD],
            at=moment_of(at),
            subject=subject[:_LONGEST_FIELD],
            refs=tuple(_refs(refs.split(", "))),
        )


def moment_of(text: str) -> datetime:
    """Read a date of git's; one that no calendar has, or none, is the epoch, as for git itself."""
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return _NEVER


def _refs(names: Sequence[str]) -> Iterator[str]:
    for name in names:
        plain = name.removeprefix("HEAD -> ").removeprefix("tag: ")
        if plain and plain != "HEAD":
            yield plain


async def _tip(folder: Folder, start: str) -> str:
    if not start:
        # Whether there is a repository at all is asked as well.
        return await tip_of(folder) or await _without_commits(folder)
    place = f"refs/heads/{start}" if is_branch_name(start) else start
    if tip := await looked_up(folder, "rev-parse", "--verify", "--quiet", f"{place}^{{commit}}"):
        return tip
    raise InvalidInput("There is no such commit or branch.", field="start")


async def _without_commits(folder: Folder) -> str:
    await printed(folder, "rev-parse", "--git-dir")
    return ""

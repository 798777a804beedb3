"""Branches: which there are, new ones, switching, and deleting what is merged."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Literal

import msgspec

from codelab.kit.errors import InvalidInput
from codelab.sdk.git import is_branch_name
from codelab.workspace.errors import FileMissing, GitRefused
from codelab.workspace.folder import Folder
from codelab.workspace.vcs.calls import done, looked_up, printed, tip_of
from codelab.workspace.vcs.history import moment_of
from codelab.workspace.vcs.state import whole_status

MOST_BRANCHES = 500

_NONE = "0" * 40
_FIELDS = (
    *("%(refname)", "%(objectname)", "%(committerdate:iso-strict)", "%(HEAD)"),
    *("%(upstream:short)", "%(worktreepath)", "%(symref)", "%(contents:subject)"),
)
_FORMAT = "%00".join(_FIELDS) + "%00"
_LONGEST_SUBJECT = 500


class Branch(msgspec.Struct, frozen=True, kw_only=True):
    """A branch.

    Args:
        name: Its name; of a remote's branch with the remote, such as origin/main.
        kind: Whether it is ours or what a remote had when it was last fetched.
        commit: Its last commit.
        at: When that was made.
        subject: What it says first.
        upstream: The branch that it follows; empty without one.
        is_current: Whether the files are on it.
        is_merged: Whether the current branch has all of its commits.
    """

    name: str
    kind: Literal["local", "remote"]
    commit: str
    at: datetime
    subject: str
    upstream: str
    is_current: bool
    is_merged: bool


class BranchList(msgspec.Struct, frozen=True, kw_only=True):
    """The branches, the latest first; `truncated` when there are more."""

    current: str
    branches: tuple[Branch, ...]
    truncated: bool


async def branches_of(folder: Folder) -> BranchList:
    """List the branches."""
    places = ("refs/heads", "refs/remotes")
    words = ("for-each-ref", "--sort=-committerdate", f"--count={MOST_BRANCHES + 1}")
    data = await printed(folder, *words, f"--format={_FORMAT}", *places)
    tip = await tip_of(folder)
    merged = b""
    if tip:
        merged = await printed(
            folder, "for-each-ref", f"--merged={tip}", "--format=%(refname)", *places
        )
    found = tuple(_parsed(data, frozenset(merged.decode("utf-8", "replace").splitlines())))
    current = await looked_up(folder, "symbolic-ref", "--quiet", "--short", "HEAD")
    return BranchList(
        current=current,
        branches=found[:MOST_BRANCHES],
        truncated=len(found) > MOST_BRANCHES,
    )


async def create_branch(folder: Folder, name: str, start: str = "") -> str:
    """Make a branch and return its commit; the files stay on the current one.

    Raises:
        InvalidInput: The name is none.
        GitRefused: There is one already, or nothing to start at.
    """
    place = _place(name)
    if await _commit_at(folder, place):
        raise GitRefused(f"There is a branch {name} already.")
    commit = await _start(folder, start)
    await done(folder, "update-ref", place, commit, _NONE)
    return commit


async def switch(folder: Folder, name: str) -> None:
    """Put the files on a branch; changes that are not committed go along.

    Raises:
        FileMissing: There is no such branch.
        GitRefused: A change would be overwritten, or something is under way.
    """
    if not await _commit_at(folder, _place(name)):
        raise FileMissing(f"There is no branch {name}.", field="name")
    if doing := (await whole_status(folder)).under_way:
        raise GitRefused(f"A {doing} is under way: finish it first.")
    await done(folder, "switch", "--quiet", "--no-guess", "--no-overwrite-ignore", name)


async def delete_branch(folder: Folder, name: str) -> str:
    """Delete a branch all of whose commits another one has; return where it was.

    Raises:
        FileMissing: There is no such branch.
        GitRefused: The files are on it, or its commits would be lost.
    """
    place = _place(name)
    commit = await _commit_at(folder, place)
    if not commit:
        raise FileMissing(f"There is no branch {name}.", field="name")
    if await looked_up(folder, "for-each-ref", "--format=%(worktreepath)", place):
        raise GitRefused(f"The files are on {name}; switch to another branch first.")
    others = (f"--exclude={name}", "--branches", "--remotes", "--tags", "HEAD")
    if await looked_up(folder, "log", "-1", "--format=%H", commit, "--not", *others, "--"):
        raise GitRefused(
            f"No other branch has the commits of {name}; merge it first, or delete it in a "
            "terminal."
        )
    await done(folder, "update-ref", "-d", place, commit)
    return commit


def _parsed(data: bytes, merged: frozenset[str]) -> Iterator[Branch]:
    for line in data.decode("utf-8", "replace").split("\0\n"):
        fields = line.split("\0")
        if len(fields) != len(_FIELDS):
            continue
        place, commit, at, current, upstream, _, leads_to, subject = fields
        if leads_to:
            continue  # Such as origin/HEAD, which only names another one.
        local = place.startswith("refs/heads/")
        yield Branch(
            name=place.removeprefix("refs/heads/").removeprefix("refs/remotes/"),
            kind="local" if local else "remote",
            commit=commit,
            at=moment_of(at),
            subject=subject[:_LONGEST_SUBJECT],
            upstream=upstream,
            is_current=current == "*",
            is_merged=place in merged,
        )


def _place(name: str) -> str:
    if not is_branch_name(name):
        raise InvalidInput("This is no name of a branch.", field="name")
    return f"refs/heads/{name}"


async def _commit_at(folder: Folder, place: str) -> str:
    return await looked_up(folder, "rev-parse", "--verify", "--quiet", f"{place}^{{commit}}")


async def _start(folder: Folder, start: str) -> str:
    for place in (f"refs/heads/{start}", f"refs/remotes/{start}", start) if start else ("HEAD",):
        if commit := await _commit_at(folder, place):
            return commit
    # Without a repository this says so.
    await printed(folder, "rev-parse", "--git-dir")
    raise GitRefused("There is no commit at which the branch could start.")

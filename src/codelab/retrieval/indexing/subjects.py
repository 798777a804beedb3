"""The subjects of past commits by the paths that they changed; pure."""

from __future__ import annotations

import base64
import re
import zlib
from collections.abc import Iterator, Mapping, Sequence

import msgspec

from codelab.retrieval.ranking.terms import terms

# Commits that change more files tell nothing of any one of them.
_MOST_FILES = 20
_NAME = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_ISSUE = re.compile(r"\(?#\d+\)?")


class Commit(msgspec.Struct, frozen=True, array_like=True):
    """A commit with its subject and what it changed; no paths where these are too many."""

    name: str
    subject: str
    paths: tuple[str, ...]


_kept = msgspec.msgpack.Decoder(list[Commit])


def names_in(data: bytes) -> list[str]:
    """Read the names of commits, a line each."""
    return [name for name in data.decode("ascii", "replace").split() if _NAME.fullmatch(name)]


def commits_in(data: bytes, *, truncated: bool) -> list[Commit]:
    """Read what `git log -z --name-only --format=%x00%H%x00%s` prints."""
    fields = data.decode("utf-8", "replace").split("\0")
    found: list[Commit] = []
    at = 0
    while at + 2 < len(fields) and not fields[at] and _NAME.fullmatch(fields[at + 1]):
        name, subject = fields[at + 1 : at + 3]
        start = at = at + 3
        while at < len(fields) and fields[at]:
            at += 1
        paths = tuple(path.removeprefix("\n") for path in fields[start:at])
        found.append(Commit(name, subject, paths if len(paths) <= _MOST_FILES else ()))
    return found[:-1] if truncated else found


def missing(names: Sequence[str], known: Mapping[str, Commit]) -> int:
    """Return how many commits, from the newest, hold all those that are not known."""
    unknown = (place for place in range(len(names), 0, -1) if names[place - 1] not in known)
    return next(unknown, 0)


def merged(
    names: Sequence[str], known: Mapping[str, Commit], found: Sequence[Commit]
) -> dict[str, Commit]:
    """Put what is known and what was found together, as far as it is among the past still.

    Of the others there was more than git may print: they are known to say nothing.
    """
    every = {**known, **{commit.name: commit for commit in found}}
    return {name: every.get(name) or Commit(name, "", ()) for name in names}


def changes(
    before: Mapping[str, Commit], after: Mapping[str, Commit]
) -> Iterator[tuple[str, list[str]]]:
    """Yield the paths of which something else is said than before, with all terms for each."""
    differing = before.keys() ^ after.keys()
    touched = {path for name in differing for path in (after.get(name) or before[name]).paths}
    said: dict[str, list[str]] = {path: [] for path in touched}
    for commit in after.values():
        for path in commit.paths:
            if path in said:
                said[path] += terms(_ISSUE.sub("", commit.subject))
    yield from said.items()


def kept(commits: Mapping[str, Commit]) -> str:
    """Write commits as a text that can be put away."""
    data = msgspec.msgpack.encode(list(commits.values()))
    return base64.b64encode(zlib.compress(data)).decode("ascii")


def opened(text: str) -> dict[str, Commit]:
    """Read what `kept` wrote; nothing where it is something else."""
    try:
        found = _kept.decode(zlib.decompress(base64.b64decode(text)))
    except (ValueError, zlib.error, msgspec.DecodeError):
        return {}
    return {commit.name: commit for commit in found}

"""Asks git for the subjects of past commits, in the box and with the settings of all its calls."""

from __future__ import annotations

from typing import Protocol

import msgspec

# Further back, subjects say little about what files are today.
MOST_COMMITS = 5000
_NAMES_BYTES = 400_000
_LOG_BYTES = 16_000_000
_WORDS = ("log", "--no-merges", "--no-renames", "-z")


class Printed(Protocol):
    """What git has printed."""

    @property
    def exit_code(self) -> int:
        """0 where it has done what it was asked for."""
        ...

    @property
    def data(self) -> bytes:
        """Its bytes."""
        ...

    @property
    def truncated(self) -> bool:
        """Whether there was more."""
        ...


class Repository(Protocol):
    """A workspace in which git can be asked."""

    async def git_bytes(self, *arguments: str, most: int) -> Printed:
        """Run git and return what it prints."""
        ...


class Log(msgspec.Struct, frozen=True):
    """The newest commits as git prints them."""

    data: bytes
    truncated: bool


async def names(repository: Repository) -> bytes:
    """Return the names of the past commits, the newest first; nothing without a repository."""
    words = ("log", "--no-merges", f"--max-count={MOST_COMMITS}", "--format=%H", "HEAD", "--")
    answer = await repository.git_bytes(*words, most=_NAMES_BYTES)
    return answer.data if answer.exit_code == 0 else b""


async def log(repository: Repository, commits: int) -> Log:
    """Return so many of the newest commits with their subjects and the files that they changed."""
    words = (*_WORDS, "--name-only", f"--max-count={commits}", "--format=%x00%H%x00%s")
    answer = await repository.git_bytes(*words, "HEAD", "--", most=_LOG_BYTES)
    # One that was ended at the bound of its output has printed what there is room for.
    return Log(answer.data, answer.truncated or answer.exit_code != 0)

"""A project folder as tools see it: every path is relative to its root and stays inside it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import msgspec


class FileContent(msgspec.Struct, frozen=True, kw_only=True):
    """A text file's content; `digest` is the SHA-256 of its bytes in hexadecimal."""

    path: str
    text: str
    digest: str
    size: int


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One file or folder of a listing; `size` in bytes, 0 for folders."""

    path: str
    is_folder: bool
    size: int = 0


class Listing(msgspec.Struct, frozen=True, kw_only=True):
    """A bounded listing; `total` counts what was left out too, as far as it was looked at."""

    entries: tuple[Entry, ...]
    truncated: bool = False


class Match(msgspec.Struct, frozen=True, kw_only=True):
    """A line that matches a search; `line` starts at 1."""

    path: str
    line: int
    text: str


class Matches(msgspec.Struct, frozen=True, kw_only=True):
    """A bounded list of matches."""

    matches: tuple[Match, ...]
    truncated: bool = False


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """A planned change of one file, not yet made.

    Args:
        path: The file.
        diff: A unified diff, the whole of it.
        before: The digest of the file's bytes now; empty where there is no file.
        after: The digest of the bytes that would be written; empty for a deletion.
    """

    path: str
    diff: str
    before: str
    after: str


class CommandResult(msgspec.Struct, frozen=True, kw_only=True):
    """How a command ended.

    Args:
        exit_code: The exit code; negative for a signal.
        output: Standard output and standard error as they came, head and tail kept.
        truncated: Whether the middle was left out.
        timed_out: Whether it was stopped at its time limit.
    """

    exit_code: int
    output: str
    truncated: bool = False
    timed_out: bool = False
    duration_ms: int = 0


OnOutput = Callable[[str], None]


class Workspace(Protocol):
    """The project folder of a session."""

    def root(self) -> str:
        """Name the root folder, as approvals show it."""

    async def read(self, path: str) -> FileContent:
        """Read a text file of at most 10 MB."""

    async def list(self, path: str = ".", *, recursive: bool = False) -> Listing:
        """List a folder without what is excluded."""

    async def search(self, pattern: str, path: str = ".") -> Matches:
        """Find the lines that match a regular expression (linear-time syntax)."""

    async def plan_write(self, path: str, content: str) -> Change:
        """Say what writing this content would change."""

    async def plan_delete(self, path: str) -> Change:
        """Say what deleting the file would remove."""

    async def write(self, path: str, content: str, *, before: str) -> None:
        """Write a file at once and wholly, if its digest is still `before` (empty: no file)."""

    async def delete(self, path: str, *, before: str) -> None:
        """Delete a file, if its digest is still `before`."""

    async def run(
        self,
        command: str,
        *,
        timeout_s: float = 30,
        on_output: OnOutput | None = None,
        read_only: bool = False,
    ) -> CommandResult:
        """Run a shell command in the sandbox, in the root folder; it may be kept from writing."""

    async def git(self, *arguments: str, remote: str = "") -> CommandResult:
        """Run git in the sandbox; it reaches the remote whose address is given, else nothing."""

    def sandbox_layer(self) -> str:
        """Name the protection that commands run under, as approvals show it."""

    def network(self) -> str:
        """Name what commands may reach of the network, as approvals show it; usually `none`."""

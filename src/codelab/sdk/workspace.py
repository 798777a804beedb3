"""A project folder as tools see it: every path is relative to its root and stays inside it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, Protocol

import msgspec

Kind = Literal["file", "folder", "link", "other"]


class FileContent(msgspec.Struct, frozen=True, kw_only=True):
    """A text file's content; `digest` is the SHA-256 of its bytes in hexadecimal."""

    path: str
    text: str
    digest: str
    size: int


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One file or folder of a listing.

    Args:
        path: Where it is.
        is_folder: Whether it is a folder.
        size: In bytes; 0 for folders.
        kind: What it is; a link is not followed, a pipe or a device is something other.
        files: How many files lie in the folder and deeper, in recursive listings.
        files_size: How large they are together.
        is_folded: Whether the listing leaves out what is in the folder.
    """

    path: str
    is_folder: bool
    size: int = 0
    kind: Kind = "file"
    files: int = 0
    files_size: int = 0
    is_folded: bool = False


class Listing(msgspec.Struct, frozen=True, kw_only=True):
    """A bounded listing.

    Args:
        entries: What is shown of it.
        truncated: Whether something was left out.
        more: How many further entries the folder itself has.
        is_complete: Whether everything was counted; otherwise each number is a least one.
    """

    entries: tuple[Entry, ...]
    truncated: bool = False
    more: int = 0
    is_complete: bool = True


class Match(msgspec.Struct, frozen=True, kw_only=True):
    """A line that matches a search; `line` starts at 1."""

    path: str
    line: int
    text: str


class FurtherMatches(msgspec.Struct, frozen=True, kw_only=True):
    """How many lines of a file match besides those that are shown; that many at least."""

    path: str
    count: int


class Matches(msgspec.Struct, frozen=True, kw_only=True):
    """A bounded list of matches.

    Args:
        matches: What is shown, file by file.
        truncated: Whether something was left out.
        further: Which files have more matches than are shown.
    """

    matches: tuple[Match, ...]
    truncated: bool = False
    further: tuple[FurtherMatches, ...] = ()


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """A planned change of one file, not yet made.

    Args:
        path: The file.
        diff: A unified diff, the whole of it.
        before: The digest of the file's bytes now; empty where there is no file.
        after: The digest of the bytes that would be written; empty for a deletion.
        size: How many bytes the file has now.
    """

    path: str
    diff: str
    before: str
    after: str
    size: int = 0


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

    async def search(
        self, pattern: str, path: str = ".", *, glob: str = "", ignore_case: bool = False
    ) -> Matches:
        """Find the lines that match a regular expression (linear-time syntax).

        Args:
            pattern: The expression.
            path: The file or folder to search.
            glob: Only files whose names fit, such as `*.py`; empty for all.
            ignore_case: Whether capital and small letters are the same.
        """

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

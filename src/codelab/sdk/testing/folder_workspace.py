"""A plain folder as a workspace, for tests: real files and real processes, but no sandbox."""

from __future__ import annotations

import asyncio
import difflib
import fnmatch
import hashlib
import os
import re
from collections.abc import Iterator
from pathlib import Path

from codelab.kit.errors import Conflict, Forbidden, InvalidInput, NotFound
from codelab.sdk.testing.processes import run_process
from codelab.sdk.workspace import (
    Change,
    CommandResult,
    Entry,
    FileContent,
    Listing,
    Match,
    Matches,
    OnOutput,
)

_LARGEST_READ = 10_000_000
_LARGEST_WRITE = 1_000_000
_MOST = 1000
_EXCLUDED = {"node_modules", ".git", "build", "dist"}
_ALLOWED_HIDDEN = {".github", ".env.example", ".gitignore", ".editorconfig"}
_GIT_COMMANDS = {
    *("check-attr", "diff", "for-each-ref", "hash-object", "log", "ls-files", "merge-base"),
    *("merge-tree", "rev-parse", "show", "status", "version", "symbolic-ref", "update-ref"),
    *("add", "commit", "merge", "restore", "switch"),
}


class FolderWorkspace:
    """A folder that implements `sdk.workspace.Workspace` plainly.

    Paths stay inside the folder, hidden and excluded files are refused, and a file that changed
    meanwhile is not overwritten, as on the server. What the server has and this has not: the
    sandbox around commands, .gitignore, encodings other than UTF-8, searches that cannot be slow.
    Run nothing in it that the test did not write.

    Args:
        root: An existing folder.
    """

    def __init__(self, root: Path) -> None:
        self.folder = root.resolve(strict=True)

    def add(self, path: str, content: str) -> None:
        """Put a file into the folder, before the test."""
        target = self.folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(content, "utf-8", newline="")

    async def commit(self, message: str = "Start") -> None:
        """Commit everything in the folder, which becomes a git repository if it is none."""
        if not (self.folder / ".git").exists():
            await self._git("init", "--quiet", "--initial-branch=main")
        await self._git("add", "--all")
        await self._git("commit", "--quiet", "--allow-empty", f"--message={message}")

    def root(self) -> str:
        """Name the root folder."""
        return str(self.folder)

    async def read(self, path: str) -> FileContent:
        """Read a text file of at most 10 MB."""
        data = await asyncio.to_thread(self._bytes, path)
        if data is None:
            raise NotFound(f"There is no file {path}.", field="path")
        if b"\0" in data:
            raise InvalidInput(f"{path} is a binary file.", field="path")
        try:
            text = data.decode()
        except UnicodeDecodeError:
            raise InvalidInput(f"{path} is not valid UTF-8.", field="path") from None
        return FileContent(path=path, text=text, digest=_digest(data), size=len(data))

    async def list(self, path: str = ".", *, recursive: bool = False) -> Listing:
        """List a folder without what is hidden or excluded."""
        found = await asyncio.to_thread(lambda: sorted(self._below(path, recursive=recursive)))
        entries = tuple(
            Entry(
                path=self._relative(item),
                is_folder=item.is_dir(),
                kind="folder" if item.is_dir() else "file",
                size=0 if item.is_dir() else item.stat().st_size,
            )
            for item in found[:_MOST]
        )
        return Listing(entries=entries, truncated=len(found) > _MOST)

    async def search(
        self, pattern: str, path: str = ".", *, glob: str = "", ignore_case: bool = False
    ) -> Matches:
        """Find the lines that match a regular expression."""
        try:
            wanted = re.compile(pattern, re.IGNORECASE if ignore_case else 0)
        except re.error as error:
            raise InvalidInput(f"The pattern is not valid: {error}.", field="pattern") from None
        found = await asyncio.to_thread(
            lambda: tuple(
                match
                for match in self._matches(wanted, path)
                if not glob or fnmatch.fnmatchcase(match.path.rsplit("/", 1)[-1], glob)
            )
        )
        return Matches(matches=found[:_MOST], truncated=len(found) > _MOST)

    async def plan_write(self, path: str, content: str) -> Change:
        """Say what writing this content would change."""
        if len(content.encode()) > _LARGEST_WRITE:
            raise InvalidInput("At most 1 MB can be written at once.", field="content")
        return await asyncio.to_thread(self._plan, path, content)

    async def plan_delete(self, path: str) -> Change:
        """Say what deleting the file would remove."""
        return await asyncio.to_thread(self._plan, path, None)

    async def write(self, path: str, content: str, *, before: str) -> None:
        """Write a file, if its digest is still `before` (empty: no file)."""
        await asyncio.to_thread(self._replace, path, content, before)

    async def delete(self, path: str, *, before: str) -> None:
        """Delete a file, if its digest is still `before`."""
        await asyncio.to_thread(self._replace, path, None, before)

    async def run(
        self,
        command: str,
        *,
        timeout_s: float = 30,
        on_output: OnOutput | None = None,
        read_only: bool = False,
    ) -> CommandResult:
        """Run a shell command in the folder, without a sandbox: it can always write there."""
        return await run_process(
            ("/bin/sh", "-c", command), self.folder, timeout_s=timeout_s, on_output=on_output
        )

    async def git(self, *arguments: str, remote: str = "") -> CommandResult:
        """Run one of the git commands that the server runs for tools; none reaches a remote."""
        if remote:
            raise Forbidden("Remotes are off in this workspace.")
        is_known = arguments[:1] and arguments[0] in _GIT_COMMANDS
        if not is_known and arguments[:2] != ("remote", "get-url"):
            raise InvalidInput(f"CodeLab does not run `git {' '.join(arguments[:1])}` here.")
        return await run_process(_git_words(arguments), self.folder, timeout_s=60)

    def sandbox_layer(self) -> str:
        """Say that there is no protection."""
        return "none"

    def network(self) -> str:
        """Say what a server says whose administrator has named nothing."""
        return "none"

    async def _git(self, *arguments: str) -> None:
        done = await run_process(_git_words(arguments), self.folder, timeout_s=60)
        if done.exit_code:
            raise RuntimeError(f"git {arguments[0]} failed: {done.output}")

    def _resolve(self, path: str) -> Path:
        target = (self.folder / path).resolve()
        if Path(path).is_absolute() or not target.is_relative_to(self.folder) or "\0" in path:
            raise Forbidden("Paths are relative to the workspace and stay inside it.", field="path")
        if not self._is_shown(target):
            raise Forbidden(f"{path} is hidden or excluded.", field="path")
        return target

    def _is_shown(self, target: Path) -> bool:
        parts = target.relative_to(self.folder).parts
        hidden = {part for part in parts if part.startswith(".")} - _ALLOWED_HIDDEN
        return not hidden and not _EXCLUDED.intersection(parts)

    def _relative(self, target: Path) -> str:
        return target.relative_to(self.folder).as_posix()

    def _bytes(self, path: str) -> bytes | None:
        target = self._resolve(path)
        if not target.exists():
            return None
        if not target.is_file():
            raise Forbidden(f"{path} is not a regular file.", field="path")
        if target.stat().st_size > _LARGEST_READ:
            raise InvalidInput(f"{path} is larger than 10 MB.", field="path")
        return target.read_bytes()

    def _below(self, path: str, *, recursive: bool) -> Iterator[Path]:
        start = self._resolve(path)
        if not start.is_dir():
            raise NotFound(f"There is no folder {path}.", field="path")
        for folder, folders, files in os.walk(start):
            shown = [name for name in folders if self._is_shown(Path(folder, name))]
            folders[:] = shown if recursive else []
            yield from (Path(folder, name) for name in shown)
            yield from (item for name in files if self._is_shown(item := Path(folder, name)))

    def _matches(self, wanted: re.Pattern[str], path: str) -> Iterator[Match]:
        start = self._resolve(path)
        files = [start] if start.is_file() else sorted(self._below(path, recursive=True))
        for item in files:
            for number, line in enumerate(_lines(item), 1):
                if wanted.search(line):
                    yield Match(path=self._relative(item), line=number, text=line)

    def _plan(self, path: str, content: str | None) -> Change:
        data = self._bytes(path)
        if data is None and content is None:
            raise NotFound(f"There is no file {path}.", field="path")
        diff = difflib.unified_diff(
            (data or b"").decode("utf-8", "replace").splitlines(),
            (content or "").splitlines(),
            "/dev/null" if data is None else f"a/{path}",
            "/dev/null" if content is None else f"b/{path}",
            lineterm="",
        )
        return Change(
            path=path,
            diff="\n".join(diff),
            before="" if data is None else _digest(data),
            after="" if content is None else _digest(content.encode()),
            size=len(data or b""),
        )

    def _replace(self, path: str, content: str | None, before: str) -> None:
        data = self._bytes(path)
        if ("" if data is None else _digest(data)) != before:
            raise Conflict(f"{path} changed meanwhile.", field="path")
        target = self._resolve(path)
        if content is None:
            target.unlink()
            return
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(content, "utf-8", newline="")


def _lines(item: Path) -> list[str]:
    """Read a text file's lines; links, which may lead outside, and binary files have none."""
    if item.is_symlink() or not item.is_file():
        return []
    data = item.read_bytes()
    return [] if b"\0" in data else data.decode("utf-8", "replace").splitlines()


def _git_words(arguments: tuple[str, ...]) -> tuple[str, ...]:
    settings = (
        *("user.name=CodeLab", "user.email=codelab@localhost"),
        *("core.quotePath=false", "merge.conflictStyle=diff3", "checkout.guess=false"),
    )
    words = [word for setting in settings for word in ("-c", setting)]
    return ("git", "--no-pager", *words, *arguments)


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()

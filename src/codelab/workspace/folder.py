"""A workspace as tools and humans use it: the service's hands, off the event loop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Executor
from pathlib import Path
from typing import TypeVar

import msgspec

from codelab.kit.masking import masks_in
from codelab.sdk.workspace import (
    Change,
    CommandResult,
    FileContent,
    Listing,
    Matches,
    OnOutput,
)
from codelab.workspace import files
from codelab.workspace.checkpoints.undoing import Undoing
from codelab.workspace.contents import Contents, Stamp, Text, is_read_only, text_of
from codelab.workspace.diffs import unified
from codelab.workspace.egress.git_calls import git_with_remote
from codelab.workspace.egress.reach import network_shown, reach_of
from codelab.workspace.errors import (
    CommandRefused,
    FileMissing,
    FileReadOnly,
    MaskWritten,
    NotText,
)
from codelab.workspace.finding.ripgrep import Found, run
from codelab.workspace.git import access_of, git_command
from codelab.workspace.listing import list_folder
from codelab.workspace.names import ROOT, clean
from codelab.workspace.paths import opened_file, opened_folder, opened_root, real_path
from codelab.workspace.present import LARGEST_READ, Present
from codelab.workspace.rules import Audience, Rules
from codelab.workspace.sandbox.box import Access
from codelab.workspace.sandbox.layers import WORDS, LayerName
from codelab.workspace.sandbox.output import Capture
from codelab.workspace.sandbox.sandbox import Ended, Sandbox
from codelab.workspace.sandbox.shells import interactive_shell, shell
from codelab.workspace.search import find, gather
from codelab.workspace.text import decode, digest_of, encode, encoding_of
from codelab.workspace.watching.watcher import FileChanges, Watcher

T = TypeVar("T")

_GIT_S = 60.0
_LONGEST_COMMAND = 32_000
# What a model thought of leaves the processors to people, and to whoever has to end it.
_GENTLY = ("nice", "-n", "10")


class GitAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What a git command has printed, as far as it was kept."""

    exit_code: int
    data: bytes
    truncated: bool


class Folder:
    """A project folder for one audience; implements `sdk.Workspace`.

    Args:
        root: The folder, resolved.
        rules: What the audience may see.
        sandbox: Where commands run.
        layer: The layer that keeps them in a box.
        threads: Where blocking calls go.
        contents: What files held a moment ago; without it each is read anew.
    """

    def __init__(
        self,
        root: Path,
        rules: Rules,
        sandbox: Sandbox,
        layer: LayerName,
        threads: Executor,
        contents: Contents | None = None,
    ) -> None:
        self._root = root
        self._rules = rules
        self._sandbox = sandbox
        self._layer = layer
        self._threads = threads
        self._contents = contents

    def root(self) -> str:
        """Name the root folder, as approvals show it."""
        return str(self._root)

    def sandbox_layer(self) -> str:
        """Name the protection that commands run under, as approvals show it."""
        return WORDS[self._layer]

    def network(self) -> str:
        """Name what commands may reach, as approvals show it."""
        return network_shown(self._sandbox.networks.commands, self._layer)

    async def read(self, path: str) -> FileContent:
        """Read a text file of at most 10 MB."""
        path = clean(path)
        found = await self._kept(path) or await self._read(path)
        return FileContent(
            path=path,
            text=found.text,
            digest=found.digest,
            size=found.size,
            encoding=found.encoding,
            read_only=found.read_only,
        )

    async def list(self, path: str = ROOT, *, recursive: bool = False) -> Listing:
        """List a folder without what is excluded."""
        path = clean(path)
        return await self._in_thread(
            lambda root: list_folder(root, self._rules, path, recursive=recursive)
        )

    async def listed(self, paths: Iterable[str]) -> frozenset[str]:
        """Return those of these files that belong into listings as the rules are now."""
        return await self._in_thread(lambda root: self._rules.listed(root, paths))

    async def search(
        self, pattern: str, path: str = ROOT, *, glob: str = "", ignore_case: bool = False
    ) -> Matches:
        """Find the lines that match a regular expression (linear-time syntax)."""
        path = clean(path)
        start = await self._in_thread(lambda root: self._search_start(root, path))
        hidden = self._rules.allows_hidden
        found = await find(
            self._sandbox,
            self._root,
            pattern,
            start,
            shows_hidden=hidden,
            glob=glob,
            ignore_case=ignore_case,
        )
        return await self._in_thread(
            lambda root: gather(found, lambda path: self._rules.lists(root, path))
        )

    async def state(self, path: str) -> str:
        """Return the digest of a file's bytes; empty where there is no file."""
        path = clean(path)

        def work(root: int) -> str:
            now = files.present(root, self._rules, path)
            return now.digest if now else ""

        return await self._in_thread(work)

    async def plan_write(self, path: str, content: str) -> Change:
        """Say what writing this content would change."""
        path = clean(path)

        def work(root: int) -> Change:
            now = _writable(files.present(root, self._rules, path), path)
            data = encode(content, encoding_of(now.data if now else b""))
            files.check_size(data, self._largest())
            self._refuse_masks(now, content, path)
            return Change(
                path=path,
                diff=unified(_shown(now, path), content, path, is_new=now is None),
                before=now.digest if now else "",
                after=digest_of(data),
                size=len(now.data) if now else 0,
            )

        return await self._in_thread(work)

    async def plan_delete(self, path: str) -> Change:
        """Say what deleting the file would remove."""
        path = clean(path)

        def work(root: int) -> Change:
            now = files.present(root, self._rules, path)
            if now is None:
                raise FileMissing(f"There is no file {path}.", field="path")
            diff = unified(_shown(now, path), "", path, is_gone=True)
            return Change(path=path, diff=diff, before=now.digest, after="", size=len(now.data))

        return await self._in_thread(work)

    async def write(self, path: str, content: str, *, before: str) -> None:
        """Write a file at once and wholly, if its digest is still `before` (empty: no file)."""
        await self.save(path, content, before=before)

    async def save(self, path: str, content: str, *, before: str) -> str:
        """Write like `write` and return the digest of what was written."""
        path = clean(path)

        def work(root: int) -> str:
            now = _writable(files.present(root, self._rules, path), path)
            data = encode(content, encoding_of(now.data if now else b""))
            self._refuse_masks(now, content, path)
            files.write(root, self._rules, path, data, before, largest=self._largest())
            return digest_of(data)

        return await self._in_thread(work)

    async def delete(self, path: str, *, before: str) -> None:
        """Delete a file, if its digest is still `before`."""
        path = clean(path)
        await self._in_thread(lambda root: files.delete(root, self._rules, path, before))

    async def run(
        self,
        command: str,
        *,
        timeout_s: float = 30,
        on_output: OnOutput | None = None,
        read_only: bool = False,
    ) -> CommandResult:
        """Run a shell command in the sandbox, in the root folder; it may be kept from writing."""
        if not command.strip() or "\0" in command or len(command) > _LONGEST_COMMAND:
            raise CommandRefused("The command is empty, too long or holds a NUL.", field="command")
        await self._in_thread(lambda root: None)
        return await self._sandbox.run(
            self._root,
            [*_GENTLY, shell(), "-c", command],
            access=Access.READ if read_only else Access.WORK,
            timeout_s=timeout_s,
            on_output=on_output,
            reach=reach_of(self._sandbox.networks.commands, self._layer),
        )

    async def attend(self, terminal: str, on_start: Callable[[], None]) -> Ended:
        """Run a shell in the sandbox at which a human sits, in the root folder, to its end.

        Args:
            terminal: The terminal's place.
            on_start: Told when the shell is let go.
        """
        await self._in_thread(lambda root: None)
        return await self._sandbox.attend(
            self._root,
            [*_GENTLY, *interactive_shell()],
            terminal=terminal,
            on_start=on_start,
            reach=reach_of(self._sandbox.networks.commands, self._layer),
        )

    async def git(self, *arguments: str, remote: str = "") -> CommandResult:
        """Run git in the sandbox, in the root folder.

        Args:
            arguments: The command and its arguments.
            remote: The address of the one remote that this call may reach; empty: none.

        Raises:
            CommandRefused: CodeLab does not run this command.
            RemoteRefused: The remote may not be reached.
        """
        if remote:
            await self._in_thread(lambda root: None)
            return await git_with_remote(self._sandbox, self._root, arguments, remote)
        access = access_of(arguments)
        await self._in_thread(lambda root: None)
        return await self._sandbox.run(
            self._root, git_command(arguments), access=access, timeout_s=_GIT_S
        )

    async def git_bytes(
        self, *arguments: str, most: int, shown: tuple[Path, ...] = ()
    ) -> GitAnswer:
        """Run git in the sandbox and return the bytes that it prints, without its complaints.

        Args:
            arguments: The command and its arguments.
            most: How many bytes are kept.
            shown: Files outside of the project that it may read.

        Raises:
            CommandRefused: CodeLab does not run this command.
        """
        access = access_of(arguments)
        await self._in_thread(lambda root: None)
        capture = Capture(most)
        ended = await self._sandbox.execute(
            self._root,
            ["/bin/sh", "-c", 'exec "$@" 2>/dev/null', "sh", *git_command(arguments)],
            access=access,
            timeout_s=_GIT_S,
            transcript=capture,
            read_only=shown,
        )
        return GitAnswer(exit_code=ended.exit_code, data=capture.data, truncated=capture.truncated)

    def _largest(self) -> int:
        # What people can open they can save.
        is_human = self._rules.audience is Audience.HUMAN
        return LARGEST_READ if is_human else files.LARGEST_WRITE

    def _refuse_masks(self, now: Present | None, content: str, path: str) -> None:
        # People are shown their files as they are; only agents can take a mask for the text.
        if self._rules.audience is Audience.HUMAN:
            return
        if masks := masks_in(content) - masks_in(_shown(now, path)):
            raise MaskWritten(
                f"The content holds {min(masks)}. That is no text of the file: it stands for a "
                "secret that you are not shown, and writing it would destroy the secret. Change "
                "the other lines with edit_file and leave this one as it is.",
                field="content",
            )

    async def _kept(self, path: str) -> Text | None:
        if self._contents is None:
            return None
        # Whether it may be read is asked each time; kept is only what it holds.
        stamp = await self._in_thread(lambda root: files.look(root, self._rules, path))
        return await self._contents.find(str(self._root), stamp, path)

    async def _read(self, path: str) -> Text:
        def work(root: int) -> tuple[Text, bytes, Stamp, bool]:
            data, stamp, settled = files.read(root, self._rules, path)
            return text_of(data, stamp, path), data, stamp, settled

        found, data, stamp, settled = await self._in_thread(work)
        if self._contents and settled:
            await self._contents.keep(str(self._root), stamp, data, found.digest)
        return found

    async def work(self, work: Callable[[int, Rules], T]) -> T:
        """Work on the folder in a thread: with a descriptor of its root, and what rules there."""
        return await self._in_thread(lambda root: work(root, self._rules))

    async def ripgrep(self, arguments: Sequence[str], *, most_output: int) -> Found:
        """Run ripgrep over the folder; its arguments decide what it looks at."""
        await self._in_thread(lambda root: None)
        return await run(self._sandbox, self._root, arguments, most_output=most_output)

    def watcher(self, tell: Callable[[FileChanges], None]) -> Watcher:
        """Make what watches the folder; its caller starts and stops it."""
        return Watcher(self._root, self._rules, tell)

    async def undo(self, work: Callable[[Undoing], T]) -> T:
        """Work on what checkpoints have kept of this folder, in a thread."""
        return await self._in_thread(lambda root: work(Undoing(root, self._rules)))

    def _search_start(self, root: int, path: str) -> str:
        try:
            with opened_folder(root, path) as descriptor:
                real = real_path(root, descriptor, path)
                is_folder = True
        except FileMissing:
            with opened_file(root, path) as descriptor:
                real = real_path(root, descriptor, path)
                is_folder = False
        if real != ROOT:
            self._rules.check(root, real, is_folder=is_folder)
        return f"./{real}" if real != ROOT else "./"

    async def _in_thread(self, work: Callable[[int], T]) -> T:
        def call() -> T:
            with opened_root(self._root) as root:
                return work(root)

        return await asyncio.get_running_loop().run_in_executor(self._threads, call)


def _writable(now: Present | None, path: str) -> Present | None:
    if now and is_read_only(now.mode):
        raise FileReadOnly(
            f"{path} is write-protected. To change it, allow writing to it first.", field="path"
        )
    return now


def _shown(now: Present | None, path: str) -> str:
    """Return a file's text for a diff; of a binary or huge one, a line that says so."""
    if now is None:
        return ""
    summary = f"({{}}, {len(now.data)} bytes, SHA-256 {now.digest})\n"
    if len(now.data) > files.LARGEST_WRITE:
        return summary.format("too large to be shown")
    try:
        return decode(now.data, path)
    except NotText:
        return summary.format("binary")

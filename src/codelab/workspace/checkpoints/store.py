"""Snapshots of a workspace, kept by git in a folder of its own outside of it.

The user's repository is neither read nor touched. What a project's own attributes would do to
contents is switched off, so that a file comes back byte by byte; git runs in the box, where it can
read the project and write its own folder, and nothing else.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import shutil
import stat
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

import msgspec

from codelab.kit.errors import CodeLabError
from codelab.kit.ids import is_id, new_id
from codelab.workspace.box import Access
from codelab.workspace.checkpoints.plan import FileChange, FileState
from codelab.workspace.errors import CheckpointFailed
from codelab.workspace.leftovers import is_older
from codelab.workspace.output import Transcript
from codelab.workspace.paths import opened_file, opened_root
from codelab.workspace.rules import EXCLUDED
from codelab.workspace.sandbox import Sandbox

LARGEST_FILE = 2_000_000

_LONGEST_S = 60.0
_WEEK_S = 7 * 24 * 3600.0
_MOST_BYTES = 1_000_000_000
_MOST_NAMED = 50
_GONE = "0" * 40
_REGULAR, _EXECUTABLE, _LINK = "100644", "100755", "120000"
_PARTS = ("seen", "wanted", "changes", "blob", "refs", "old")
# Contents go in and come out as they are, whatever .gitattributes says.
_ATTRIBUTES = "* -text -eol -ident -filter -working-tree-encoding -diff -merge\n"
_SETTINGS = """[core]
\trepositoryformatversion = 0
\tbare = true
\tfsmonitor = false
\thooksPath = /dev/null
\tautocrlf = false
\tsafecrlf = false
\tfsync = none
\tlogAllRefUpdates = false
[gc]
\tauto = 0
[maintenance]
\tauto = false
"""
# $1 is the folder; each step reads and writes files in it, since names may hold anything.
_LIST = 'git ls-files -z --others --modified --deleted --exclude-standard > "$1/$2.seen"'
_RECORD = (
    'git update-index -z --add --remove --replace --stdin < "$1/$2.wanted" '
    '&& tree=$(git write-tree) && git update-ref "refs/checkpoints/$2" "$tree" '
    '&& echo "$tree"'
)
_COMPARE = 'git diff-tree -r -z --no-renames "$3" "$4" > "$1/$2.changes"'
_CONTENT = 'git cat-file blob "$3" > "$1/$2.blob"'
_FORGET = (
    'git for-each-ref --format="%(refname)" > "$1/$2.refs"; '
    'while read -r ref; do git update-ref -d "$ref"; done < "$1/$2.old"; '
    "git gc --quiet --prune=now"
)


class Snapshot(msgspec.Struct, frozen=True, kw_only=True):
    """A workspace at one moment.

    Args:
        id: Names it in this store.
        tree: git's name of the whole.
        left_out: Files that are too large to be kept, the first fifty.
    """

    id: str
    tree: str
    left_out: tuple[str, ...] = ()


class SnapshotStore:
    """The snapshots of all workspaces.

    Args:
        folder: Where they are kept; on several replicas a folder that all of them see.
        sandbox: Where git runs.
    """

    def __init__(self, folder: Path, sandbox: Sandbox) -> None:
        self._folder = folder
        self._sandbox = sandbox
        self._turns: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def take(self, workspace_id: str, root: Path) -> Snapshot:
        """Keep the workspace as it is now.

        Raises:
            CheckpointFailed: It cannot be kept.
        """
        snapshot_id = new_id()
        async with self._turns[workspace_id]:
            place = await asyncio.to_thread(self._prepared, workspace_id)
            await self._git(root, place, _LIST, snapshot_id)
            left_out = await asyncio.to_thread(_choose, root, place, snapshot_id)
            tree = await self._git(root, place, _RECORD, snapshot_id)
            await asyncio.to_thread(_clear, place, snapshot_id)
        return Snapshot(id=snapshot_id, tree=tree.strip(), left_out=left_out)

    async def changes(
        self, workspace_id: str, root: Path, before: Snapshot, after: Snapshot
    ) -> tuple[FileChange, ...]:
        """Tell what differs between two snapshots."""
        if before.tree == after.tree:
            return ()
        name = new_id()
        place = self._folder / workspace_id
        await self._git(root, place, _COMPARE, name, before.tree, after.tree)
        try:
            return tuple(_read_changes((place / f"{name}.changes").read_bytes()))
        finally:
            _clear(place, name)

    async def content(self, workspace_id: str, root: Path, state: FileState) -> bytes:
        """Return the bytes of a file in a snapshot."""
        name = new_id()
        place = self._folder / workspace_id
        await self._git(root, place, _CONTENT, name, state.blob)
        try:
            return (place / f"{name}.blob").read_bytes()
        finally:
            _clear(place, name)

    async def prune(self, workspace_id: str, root: Path, *, now: float | None = None) -> None:
        """Forget snapshots older than a week; beyond 1 GB, all but the newest half."""
        name = new_id()
        place = self._folder / workspace_id
        if not place.is_dir():
            return
        async with self._turns[workspace_id]:
            moment = time.time() if now is None else now
            await asyncio.to_thread(_choose_old, place, name, moment)
            await self._git(root, place, _FORGET, name)
            await asyncio.to_thread(_clear, place, name)

    async def forget(self, workspace_id: str) -> None:
        """Delete all snapshots of a workspace."""
        async with self._turns[workspace_id]:
            await asyncio.to_thread(shutil.rmtree, self._folder / workspace_id, ignore_errors=True)

    def _prepared(self, workspace_id: str) -> Path:
        place = self._folder / workspace_id
        if (place / "HEAD").exists():
            return place
        try:
            for name in ("objects", "refs", "info"):
                (place / name).mkdir(mode=0o700, parents=True, exist_ok=True)
            (place / "config").write_text(_SETTINGS, "utf-8")
            (place / "info" / "attributes").write_text(_ATTRIBUTES, "utf-8")
            (place / "info" / "exclude").write_text("\n".join(EXCLUDED) + "\n", "utf-8")
            (place / "HEAD").write_text("ref: refs/heads/none\n", "utf-8")
        except OSError as error:
            raise _failed(error.strerror or "the folder cannot be made") from None
        return place

    async def _git(self, root: Path, place: Path, script: str, name: str, *words: str) -> str:
        transcript = Transcript()
        environment = (
            *("GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL=/dev/null", f"GIT_DIR={place}"),
            *(f"GIT_WORK_TREE={root}", f"GIT_INDEX_FILE={place / 'index'}"),
        )
        command = ["env", *environment, "/bin/sh", "-c", script, "sh", str(place), name, *words]
        ended = await self._sandbox.execute(
            root,
            command,
            access=Access.READ,
            timeout_s=_LONGEST_S,
            transcript=transcript,
            writable=(place,),
        )
        if ended.exit_code:
            raise _failed(transcript.text().strip().partition("\n")[0] or ended.stopped)
        return transcript.text()


def state_now(root: int, path: str) -> FileState | None:
    """Name a file's content as git would; none where there is no file.

    Args:
        root: A descriptor of the workspace's root.
        path: The file.
    """
    try:
        with opened_file(root, path) as descriptor:
            status = os.fstat(descriptor)
            digest = hashlib.sha1(b"blob %d\0" % status.st_size, usedforsecurity=False)
            while chunk := os.read(descriptor, 1 << 20):
                digest.update(chunk)
            executable = status.st_mode & stat.S_IXUSR
            return FileState(digest.hexdigest(), _EXECUTABLE if executable else _REGULAR)
    except CodeLabError:
        return None


def _choose(root: Path, place: Path, name: str) -> tuple[str, ...]:
    """Leave large files and what is no file out of what git found to be new or changed."""
    seen = (place / f"{name}.seen").read_bytes().split(b"\0")
    wanted: list[bytes] = []
    left_out: list[str] = []
    with opened_root(root) as descriptor:
        for path in dict.fromkeys(seen):
            if not path or path.endswith(b"/"):
                continue  # A repository within the project has a history of its own.
            try:
                status = os.stat(path, dir_fd=descriptor, follow_symlinks=False)
            except OSError:
                wanted.append(path)
                continue
            if stat.S_ISLNK(status.st_mode) or status.st_size <= LARGEST_FILE:
                wanted.append(path)
            else:
                left_out.append(os.fsdecode(path))
    (place / f"{name}.wanted").write_bytes(b"\0".join([*wanted, b""]))
    return tuple(left_out[:_MOST_NAMED])


def _read_changes(text: bytes) -> Iterator[FileChange]:
    fields = iter(text.split(b"\0"))
    for head in fields:
        if not head.startswith(b":"):
            continue
        old_mode, new_mode, old, new, _ = head[1:].decode("ascii").split(" ")
        yield FileChange(
            path=os.fsdecode(next(fields)),
            before=None if old == _GONE else FileState(old, old_mode),
            after=None if new == _GONE else FileState(new, new_mode),
        )


def _choose_old(place: Path, name: str, now: float) -> None:
    refs = sorted(path.name for path in (place / "refs" / "checkpoints").glob("*"))
    packed = place / "packed-refs"
    if packed.exists():
        words = packed.read_text("utf-8").split()
        refs = sorted({*refs, *(ref.rpartition("/")[2] for ref in words if "/" in ref)})
    refs = [ref for ref in refs if is_id(ref)]
    old = [ref for ref in refs if is_older(ref, _WEEK_S, now)]
    if _size_of(place) > _MOST_BYTES:
        old = refs[: len(refs) // 2]
    lines = "".join(f"refs/checkpoints/{ref}\n" for ref in old)
    (place / f"{name}.old").write_text(lines, "utf-8")


def _size_of(place: Path) -> int:
    total = 0
    for folder, _, files in os.walk(place):
        for file in files:
            with suppress(OSError):
                total += Path(folder, file).lstat().st_size
    return total


def _clear(place: Path, name: str) -> None:
    for path in _files_of(place, name):
        path.unlink(missing_ok=True)


def _files_of(place: Path, name: str) -> Iterable[Path]:
    return [place / f"{name}.{part}" for part in _PARTS]


def _failed(reason: str) -> CheckpointFailed:
    return CheckpointFailed(f"The project's state could not be kept: {reason}.")

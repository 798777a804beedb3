"""Snapshots of a workspace, kept by git in a folder of its own outside of it.

The user's repository is neither read nor touched. What a project's own attributes would do to
contents is switched off, so that a file comes back byte by byte; git runs in the box, where it can
read the project and write its own folder, and nothing else.
"""

from __future__ import annotations

import asyncio
import os
import shutil
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import msgspec

from codelab.kit.ids import is_id, new_id
from codelab.workspace.checkpoints.keeping import Keeping
from codelab.workspace.checkpoints.locking import locked
from codelab.workspace.checkpoints.plan import FileChange
from codelab.workspace.checkpoints.taking import Taking, clear, failed
from codelab.workspace.rules import EXCLUDED
from codelab.workspace.sandbox.box import Access
from codelab.workspace.sandbox.output import Transcript
from codelab.workspace.sandbox.sandbox import Sandbox

_LONGEST_S = 60.0
# Nobody waits for it; who comes meanwhile is told that it is not the time.
_LONGEST_COLLECTING_S = 300.0
# Nothing that git itself would say.
_MARK = "[codelab: listed]"
_PARTS_OF_REF = 4
_WORDS_OF_HEAD = 3
_MB = 1_000_000
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
\tcompression = 1
\tlogAllRefUpdates = false
[gc]
\tauto = 0
[pack]
\twindow = 5
[maintenance]
\tauto = false
"""
# $1 is the folder and $2 names its files, since names in the project may hold anything. Between
# listing and recording the server, which shares the folder, looks at the files: one box does all.
_LIST = (
    f'git ls-files -z --others --modified --deleted --exclude-standard > "$1/$2.seen" '
    f'&& echo "{_MARK}" && read -r go < "$1/$2.go" && [ "$go" = go ] && '
)
# Many contents at once go into one file, which is faster by far than one for each.
_RECORD = (
    '{ [ ! -e "$1/$2.many" ] || many="-c core.bigFileThreshold=1"; } && '
    '{ [ ! -s "$1/$2.gone" ] || git update-index -z --index-info < "$1/$2.gone"; } '
    '&& { [ ! -s "$1/$2.wanted" ] '
    '|| git $many update-index -z --add --remove --replace --stdin < "$1/$2.wanted"; } '
    "&& tree=$(git write-tree) "
    '&& { [ -z "$3" ] || git diff-tree -r -z --no-renames "$3" "$tree" > "$1/$2.changes"; } '
    '&& echo "tree $tree"'
)
_CONTENTS = 'git cat-file --batch < "$1/$2.wanted" > "$1/$2.blobs"'
_COLLECT = "git gc --quiet --prune=now"


class Snapshot(msgspec.Struct, frozen=True, kw_only=True):
    """A workspace at one moment.

    Args:
        id: Names it in this store.
        tree: git's name of the whole.
        left_out: What is not kept of it.
        changes: What differs from the snapshot that it was compared with.
        size: How many bytes were new or changed.
    """

    id: str
    tree: str
    left_out: tuple[str, ...] = ()
    changes: tuple[FileChange, ...] = ()
    size: int = 0


class SnapshotStore:
    """The snapshots of all workspaces, sorted by the sessions that they are for.

    Args:
        folder: Where they are kept; on several replicas a folder that all of them see.
        sandbox: Where git runs.
        keeping: How much is kept.
    """

    def __init__(self, folder: Path, sandbox: Sandbox, keeping: Keeping) -> None:
        self.folder = folder
        self.keeping = keeping
        # Set when so much has come in that nobody should wait for the next time of pruning.
        self.crowded = asyncio.Event()
        self._added: Counter[str] = Counter()
        self._sandbox = sandbox

    async def take(
        self,
        workspace_id: str,
        root: Path,
        session_id: str,
        *,
        paths: Sequence[str] | None = None,
        since: str = "",
    ) -> Snapshot:
        """Keep the workspace as it is now.

        Args:
            workspace_id: The workspace.
            root: Its folder.
            session_id: For whom; with the session it is forgotten.
            paths: The only files that may have changed, where they lie; none: look at all.
            since: A tree, or a snapshot's name from `name_of`, whose differences are wanted.

        Raises:
            CheckpointFailed: It cannot be kept.
            SandboxUnavailable: Nothing here can keep git in a box.
        """
        name = new_id()
        async with self.opened(workspace_id) as place:
            await asyncio.to_thread(self._ensure_room, place)
            taking = Taking(root, place, name, self.keeping.workspace_mb)
            try:
                tree = await self._record(taking, root, place, name, paths, since)
                changes = await asyncio.to_thread(taking.finish, session_id, tree)
            finally:
                await asyncio.to_thread(taking.close)
        self._count(workspace_id, taking.chosen.size)
        return Snapshot(
            id=name,
            tree=tree,
            left_out=taking.chosen.left_out,
            changes=changes,
            size=taking.chosen.size,
        )

    async def contents(
        self, workspace_id: str, root: Path, blobs: Sequence[str]
    ) -> dict[str, bytes]:
        """Return the bytes of files in snapshots, by git's names; none of what is forgotten."""
        name = new_id()
        place = self.folder / workspace_id
        wanted = list(dict.fromkeys(blobs))
        if not wanted or not await asyncio.to_thread(place.is_dir):
            return {}
        try:
            lines = "".join(f"{blob}\n" for blob in wanted)
            await asyncio.to_thread((place / f"{name}.wanted").write_text, lines, "ascii")
            await self.git(root, place, _CONTENTS, name)
            return await asyncio.to_thread(_read_blobs, place / f"{name}.blobs")
        except OSError as error:
            raise failed(error.strerror or "the folder cannot be written") from None
        finally:
            await asyncio.to_thread(clear, place, name)

    async def known(self, workspace_id: str, session_id: str) -> frozenset[str]:
        """Return the snapshots that are kept for a session."""
        refs = await asyncio.to_thread(refs_of, self.folder / workspace_id)
        return frozenset(name for session, name in refs if session == session_id)

    async def collect(self, place: Path) -> None:
        """Give back the room of what no snapshot needs; whoever calls has the folder to himself."""
        # Some folder has to stand for the project, and must not keep git from its own.
        await self.git(place / "info", place, _COLLECT, new_id(), timeout_s=_LONGEST_COLLECTING_S)

    async def forget(self, workspace_id: str) -> None:
        """Delete all snapshots of a workspace."""
        if await asyncio.to_thread((self.folder / workspace_id).is_dir):
            async with self.opened(workspace_id) as place:
                await asyncio.to_thread(shutil.rmtree, place, ignore_errors=True)

    @asynccontextmanager
    async def opened(self, workspace_id: str) -> AsyncIterator[Path]:
        """Have a workspace's folder to oneself, among all replicas.

        Raises:
            CheckpointFailed: It cannot be made, or somebody else does not let go of it.
        """
        place = self.folder / workspace_id
        try:
            await asyncio.to_thread(self.folder.mkdir, mode=0o700, parents=True, exist_ok=True)
            # A few locks for all: one of its own for each would outlive its workspace.
            async with locked(self.folder / f"lock-{workspace_id[-2:]}"):
                await asyncio.to_thread(_prepare, place)
                yield place
        except OSError as error:
            raise failed(error.strerror or "its folder cannot be written") from None

    async def git(
        self,
        root: Path,
        place: Path,
        script: str,
        name: str,
        *words: str,
        transcript: Transcript | None = None,
        timeout_s: float = _LONGEST_S,
    ) -> str:
        """Run git commands in the box; return what they print.

        Raises:
            CheckpointFailed: One of them failed.
        """
        transcript = transcript or Transcript()
        environment = (
            *("GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL=/dev/null", f"GIT_DIR={place}"),
            *(f"GIT_WORK_TREE={root}", f"GIT_INDEX_FILE={place / 'index'}"),
        )
        command = ["env", *environment, "/bin/sh", "-c", script, "sh", str(place), name, *words]
        ended = await self._sandbox.execute(
            root,
            command,
            access=Access.READ,
            timeout_s=timeout_s,
            transcript=transcript,
            writable=(place,),
        )
        if ended.exit_code:
            raise failed(_complaint(transcript.text()) or ended.stopped or "git failed")
        return transcript.text()

    async def _record(
        self,
        taking: Taking,
        root: Path,
        place: Path,
        name: str,
        paths: Sequence[str] | None,
        since: str,
    ) -> str:
        if paths is not None:
            await asyncio.to_thread(taking.choose, [os.fsencode(path) for path in paths])
            told = await self.git(root, place, _RECORD, name, since)
        else:
            taking.open()
            told = await self._look_and_record(taking, root, place, name, since)
        return told.rpartition("tree ")[2].strip()

    async def _look_and_record(
        self, taking: Taking, root: Path, place: Path, name: str, since: str
    ) -> str:
        heard: list[str] = []
        choosing: list[asyncio.Future[None]] = []
        loop = asyncio.get_running_loop()

        def listen(text: str) -> None:
            heard.append(text)
            if not choosing and _MARK in "".join(heard):
                choosing.append(loop.run_in_executor(None, taking.choose_seen))

        transcript = Transcript(listen)
        try:
            return await self.git(root, place, _LIST + _RECORD, name, since, transcript=transcript)
        finally:
            # Why nothing could be chosen says more than git, which waited for it in vain.
            await asyncio.gather(*choosing)

    def _count(self, workspace_id: str, size: int) -> None:
        self._added[workspace_id] += size
        if self._added[workspace_id] > self.keeping.workspace_mb * _MB // 2:
            del self._added[workspace_id]
            self.crowded.set()

    def _ensure_room(self, place: Path) -> None:
        disk = os.statvfs(place)
        if disk.f_bavail * disk.f_frsize < self.keeping.spare_mb * _MB:
            raise failed(f"less than {self.keeping.spare_mb} MB of the disk are free")


def _prepare(place: Path) -> None:
    # Nobody else is here: what a killed git has left is nobody's.
    with suppress(FileNotFoundError):
        for left in (*place.glob("*.lock"), place / "gc.pid"):
            left.unlink(missing_ok=True)
    if (place / "HEAD").exists():
        return
    for name in ("objects", "refs", "info"):
        (place / name).mkdir(mode=0o700, parents=True, exist_ok=True)
    (place / "config").write_text(_SETTINGS, "utf-8")
    (place / "info" / "attributes").write_text(_ATTRIBUTES, "utf-8")
    (place / "info" / "exclude").write_text("\n".join(EXCLUDED) + "\n", "utf-8")
    # Last, and whole or not at all: where it is, all of it is.
    (place / "HEAD.new").write_text("ref: refs/heads/none\n", "utf-8")
    (place / "HEAD.new").replace(place / "HEAD")


def refs_of(place: Path) -> list[tuple[str, str]]:
    """Return the session and the name of each snapshot in a folder, the oldest first."""
    folder = place / "refs" / "checkpoints"
    found = {(path.parent.name, path.name) for path in folder.glob("*/*")}
    with suppress(OSError):
        for line in (place / "packed-refs").read_text("utf-8").splitlines():
            parts = line.partition(" ")[2].split("/")
            if len(parts) == _PARTS_OF_REF and parts[:2] == ["refs", "checkpoints"]:
                found.add((parts[2], parts[3]))
    return sorted((one for one in found if is_id(one[1])), key=lambda one: one[1])


def name_of(session_id: str, snapshot_id: str) -> str:
    """Name a snapshot to git."""
    return f"refs/checkpoints/{session_id}/{snapshot_id}"


def _read_blobs(file: Path) -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    with file.open("rb") as lines:
        while head := lines.readline():
            words = head.split()
            if len(words) == _WORDS_OF_HEAD and words[1] == b"blob":
                found[words[0].decode("ascii")] = lines.read(int(words[2]))
                lines.readline()
    return found


def _complaint(text: str) -> str:
    lines = (line.strip() for line in text.splitlines())
    return next((line for line in lines if line and line != _MARK), "")

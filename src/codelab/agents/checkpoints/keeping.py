"""Keeps what projects were before and after a call, and knows who else works in them."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path

import msgspec

from codelab.kit.bus import Bus
from codelab.kit.errors import CodeLabError
from codelab.sessions.events import ChangedFile, CheckpointTaken, FileVersion
from codelab.workspace.api import (
    FileChange,
    FileState,
    Snapshot,
    SnapshotStore,
    missing_folders,
    name_of,
    real_paths,
)
from codelab.workspace.errors import CheckpointFailed
from codelab.workspace.events import FileDeleted, FileWritten

# A call that changes more than this is no piece of work that somebody wants to look through.
MOST_CHANGES = 5000
_MOST_NAMED = 50
_IGNORES = ".gitignore"


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """What happened to the files of a project while somebody had it watched."""

    snapshot_id: str
    base_id: str
    changes: tuple[ChangedFile, ...]
    folders: tuple[str, ...]
    left_out: tuple[str, ...]


class Watch:
    """A project while one call, or one way back, changes it.

    Args:
        workspace_id: The project.
        root: Its folder.
        session_id: Whose call it is.
        paths: The only files that it changes; none: it may be any.
        folders: The folders on the way to them that are missing.
    """

    def __init__(
        self,
        workspace_id: str,
        root: Path,
        session_id: str,
        paths: tuple[str, ...] | None,
        folders: tuple[str, ...],
    ) -> None:
        self.workspace_id = workspace_id
        self.root = root
        self.session_id = session_id
        self.paths = paths
        self.folders = folders
        # What there was; known as soon as it is kept.
        self.before = Snapshot(id="", tree="")
        # What others have changed meanwhile, and whether they may have changed anything.
        self.touched: set[str] = set()
        self.is_shared = False

    def meet(self, other: Watch) -> None:
        """Take note of somebody else who changes the project at the same time."""
        if other.paths is not None:
            self.touched.update(other.paths)
        elif self.paths is None:
            self.is_shared = True


class Keeper:
    """Takes snapshots around whatever changes a project.

    Args:
        snapshots: Where they are kept.
        bus: Tells what people save meanwhile.
    """

    def __init__(self, snapshots: SnapshotStore, bus: Bus) -> None:
        self.snapshots = snapshots
        self._watches: defaultdict[str, list[Watch]] = defaultdict(list)
        bus.subscribe(FileWritten, self._on_saved)
        bus.subscribe(FileDeleted, self._on_saved)

    async def begin(
        self,
        workspace_id: str,
        root: Path,
        session_id: str,
        paths: Sequence[str] = (),
        *,
        whole: bool = False,
    ) -> Watch:
        """Keep what there is before something is changed.

        Args:
            workspace_id: The project.
            root: Its folder.
            session_id: Whose change it is.
            paths: The files that it is about, if that is known.
            whole: Whether all of the project is kept, whatever it is about.

        Raises:
            CodeLabError: It cannot be kept.
        """
        real = await asyncio.to_thread(real_paths, root, paths)
        folders = await asyncio.to_thread(missing_folders, root, real or ())
        watch = Watch(workspace_id, root, session_id, real, folders)
        # From here on: what is saved while the snapshot is taken may be in it, or not.
        self._add(watch)
        try:
            looked_at = None if whole else real
            watch.before = await self.snapshots.take(
                workspace_id, root, session_id, paths=looked_at
            )
        except BaseException:
            self.drop(watch)
            raise
        return watch

    async def finish(self, watch: Watch) -> Kept:
        """Keep what there is afterwards, and find out what changed.

        Raises:
            CodeLabError: It cannot be kept.
        """
        try:
            after = await self.snapshots.take(
                watch.workspace_id,
                watch.root,
                watch.session_id,
                paths=watch.paths,
                since=watch.before.tree,
            )
        finally:
            self.drop(watch)
        watch.touched |= await asyncio.to_thread(_behind_links, watch.root, tuple(watch.touched))
        changes = _own(watch, after)
        self.touch(watch.workspace_id, [change.path for change in changes])
        if len(changes) > MOST_CHANGES:
            raise CheckpointFailed(
                f"The project's state could not be kept: {len(changes)} files have changed at once."
            )
        known = frozenset(watch.before.left_out)
        return Kept(
            snapshot_id=after.id,
            base_id=watch.before.id,
            changes=changes,
            folders=watch.folders,
            left_out=named(name for name in after.left_out if name not in known),
        )

    def _add(self, watch: Watch) -> None:
        others = self._watches[watch.workspace_id]
        for other in others:
            other.meet(watch)
            watch.meet(other)
        others.append(watch)

    def drop(self, watch: Watch) -> None:
        """Watch no more."""
        watches = self._watches.get(watch.workspace_id, [])
        if watch in watches:
            watches.remove(watch)
        if not watches:
            self._watches.pop(watch.workspace_id, None)

    async def since(
        self, workspace_id: str, root: Path, session_id: str, earlier: Sequence[CheckpointTaken]
    ) -> Kept:
        """Find out what changed since the last of these checkpoints, whoever has done it.

        Raises:
            CodeLabError: It cannot be kept.
        """
        base_id = earlier[-1].checkpoint_id
        since = name_of(session_id, base_id)
        after = await self.snapshots.take(workspace_id, root, session_id, since=since)
        unsure = {*after.left_out, *(name for one in earlier for name in one.left_out)}
        changes = [
            recorded(change, shared=True) for change in after.changes if change.path not in unsure
        ]
        return Kept(
            snapshot_id=after.id,
            base_id=base_id,
            changes=tuple(changes[:MOST_CHANGES]),
            folders=(),
            left_out=(),
        )

    def touch(self, workspace_id: str, paths: Iterable[str]) -> None:
        """Take note that somebody else than the watched calls changes files."""
        for watch in self._watches.get(workspace_id, ()):
            watch.touched.update(paths)

    def _on_saved(self, event: FileWritten | FileDeleted) -> None:
        self.touch(event.workspace_id, (event.path,))


def _own(watch: Watch, after: Snapshot) -> tuple[ChangedFile, ...]:
    """Return what changed, and mark what may be somebody else's."""
    unsure = {*watch.before.left_out, *after.left_out}
    repositories = tuple(name for name in watch.before.left_out if name.endswith("/"))
    # What a changed list of ignored files brings to light may have been there before, and so may
    # what lies where a repository within the project was.
    shows_more = any(change.path.rpartition("/")[2] == _IGNORES for change in after.changes)
    found = []
    for change in after.changes:
        if change.path in unsure or (watch.paths is not None and change.path not in watch.paths):
            continue
        comes_to_light = change.before is None and (
            (shows_more and watch.paths is None) or change.path.startswith(repositories)
        )
        is_shared = watch.is_shared or change.path in watch.touched or comes_to_light
        found.append(recorded(change, shared=is_shared))
    return tuple(found)


def _behind_links(root: Path, paths: Iterable[str]) -> set[str]:
    """Return where files really lie that somebody named by way of a link."""
    return {real for path in paths for real in real_paths(root, (path,)) or ()}


def named(names: Iterable[str]) -> tuple[str, ...]:
    """Return the first of many names."""
    return tuple(names)[:_MOST_NAMED]


def recorded(change: FileChange, *, shared: bool) -> ChangedFile:
    """Return a change as the log has it."""
    return ChangedFile(
        path=change.path,
        before=_version(change.before),
        after=_version(change.after),
        shared=shared,
    )


def remembered(change: ChangedFile) -> FileChange:
    """Return a change as plans have it."""
    return FileChange(
        path=change.path,
        before=_state(change.before),
        after=_state(change.after),
        shared=change.shared,
    )


def reason_of(error: Exception) -> str:
    """Say to the user why something could not be kept."""
    return error.message if isinstance(error, CodeLabError) else "The disk cannot be written."


def _version(state: FileState | None) -> FileVersion | None:
    return None if state is None else FileVersion(state.blob, state.mode)


def _state(version: FileVersion | None) -> FileState | None:
    return None if version is None else FileState(version.blob, version.mode)

"""Changes of files to those who look at them, for as long as they may."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Protocol

import msgspec
import structlog

from codelab.auth.api import Principal
from codelab.gateway import frame_data
from codelab.gateway import server_frames as frames
from codelab.gateway.encoding import encode
from codelab.kit.bus import Bus
from codelab.kit.errors import CodeLabError, InvalidInput, NotFound
from codelab.kit.relay import MemoryRelay, Relay
from codelab.sessions.api import Sessions
from codelab.tools.events import ToolExecuted
from codelab.workspace.api import FileChanges, Watch, Workspaces
from codelab.workspace.events import (
    FileDeleted,
    FileMoved,
    FileWritten,
    FolderCreated,
    FolderDeleted,
    WorkspaceDeleted,
    WorkspaceEvent,
)

MOST_WATCHED = 10

# So long a right that was checked is believed.
_CHECKED_S = 5.0
_EVERYTHING = FileChanges(more=True)
_log = structlog.get_logger(__name__)
_copies = msgspec.msgpack.Encoder()
_copied = msgspec.msgpack.Decoder(FileChanges)


class Viewer(Protocol):
    """A client that looks at files."""

    principal: Principal

    def send(self, frame: str) -> None:
        """Take a frame."""


class _Room:
    """Those who look at one workspace from here."""

    def __init__(self, workspace_id: str, hand_out: Callable[[_Room], None]) -> None:
        self.workspace_id = workspace_id
        self.channel = f"files:{workspace_id}"
        self.viewers: dict[Viewer, float] = {}
        self.waiting: list[FileChanges] = []
        self.task: asyncio.Task[None] | None = None
        self.watcher: Watch | None = None
        self.last = FileChanges()
        self._hand_out = hand_out

    def hear(self, changes: FileChanges) -> None:
        """Take changes, in the event loop."""
        if not changes.watching or (not changes.paths and not changes.more and not changes.git):
            self.last = changes
        self.waiting.append(changes)
        self._hand_out(self)

    def receive(self, payload: bytes) -> None:
        """Take changes that another replica made."""
        self.hear(_copied.decode(payload))


class FileWatches:
    """Watches the files of the workspaces that somebody here looks at, and of no others.

    Args:
        bus: Tells what this replica itself changes.
        relay: The way to the other replicas, whose machines' changes the kernel here never sees.
        workspaces: Says who may look, and watches.
        sessions: Says in which workspace a tool has run.
        changes_files: Tells whether a tool of this name may change files.
    """

    def __init__(
        self,
        bus: Bus,
        relay: Relay,
        workspaces: Workspaces,
        sessions: Sessions,
        changes_files: Callable[[str], bool] = lambda tool: True,
    ) -> None:
        self._relay = relay
        self._is_alone = isinstance(relay, MemoryRelay)
        self._workspaces = workspaces
        self._sessions = sessions
        self._changes_files = changes_files
        self._rooms: dict[str, _Room] = {}
        bus.subscribe(WorkspaceEvent, self._on_own_change)
        bus.subscribe_queue(ToolExecuted, self._on_tool)

    async def watch(self, viewer: Viewer, workspace_id: str) -> None:
        """Begin to tell somebody of changes; the first frame says whether changes are told.

        Raises:
            NotFound: The workspace is not theirs.
            InvalidInput: They look at too many already.
        """
        await self._workspaces.get(viewer.principal, workspace_id)
        if sum(viewer in room.viewers for room in self._rooms.values()) >= MOST_WATCHED:
            raise InvalidInput(
                f"One connection watches the files of at most {MOST_WATCHED} workspaces.",
                field="workspace_id",
            )
        room = self._rooms.get(workspace_id)
        if room is not None:
            room.viewers[viewer] = time.monotonic()
            viewer.send(_frame(workspace_id, room.last))
            return
        room = self._rooms[workspace_id] = _Room(workspace_id, self._wake)
        room.viewers[viewer] = time.monotonic()
        self._relay.subscribe(room.channel, room.receive)
        loop = asyncio.get_running_loop()

        def tell(changes: FileChanges) -> None:
            loop.call_soon_threadsafe(room.hear, changes)

        try:
            watcher = await self._workspaces.watch(workspace_id, tell)
        except BaseException:
            self.unwatch(viewer, workspace_id)
            raise
        if self._rooms.get(workspace_id) is room:
            room.watcher = watcher
            watcher.start()

    def unwatch(self, viewer: Viewer, workspace_id: str) -> None:
        """Tell somebody no more of a workspace; with the last one, watching ends."""
        room = self._rooms.get(workspace_id)
        if room is None or viewer not in room.viewers:
            return
        del room.viewers[viewer]
        if not room.viewers:
            del self._rooms[workspace_id]
            self._relay.unsubscribe(room.channel, room.receive)
            if room.watcher is not None:
                room.watcher.stop()

    def end(self, viewer: Viewer) -> None:
        """Tell somebody no more of anything."""
        for workspace_id in tuple(self._rooms):
            self.unwatch(viewer, workspace_id)

    async def close(self) -> None:
        """Stop watching."""
        rooms, self._rooms = tuple(self._rooms.values()), {}
        for room in rooms:
            if room.watcher is not None:
                room.watcher.stop()
                await asyncio.to_thread(room.watcher.join)
            if room.task is not None:
                room.task.cancel()
                await asyncio.gather(room.task, return_exceptions=True)

    def _on_own_change(self, event: WorkspaceEvent) -> None:
        changes = _told_by(event)
        if changes is None:
            return
        room = self._rooms.get(event.workspace_id)
        if room is not None:
            if isinstance(event, WorkspaceDeleted):
                room.viewers = dict.fromkeys(room.viewers, 0.0)
                room.hear(changes)
            elif not room.last.watching:
                room.hear(changes)
        self._publish(event.workspace_id, changes)

    async def _on_tool(self, event: ToolExecuted) -> None:
        needs_telling = not self._is_alone or any(
            not room.last.watching for room in self._rooms.values()
        )
        if not needs_telling or not self._changes_files(event.tool):
            return
        owner = Principal(user_id=event.user_id, name="")
        workspace_id = (await self._sessions.get(owner, event.session_id)).workspace_id
        room = self._rooms.get(workspace_id)
        if room is not None and not room.last.watching:
            room.hear(_EVERYTHING)
        self._publish(workspace_id, _EVERYTHING)

    def _publish(self, workspace_id: str, changes: FileChanges) -> None:
        if not self._is_alone:
            self._relay.publish(f"files:{workspace_id}", _copies.encode(changes))

    def _wake(self, room: _Room) -> None:
        if room.task is None or room.task.done():
            room.task = asyncio.create_task(self._hand_out(room))

    async def _hand_out(self, room: _Room) -> None:
        while room.waiting:
            batch, room.waiting = room.waiting, []
            for viewer in tuple(room.viewers):
                if not await self._may_look(viewer, room):
                    lost = FileChanges(
                        watching=False, reason="You may not open this workspace any more."
                    )
                    viewer.send(_frame(room.workspace_id, lost))
                    self.unwatch(viewer, room.workspace_id)
                    continue
                for changes in batch:
                    viewer.send(_frame(room.workspace_id, changes))

    async def _may_look(self, viewer: Viewer, room: _Room) -> bool:
        if time.monotonic() - room.viewers.get(viewer, 0.0) < _CHECKED_S:
            return True
        try:
            await self._workspaces.get(viewer.principal, room.workspace_id)
        except NotFound:
            return False
        except CodeLabError as error:
            # A database that is away for a moment is no reason to tell nobody anything any more.
            _log.warning("viewer_check_failed", code=error.code)
            return True
        if viewer in room.viewers:
            room.viewers[viewer] = time.monotonic()
        return viewer in room.viewers


def _told_by(event: WorkspaceEvent) -> FileChanges | None:
    match event:
        case FileWritten(path=path) | FileDeleted(path=path) | FolderCreated(path=path):
            return FileChanges(paths=(path,), folders=(_above(path),))
        case FolderDeleted(path=path):
            return FileChanges(paths=(path,), folders=(_above(path),))
        case FileMoved(path=path, old_path=old):
            return FileChanges(paths=(old, path), folders=(_above(old), _above(path)))
        case WorkspaceDeleted():
            return _EVERYTHING
        case _:
            return None


def _above(path: str) -> str:
    return path.rpartition("/")[0] or "."


def _frame(workspace_id: str, changes: FileChanges) -> str:
    data = frame_data.FilesChangedData(
        workspace_id=workspace_id,
        paths=changes.paths,
        folders=changes.folders,
        more=changes.more,
        git=changes.git,
        watching=changes.watching,
        reason=changes.reason,
    )
    return encode(frames.FilesChanged(data=data))

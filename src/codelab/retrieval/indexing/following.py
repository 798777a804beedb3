"""Follows the workspaces that are in use, so that each one's index is what the workspace is."""

from __future__ import annotations

import asyncio
import shutil
import time
from collections.abc import Iterable

from codelab.kit.bus import Bus
from codelab.retrieval.errors import IndexOff
from codelab.retrieval.indexing.followed import Followed, OnChange, Standing
from codelab.retrieval.indexing.frames import Forget, Place, Progress
from codelab.retrieval.indexing.supervisor import Supervisor
from codelab.retrieval.settings import OFF, IndexingSettings
from codelab.workspace.api import Workspaces
from codelab.workspace.events import (
    FileDeleted,
    FileMoved,
    FileWritten,
    FolderDeleted,
    RepositoryChanged,
    WorkspaceDeleted,
    WorkspaceEvent,
)

_LOOKED_ROUND_S = 15.0
_NONE_MADE = "No index is made on this server (CODELAB_INDEX_ENGINE is off)."


class Following:
    """Keeps indexes up to date in the background, as long as somebody uses their workspaces.

    Args:
        workspaces: Opens and watches them.
        bus: Tells what people change.
        settings: Where indexes are, and how often they are compared.
        on_change: Told of a workspace whose index has changed, in the event loop, and of which
            paths; None: of any.
    """

    def __init__(
        self,
        workspaces: Workspaces,
        bus: Bus,
        settings: IndexingSettings,
        on_change: OnChange = lambda workspace_id, paths: None,
    ) -> None:
        self._workspaces = workspaces
        self._settings = settings
        self._on_change = on_change
        self.is_off = settings.engine == OFF
        engine = "fts5" if settings.engine == OFF else settings.engine
        # Where no index is made, nobody asks it for anything, and it starts nothing.
        self._supervisor = Supervisor(
            engine, str(settings.folder), settings.allowed_hidden, self._progress
        )
        self._followed: dict[str, Followed] = {}
        self._leaving: set[asyncio.Task[None]] = set()
        self._rounds: asyncio.Task[None] | None = None
        bus.subscribe(WorkspaceEvent, self._hear)

    async def start(self) -> None:
        """Begin to let workspaces rest that nobody uses any more."""
        self._rounds = asyncio.create_task(self._go_round())

    async def close(self) -> None:
        """Follow nothing any more, and end the worker."""
        if self._rounds is not None:
            self._rounds.cancel()
            await asyncio.gather(self._rounds, return_exceptions=True)
        await asyncio.gather(*self._leaving, return_exceptions=True)
        followed, self._followed = [*self._followed.values()], {}
        await asyncio.gather(*(one.close() for one in followed))
        await self._supervisor.close()

    def open(self, workspace_id: str) -> None:
        """Say that a workspace is in use; its index is made, or compared, in the background."""
        if self.is_off:
            return
        followed = self._followed.get(workspace_id)
        if followed is None:
            followed = Followed(
                workspace_id,
                str(self._settings.folder / workspace_id),
                self._workspaces,
                self._supervisor,
                self._settings,
                self._on_change,
            )
            self._followed[workspace_id] = followed
            followed.start()
        followed.used_at = time.monotonic()

    def changed(self, workspace_id: str, paths: Iterable[str]) -> None:
        """Have paths looked at, if the workspace is followed; without any, all of it."""
        if followed := self._followed.get(workspace_id):
            followed.changed(paths)

    def lost(self, workspace_id: str) -> None:
        """Have an index made anew that was whole, and cannot be read any more."""
        followed = self._followed.get(workspace_id)
        if followed and followed.standing.phase == "ready":
            followed.lost()

    async def settled(self, workspace_id: str) -> None:
        """Wait a moment for the index to know what was told before."""
        if followed := self._followed.get(workspace_id):
            await followed.settled()

    async def rebuild(self, workspace_id: str) -> None:
        """Make an index anew; returns once it is whole.

        Raises:
            CodeLabError: It cannot be made.
        """
        await self._opened(workspace_id).refresh(rebuild=True)

    async def refresh(self, workspace_id: str) -> None:
        """Compare an index with its workspace; returns once it is whole.

        Raises:
            CodeLabError: It cannot be made.
        """
        await self._opened(workspace_id).refresh()

    @property
    def worker_id(self) -> int | None:
        """The number of the process that writes indexes, while there is one."""
        return self._supervisor.process_id

    def standing(self, workspace_id: str) -> Standing:
        """Tell how far an index is."""
        if self.is_off:
            return Standing(phase="off", note=_NONE_MADE)
        followed = self._followed.get(workspace_id)
        return followed.standing if followed else Standing()

    def standings(self) -> dict[str, tuple[Standing, int]]:
        """Tell how far all indexes are, each with the number of paths that wait."""
        return {one: (each.standing, each.waiting) for one, each in self._followed.items()}

    def require(self) -> None:
        """Refuse where no index is made.

        Raises:
            IndexOff: This server makes none.
        """
        if self.is_off:
            raise IndexOff(_NONE_MADE)

    def _opened(self, workspace_id: str) -> Followed:
        self.require()
        self.open(workspace_id)
        return self._followed[workspace_id]

    def _progress(self, progress: Progress) -> None:
        if followed := self._followed.get(progress.workspace_id):
            followed.progress(progress)

    def _hear(self, event: WorkspaceEvent) -> None:
        followed = self._followed.get(event.workspace_id)
        match event:
            case WorkspaceDeleted(workspace_id=workspace_id):
                self._followed.pop(workspace_id, None)
                leaving = asyncio.create_task(self._forget(workspace_id, followed))
                self._leaving.add(leaving)
                leaving.add_done_callback(self._leaving.discard)
            case _ if followed is None:
                return
            case FileWritten(path=path) | FileDeleted(path=path) | FolderDeleted(path=path):
                followed.changed((path,))
            case FileMoved(path=path, old_path=old):
                followed.changed((old, path))
            case RepositoryChanged():
                followed.changed(())

    async def _forget(self, workspace_id: str, followed: Followed | None) -> None:
        if followed is not None:
            await followed.close()
        folder = self._settings.folder / workspace_id
        if self.is_off:
            # One may be left from a time when they were made.
            await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)
            return
        # Nobody opens it any more, so its own folder is not asked for.
        place = Place(workspace_id, "", str(folder))
        await self._supervisor.ask(Forget(place=place))

    async def _go_round(self) -> None:
        while True:
            await asyncio.sleep(min(_LOOKED_ROUND_S, self._settings.rest_s))
            before = time.monotonic() - self._settings.rest_s
            unused = [
                workspace_id
                for workspace_id, one in self._followed.items()
                if one.used_at < before and one.standing.phase not in ("unknown", "comparing")
            ]
            for workspace_id in unused:
                followed = self._followed.pop(workspace_id)
                await followed.rest()
            if unused and not self._followed:
                await self._supervisor.rest()

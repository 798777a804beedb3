"""Looks after what checkpoints keep: forgets what is old, too much, or of what is deleted."""

from __future__ import annotations

import asyncio
from contextlib import suppress

import structlog

from codelab.kit.bus import Bus
from codelab.kit.errors import CodeLabError
from codelab.sessions.api import Turns
from codelab.workspace.api import Pruner, Workspaces
from codelab.workspace.errors import CheckpointFailed
from codelab.workspace.events import WorkspaceDeleted

_EVERY_S = 3600.0

_log = structlog.get_logger(__name__)


class CheckpointUpkeep:
    """Works in the background on every replica; they take turns on each project.

    Args:
        workspaces: The projects.
        turns: Know which sessions there are.
        bus: Tells when a project is forgotten.
        every_s: How often all is looked through.
    """

    def __init__(
        self, workspaces: Workspaces, turns: Turns, bus: Bus, *, every_s: float = _EVERY_S
    ) -> None:
        self._workspaces = workspaces
        self._store = workspaces.snapshots
        self._pruner = Pruner(workspaces.snapshots)
        self._turns = turns
        self._every_s = every_s
        self._working: asyncio.Task[None] | None = None
        bus.subscribe_queue(WorkspaceDeleted, self._on_deleted)

    async def start(self) -> None:
        """Begin to look after it."""
        self._working = asyncio.create_task(self._work())

    async def close(self) -> None:
        """Stop."""
        if self._working:
            self._working.cancel()
            await asyncio.gather(self._working, return_exceptions=True)

    async def sweep(self) -> None:
        """Look through everything once."""
        found = await self._pruner.workspaces()
        known = await self._workspaces.known(found)
        sizes: dict[str, int] = {}
        for workspace_id in found:
            try:
                if workspace_id in known:
                    sizes[workspace_id] = await self._prune(workspace_id)
                else:
                    await self._store.forget(workspace_id)
            except CheckpointFailed as error:
                # The others are none the worse for it.
                _log.warning("checkpoints_not_pruned", reason=error.message)
        await self._pruner.shrink(sizes)

    async def _prune(self, workspace_id: str) -> int:
        kept_for = await self._pruner.sessions(workspace_id)
        gone = kept_for - await self._turns.known(kept_for)
        return await self._pruner.prune(workspace_id, gone)

    async def _on_deleted(self, event: WorkspaceDeleted) -> None:
        await self._store.forget(event.workspace_id)

    async def _work(self) -> None:
        while True:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._store.crowded.wait(), self._every_s)
            self._store.crowded.clear()
            try:
                await self.sweep()
            except CodeLabError as error:
                _log.warning("checkpoints_not_pruned", code=error.code, reason=error.message)
            except Exception:
                _log.exception("checkpoints_not_pruned")

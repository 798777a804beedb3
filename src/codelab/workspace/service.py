"""The workspaces of this server: who may open which folder."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from sqlalchemy.exc import IntegrityError

from codelab.auth.api import Principal
from codelab.kit.cache import MemoryCache
from codelab.kit.clock import utc_now
from codelab.kit.db import Database
from codelab.kit.errors import Conflict, Forbidden, NotFound
from codelab.kit.ids import new_id
from codelab.workspace import repository
from codelab.workspace.checkpoints.store import SnapshotStore
from codelab.workspace.contents import MEMORY_BYTES, Contents
from codelab.workspace.errors import WorkspaceGone, WorkspaceRefused
from codelab.workspace.events import WorkspaceCreated, WorkspaceDeleted
from codelab.workspace.folder import Folder
from codelab.workspace.offering import OfferedFolders, Offering
from codelab.workspace.placement import is_offered, overlaps, unfit
from codelab.workspace.record import WorkspaceRecord
from codelab.workspace.rules import Audience, Rules
from codelab.workspace.sandbox.sandbox import Sandbox
from codelab.workspace.sandbox.standing import Standing
from codelab.workspace.settings import WorkspaceSettings
from codelab.workspace.watching.sharing import SharedWatchers, Watch
from codelab.workspace.watching.watcher import FileChanges

T = TypeVar("T")

_THREADS = 8
_LONGEST_PATH = 1000
_LONGEST_NAME = 100
_OPEN_FOLDERS = 500


class Workspaces:
    """Registers folders as workspaces and opens them.

    Args:
        db: Where they are registered.
        settings: Which folders are allowed and how commands are kept in a box.
    """

    def __init__(self, db: Database, settings: WorkspaceSettings) -> None:
        self._db = db
        self._settings = settings
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="workspace")
        self._sandbox = Sandbox(settings)
        self.snapshots = SnapshotStore(
            settings.checkpoints_dir or settings.data_dir / "checkpoints",
            self._sandbox,
            settings.keeping,
        )
        self._own = tuple(path.resolve() for path in (settings.data_dir, *settings.hidden_paths))
        self._home = Path.home().resolve()
        self._roots = tuple(root.resolve() for root in settings.roots)
        self._offering = Offering(self._roots, self._own, self._home)
        self._served: set[Path] = set()
        self._folders: dict[tuple[str, Audience], Folder] = {}
        self._warming: asyncio.Task[Standing] | None = None
        self.contents = Contents(MemoryCache(MEMORY_BYTES))
        self._watchers = SharedWatchers()

    async def ensure(self, path: Path) -> WorkspaceRecord:
        """Offer a folder to all users of this server, for as long as this process runs.

        Raises:
            WorkspaceRefused: The folder cannot be a workspace.
        """
        folder = await self._resolved(path)
        if reason := unfit(folder, self._own, self._home):
            raise WorkspaceRefused(reason, field="path")
        self._served.add(folder)
        try:
            async with self._db.transaction() as tx:
                known = await repository.find_by_path(tx, str(folder))
                if known:
                    return known
                record = _record(folder, None, folder.name)
                await repository.insert(tx, record)
        except IntegrityError:
            # Another replica was faster.
            async with self._db.read() as reader:
                record = await repository.find_by_path(reader, str(folder)) or record
        return record

    async def create(
        self, principal: Principal, path: str, name: str | None = None
    ) -> WorkspaceRecord:
        """Register a folder beneath an allowed root as the user's own workspace.

        Raises:
            WorkspaceRefused: The folder is missing or not allowed.
            Conflict: It is a workspace already, or somebody else's lies in it or around it.
        """
        folder = await self._chosen(principal, path)
        record = _record(folder, principal.user_id, name or folder.name)
        taken = Conflict("This folder is in use as a workspace already.", field="path")
        try:
            async with self._db.transaction() as tx:
                known = await repository.list_all(tx)
                if overlaps(folder, principal.user_id, known):
                    raise taken
                if any(Path(other.path) == folder for other in known):
                    raise taken
                await repository.insert(tx, record)
                tx.publish(
                    WorkspaceCreated(
                        workspace_id=record.id, user_id=principal.user_id, name=record.name
                    )
                )
        except IntegrityError:
            raise taken from None
        return record

    async def offered(self, principal: Principal, path: str) -> OfferedFolders:
        """List the folders in a folder, for somebody who looks for a project.

        Raises:
            WorkspaceRefused: It is not beneath an allowed root, or cannot be read.
        """
        async with self._db.read() as reader:
            records = await repository.list_all(reader)
        return await self._call(lambda: self._offering.look(principal, path, records))

    async def list(self, principal: Principal) -> list[WorkspaceRecord]:
        """Return the user's own workspaces and those that this server offers to all."""
        async with self._db.read() as reader:
            records = await repository.list_for(reader, principal.user_id)
        return [record for record in records if self._is_open_to(record, principal)]

    async def get(self, principal: Principal, workspace_id: str) -> WorkspaceRecord:
        """Return a workspace that the user may use.

        Raises:
            NotFound: There is none, or it is somebody else's.
        """
        record = await self._find(workspace_id)
        if not self._is_open_to(record, principal):
            raise _unknown()
        return record

    async def delete(self, principal: Principal, workspace_id: str) -> None:
        """Forget a workspace with its sessions; the folder itself is never touched.

        Raises:
            NotFound: There is none, or it is somebody else's.
            Forbidden: The server itself offers it.
        """
        record = await self.get(principal, workspace_id)
        if record.owner_id is None:
            raise Forbidden("This workspace is offered by the server itself.")
        async with self._db.transaction() as tx:
            await repository.delete(tx, workspace_id)
            tx.publish(WorkspaceDeleted(workspace_id=workspace_id, user_id=principal.user_id))
        for audience in Audience:
            self._folders.pop((workspace_id, audience), None)

    async def open(self, workspace_id: str, *, audience: Audience = Audience.AGENT) -> Folder:
        """Open a workspace for an agent's tools, or for a human.

        Whether somebody may use it is `get`'s question.

        Raises:
            NotFound: There is no such workspace.
            WorkspaceGone: Its folder vanished, or is not allowed any more.
        """
        record = await self._find(workspace_id)
        path = Path(record.path)
        if not self._is_allowed(record):
            raise WorkspaceGone("The workspace's folder is not offered by this server any more.")
        if not await self._call(path.is_dir):
            raise WorkspaceGone("The workspace's folder does not exist any more.")
        folder = self._folders.get((workspace_id, audience))
        if folder is None:
            standing = await self._sandbox.standing()
            rules = Rules(audience, self._settings.allowed_hidden)
            folder = Folder(
                path, rules, self._sandbox, standing.layer, self._threads, self.contents
            )
            if len(self._folders) >= _OPEN_FOLDERS:
                self._folders.clear()
            self._folders[workspace_id, audience] = folder
        return folder

    async def watch(self, workspace_id: str, tell: Callable[[FileChanges], None]) -> Watch:
        """Make what watches a workspace for people, and calls `tell` from threads of its own."""
        folder = await self.open(workspace_id, audience=Audience.HUMAN)
        return self._watchers.watch(folder.root(), folder.watcher, tell)

    def warm_up(self) -> None:
        """Find out in the background whether boxes work here, so that no turn waits for it."""
        self._warming = asyncio.create_task(self._sandbox.standing())

    async def sandbox(self) -> Standing:
        """Tell which layer keeps commands in a box, and if there is none, why."""
        return await self._sandbox.standing()

    async def close(self) -> None:
        """Let the threads end."""
        if self._warming:
            self._warming.cancel()
            await asyncio.wait([self._warming])
        await asyncio.to_thread(self._threads.shutdown, wait=True, cancel_futures=True)
        await self.contents.close()

    async def known(self, workspace_ids: Collection[str]) -> frozenset[str]:
        """Return those of these workspaces that there still are."""
        async with self._db.read() as reader:
            records = await repository.list_all(reader)
        return frozenset(record.id for record in records if record.id in workspace_ids)

    async def _find(self, workspace_id: str) -> WorkspaceRecord:
        async with self._db.read() as reader:
            record = await repository.find(reader, workspace_id)
        if record is None:
            raise _unknown()
        return record

    def _is_open_to(self, record: WorkspaceRecord, principal: Principal) -> bool:
        if record.owner_id is None:
            return Path(record.path) in self._served
        return record.owner_id == principal.user_id

    def _is_allowed(self, record: WorkspaceRecord) -> bool:
        path = Path(record.path)
        if unfit(path, self._own, self._home):
            return False
        return path in self._served or (
            record.owner_id is not None and is_offered(path, self._roots, is_admin=True)
        )

    async def _chosen(self, principal: Principal, path: str) -> Path:
        if not path or len(path) > _LONGEST_PATH or "\0" in path:
            raise WorkspaceRefused("The path is empty or too long.", field="path")
        if not self._roots:
            raise WorkspaceRefused(
                "No folder is set aside for workspaces. Set CODELAB_WORKSPACES_ROOT.", field="path"
            )
        # A relative path is meant beneath the first root; an absolute one replaces it.
        candidate = self._roots[0] / path
        # What lies elsewhere is refused before anybody learns whether it exists.
        refused = WorkspaceRefused(
            "The folder must exist beneath a folder that this server allows.", field="path"
        )
        try:
            folder = await self._resolved(candidate)
        except WorkspaceRefused:
            raise refused from None
        if not is_offered(folder, self._roots, is_admin=principal.is_admin):
            raise refused
        if reason := unfit(folder, self._own, self._home):
            raise WorkspaceRefused(reason, field="path")
        return folder

    async def _resolved(self, path: Path) -> Path:
        try:
            folder = await self._call(lambda: path.resolve(strict=True))
        except (OSError, RuntimeError, ValueError):
            folder = None
        if folder is None or not await self._call(folder.is_dir):
            raise WorkspaceRefused("There is no such folder.", field="path")
        if len(str(folder)) > _LONGEST_PATH:
            raise WorkspaceRefused("The folder's path is too long.", field="path")
        return folder

    async def _call(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, work)


def _record(folder: Path, owner_id: str | None, name: str) -> WorkspaceRecord:
    return WorkspaceRecord(
        id=new_id(),
        name=name[:_LONGEST_NAME],
        path=str(folder),
        owner_id=owner_id,
        created_at=utc_now(),
    )


def _unknown() -> NotFound:
    return NotFound("There is no such workspace.")

"""A human's own hands on a workspace's repository: who may, how often, one after the other."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from weakref import WeakValueDictionary

import msgspec

from codelab.auth.api import Principal
from codelab.kit.bus import Bus
from codelab.kit.ratelimit import RateLimiter
from codelab.workspace.entrance import Entrance
from codelab.workspace.errors import GitRefused
from codelab.workspace.events import GitAction, RepositoryChanged
from codelab.workspace.folder import Folder
from codelab.workspace.service import Workspaces
from codelab.workspace.vcs import branches, comparing, discarding, founding, history, staging, state
from codelab.workspace.vcs.branches import BranchList
from codelab.workspace.vcs.comparing import FileComparison
from codelab.workspace.vcs.discarding import KeptFile
from codelab.workspace.vcs.history import CommitDetails, CommitPage
from codelab.workspace.vcs.state import RepositoryStatus


class Discarded(msgspec.Struct, frozen=True, kw_only=True):
    """The files whose changes are gone, with what brings them back."""

    kept: tuple[KeptFile, ...]


class PutBack(msgspec.Struct, frozen=True, kw_only=True):
    """The files that could not be put back, since they have changed again."""

    left: tuple[str, ...]


class VersionControl:
    """Checks whose workspace it is, counts the operation, has git do it and tells of changes.

    Args:
        workspaces: Where the folders come from.
        limiter: Counts file operations per user.
        bus: Who wants to know of changes.
        per_hour: How many operations a user has.
    """

    def __init__(
        self, workspaces: Workspaces, limiter: RateLimiter, bus: Bus, *, per_hour: int = 1000
    ) -> None:
        self._entrance = Entrance(workspaces, limiter, per_hour)
        self._bus = bus
        # Two clicks in a row would otherwise meet at git's own lock.
        self._turns: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def status(self, principal: Principal, workspace_id: str) -> RepositoryStatus:
        """Say where the repository stands."""
        # The interface asks by itself whenever a file has changed.
        return await state.status_of(await self._entrance.look_in(principal, workspace_id))

    async def compare(
        self, principal: Principal, workspace_id: str, path: str, *, staged: bool
    ) -> FileComparison:
        """Show a file before and after a change that is not committed."""
        folder = await self._entrance.enter(principal, workspace_id)
        return await comparing.compared(folder, path, staged=staged)

    async def stage(
        self, principal: Principal, workspace_id: str, paths: Sequence[str]
    ) -> RepositoryStatus:
        """Put what has changed in files and folders into the next commit."""
        async with self._changing(principal, workspace_id) as folder:
            count = await staging.stage(folder, paths)
            return await self._changed(principal, workspace_id, folder, "staged", paths[0], count)

    async def unstage(
        self, principal: Principal, workspace_id: str, paths: Sequence[str]
    ) -> RepositoryStatus:
        """Take files and folders out of the next commit."""
        async with self._changing(principal, workspace_id) as folder:
            count = await staging.unstage(folder, paths)
            return await self._changed(principal, workspace_id, folder, "unstaged", paths[0], count)

    async def stage_text(
        self, principal: Principal, workspace_id: str, path: str, text: str, before: str
    ) -> RepositoryStatus:
        """Put a text of the client's into the next commit: the hunks that were chosen."""
        async with self._changing(principal, workspace_id) as folder:
            await staging.stage_text(folder, path, text, before)
            return await self._changed(principal, workspace_id, folder, "staged", path, 1)

    async def discard(
        self, principal: Principal, workspace_id: str, paths: Sequence[str]
    ) -> Discarded:
        """Give up changes that are not staged."""
        async with self._changing(principal, workspace_id) as folder:
            kept = await discarding.discard(folder, paths)
            self._tell(principal, workspace_id, "discarded", paths[0], len(kept))
            return Discarded(kept=kept)

    async def undiscard(
        self, principal: Principal, workspace_id: str, files: Sequence[KeptFile]
    ) -> PutBack:
        """Put back what was discarded."""
        async with self._changing(principal, workspace_id) as folder:
            left = await discarding.undiscard(folder, files)
            self._tell(principal, workspace_id, "restored", files[0].path, len(files) - len(left))
            return PutBack(left=left)

    async def commit(
        self, principal: Principal, workspace_id: str, message: str
    ) -> RepositoryStatus:
        """Commit what is staged, in the user's name."""
        async with self._changing(principal, workspace_id) as folder:
            made = await staging.commit(folder, message, principal.name)
            return await self._changed(principal, workspace_id, folder, "committed", made)

    async def branches(self, principal: Principal, workspace_id: str) -> BranchList:
        """List the branches."""
        return await branches.branches_of(await self._entrance.enter(principal, workspace_id))

    async def create_branch(
        self, principal: Principal, workspace_id: str, name: str, start: str
    ) -> BranchList:
        """Make a branch."""
        async with self._changing(principal, workspace_id) as folder:
            await branches.create_branch(folder, name, start)
            self._tell(principal, workspace_id, "branch_created", name)
            return await branches.branches_of(folder)

    async def delete_branch(self, principal: Principal, workspace_id: str, name: str) -> None:
        """Delete a branch that is merged."""
        async with self._changing(principal, workspace_id) as folder:
            await branches.delete_branch(folder, name)
            self._tell(principal, workspace_id, "branch_deleted", name)

    async def switch(self, principal: Principal, workspace_id: str, name: str) -> RepositoryStatus:
        """Put the files on another branch."""
        async with self._changing(principal, workspace_id) as folder:
            await branches.switch(folder, name)
            return await self._changed(principal, workspace_id, folder, "switched", name)

    async def log(
        self,
        principal: Principal,
        workspace_id: str,
        *,
        path: str,
        start: str,
        skip: int,
        limit: int,
    ) -> CommitPage:
        """Return a page of the log."""
        folder = await self._entrance.enter(principal, workspace_id)
        return await history.log_of(folder, path=path, start=start, skip=skip, limit=limit)

    async def details(self, principal: Principal, workspace_id: str, commit: str) -> CommitDetails:
        """Show a commit."""
        return await history.details_of(await self._entrance.enter(principal, workspace_id), commit)

    async def compare_commit(
        self, principal: Principal, workspace_id: str, commit: str, path: str
    ) -> FileComparison:
        """Show a file before and after a commit."""
        folder = await self._entrance.enter(principal, workspace_id)
        return await comparing.committed_sides(folder, commit, path)

    async def found(self, principal: Principal, workspace_id: str) -> RepositoryStatus:
        """Make a repository in a folder that has none.

        Raises:
            GitRefused: It has one.
        """
        async with self._changing(principal, workspace_id) as folder:
            if (await state.status_of(folder)).is_repository:
                raise GitRefused("This folder is a git repository already.")
            await asyncio.to_thread(founding.found, Path(folder.root()))
            return await self._changed(principal, workspace_id, folder, "initialised")

    @asynccontextmanager
    async def _changing(self, principal: Principal, workspace_id: str) -> AsyncIterator[Folder]:
        folder = await self._entrance.enter(principal, workspace_id)
        async with self._turns.setdefault(workspace_id, asyncio.Lock()):
            yield folder

    async def _changed(
        self,
        principal: Principal,
        workspace_id: str,
        folder: Folder,
        action: GitAction,
        target: str = "",
        files: int = 0,
    ) -> RepositoryStatus:
        self._tell(principal, workspace_id, action, target, files)
        return await state.status_of(folder)

    def _tell(
        self,
        principal: Principal,
        workspace_id: str,
        action: GitAction,
        target: str = "",
        files: int = 0,
    ) -> None:
        self._bus.publish(
            RepositoryChanged(
                workspace_id=workspace_id,
                user_id=principal.user_id,
                action=action,
                target=target,
                files=files,
            )
        )

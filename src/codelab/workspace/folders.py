"""A human's own hands on folders: looking into them, making, moving and deleting."""

from __future__ import annotations

from codelab.auth.api import Principal
from codelab.kit.bus import Bus
from codelab.workspace import arranging, children
from codelab.workspace.arranging import FolderSummary
from codelab.workspace.children import Children
from codelab.workspace.entrance import Entrance
from codelab.workspace.events import FileMoved, FolderCreated, FolderDeleted
from codelab.workspace.names import ROOT, clean


class Folders:
    """Does to folders what the explorer asks for, and tells of changes.

    Args:
        entrance: Checks and counts who enters.
        bus: Who wants to know of changes.
    """

    def __init__(self, entrance: Entrance, bus: Bus) -> None:
        self._entrance = entrance
        self._bus = bus

    async def children(
        self,
        principal: Principal,
        workspace_id: str,
        path: str,
        after: str | None,
        limit: int,
    ) -> Children:
        """List one folder's entries, a page at a time."""
        folder = await self._entrance.look_in(principal, workspace_id)
        path = clean(path or ROOT)
        return await folder.work(
            lambda root, rules: children.list_children(root, rules, path, after, limit)
        )

    async def summary(self, principal: Principal, workspace_id: str, path: str) -> FolderSummary:
        """Count what a folder holds, so that its deletion can be thought over."""
        folder = await self._entrance.look_in(principal, workspace_id)
        path = clean(path)
        return await folder.work(lambda root, rules: arranging.summarise(root, rules, path))

    async def create(self, principal: Principal, workspace_id: str, path: str) -> str:
        """Make a folder; returns its path.

        Raises:
            NameTaken: There is something of this name.
        """
        folder = await self._entrance.enter(principal, workspace_id)
        path = clean(path)
        await folder.work(lambda root, rules: arranging.make_folder(root, rules, path))
        self._bus.publish(
            FolderCreated(workspace_id=workspace_id, user_id=principal.user_id, path=path)
        )
        return path

    async def delete(
        self, principal: Principal, workspace_id: str, path: str, *, recursive: bool = False
    ) -> None:
        """Delete a folder, and what it holds only if that is asked for.

        Raises:
            FolderNotEmpty: It holds something.
        """
        folder = await self._entrance.enter(principal, workspace_id)
        path = clean(path)
        held = await folder.work(
            lambda root, rules: arranging.delete_folder(root, rules, path, recursive=recursive)
        )
        self._bus.publish(
            FolderDeleted(
                workspace_id=workspace_id,
                user_id=principal.user_id,
                path=path,
                files=held.files,
            )
        )

    async def move(
        self, principal: Principal, workspace_id: str, source: str, target: str
    ) -> FileMoved:
        """Give a file or a folder another name or place; nothing is ever replaced.

        Raises:
            NameTaken: Something has the new name.
        """
        folder = await self._entrance.enter(principal, workspace_id)
        old, new = clean(source), clean(target)
        is_folder = await folder.work(lambda root, rules: arranging.move(root, rules, old, new))
        moved = FileMoved(
            workspace_id=workspace_id,
            user_id=principal.user_id,
            path=new,
            old_path=old,
            is_folder=is_folder,
        )
        self._bus.publish(moved)
        return moved

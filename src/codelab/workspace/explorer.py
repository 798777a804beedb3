"""A human's own hands on a workspace: what the IDE's explorer, editor and search need."""

from __future__ import annotations

import msgspec

from codelab.auth.api import Principal
from codelab.kit.bus import Bus
from codelab.kit.ratelimit import RateLimiter
from codelab.sdk.workspace import FileContent, Listing, Matches
from codelab.workspace import files
from codelab.workspace.checking import Checking
from codelab.workspace.entrance import Entrance
from codelab.workspace.errors import FileChanged, FileMissing, NoImage
from codelab.workspace.events import FileDeleted, FileWritten
from codelab.workspace.finding.finder import Finder
from codelab.workspace.folder import Folder
from codelab.workspace.folders import Folders
from codelab.workspace.images import image_type
from codelab.workspace.names import ROOT, clean
from codelab.workspace.rules import Rules
from codelab.workspace.service import Workspaces
from codelab.workspace.text import digest_of

_TRIES = 3


class Saved(msgspec.Struct, frozen=True, kw_only=True):
    """A file that was saved; `hash` is the SHA-256 of its bytes."""

    path: str
    hash: str
    created: bool


class Image(msgspec.Struct, frozen=True, kw_only=True):
    """A picture; `kind` is its media type, by its bytes."""

    data: bytes
    kind: str
    hash: str


class Explorer:
    """Checks whose workspace it is, counts the operation, does it and tells of changes.

    Humans may open hidden and excluded files of theirs, but nothing of git's own folder.

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
        self.folders = Folders(self._entrance, bus)
        self.finder = Finder(self._entrance, bus)
        self.checking = Checking(workspaces, limiter)

    async def tree(
        self, principal: Principal, workspace_id: str, path: str = ROOT, *, recursive: bool = False
    ) -> Listing:
        """List a folder."""
        folder = await self._entrance.enter(principal, workspace_id)
        return await folder.list(path or ROOT, recursive=recursive)

    async def enter(self, principal: Principal, workspace_id: str) -> Folder:
        """Open a workspace for one operation on its files, which counts."""
        return await self._entrance.enter(principal, workspace_id)

    async def search(
        self, principal: Principal, workspace_id: str, pattern: str, path: str = ROOT
    ) -> Matches:
        """Find the lines that match a regular expression."""
        folder = await self._entrance.enter(principal, workspace_id)
        return await folder.search(pattern, path or ROOT)

    async def read(self, principal: Principal, workspace_id: str, path: str) -> FileContent:
        """Read a text file."""
        folder = await self._entrance.enter(principal, workspace_id)
        return await folder.read(path)

    async def image(self, principal: Principal, workspace_id: str, path: str) -> Image:
        """Read a picture of at most 10 MB.

        Raises:
            NoImage: It is none of a kind that browsers show.
        """
        folder = await self._entrance.enter(principal, workspace_id)
        path = clean(path)

        def read(root: int, rules: Rules) -> Image:
            data, *_ = files.read(root, rules, path)
            return Image(data=data, kind=image_type(data), hash=digest_of(data))

        found = await folder.work(read)
        if not found.kind:
            raise NoImage(f"{path} is no picture that browsers show.", field="path")
        return found

    async def write(
        self,
        principal: Principal,
        workspace_id: str,
        path: str,
        content: str,
        *,
        expected: str | None = None,
    ) -> Saved:
        """Save a text file.

        Args:
            principal: Who saves.
            workspace_id: Where.
            path: The file.
            content: All of its text, at most 10 MB.
            expected: The digest that the file must have; empty: there must be none; none: any.

        Raises:
            FileChanged: The file is another one than expected.
        """
        folder = await self._entrance.enter(principal, workspace_id)
        for attempt in range(_TRIES):
            before = await folder.state(path) if expected is None else expected
            try:
                digest = await folder.save(path, content, before=before)
                break
            except FileChanged:
                if expected is not None or attempt == _TRIES - 1:
                    raise
        saved = Saved(path=clean(path), hash=digest, created=not before)
        self._bus.publish(
            FileWritten(
                workspace_id=workspace_id,
                user_id=principal.user_id,
                path=saved.path,
                digest=saved.hash,
            )
        )
        return saved

    async def delete(
        self, principal: Principal, workspace_id: str, path: str, *, expected: str | None = None
    ) -> None:
        """Delete a file, if it still has the expected digest; none: any.

        Raises:
            FileMissing: There is no such file.
            FileChanged: The file is another one than expected.
        """
        folder = await self._entrance.enter(principal, workspace_id)
        before = await folder.state(path) if expected is None else expected
        if not before:
            raise FileMissing(f"There is no file {clean(path)}.", field="path")
        await folder.delete(path, before=before)
        self._bus.publish(
            FileDeleted(workspace_id=workspace_id, user_id=principal.user_id, path=clean(path))
        )

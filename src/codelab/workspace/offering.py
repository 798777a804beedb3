"""The folders among which somebody looks for a project, a level at a time; blocking."""

from __future__ import annotations

import heapq
import os
from collections.abc import Collection, Iterable
from pathlib import Path

import msgspec

from codelab.auth.api import Principal
from codelab.workspace.errors import WorkspaceRefused
from codelab.workspace.placement import is_offered, overlaps, unfit
from codelab.workspace.record import WorkspaceRecord

_MOST = 500
_MOST_SEEN = 20_000


class OfferedFolder(msgspec.Struct, frozen=True, kw_only=True):
    """A folder that can be looked into.

    Args:
        name: Its name.
        path: Its full path.
        is_repository: Whether git keeps it.
        can_open: Whether it can become one's workspace; some only hold such folders.
    """

    name: str
    path: str
    is_repository: bool
    can_open: bool


class OfferedFolders(msgspec.Struct, frozen=True, kw_only=True):
    """What a folder holds of them.

    Args:
        path: The folder; empty: these are the allowed roots.
        parent: One level up; none at the top.
        folders: In the order of their names.
        truncated: Whether there are more.
    """

    path: str
    parent: str | None
    folders: tuple[OfferedFolder, ...]
    truncated: bool = False


class Offering:
    """Lists folders beneath the allowed roots.

    Args:
        roots: These, resolved.
        own: CodeLab's own data and settings, resolved.
        home: The home folder of the user that the server runs as, resolved.
    """

    def __init__(self, roots: tuple[Path, ...], own: Iterable[Path], home: Path) -> None:
        self._roots = roots
        self._own = tuple(own)
        self._home = home

    def look(
        self, user: Principal, path: str, records: Collection[WorkspaceRecord]
    ) -> OfferedFolders:
        """List the folders in a folder.

        Args:
            user: Who looks; they are shown nothing of the workspaces of others.
            path: The folder; empty: the only root, or all of them where there are several.
            records: All workspaces there are.

        Raises:
            WorkspaceRefused: It is not beneath a root, or cannot be read.
        """
        if not path and len(self._roots) > 1:
            roots = tuple(self._offer(user, root, records) for root in self._roots)
            return OfferedFolders(path="", parent=None, folders=roots)
        folder = self._found(path, user, records)
        try:
            found, truncated = _subfolders(folder)
        except OSError:
            raise WorkspaceRefused("The folder cannot be read.", field="path") from None
        near = _by_entry(folder, records)
        shown = [each for each in found if not self._is_closed(each, user, near.get(each, ()))]
        return OfferedFolders(
            path=str(folder),
            parent=self._parent(folder),
            folders=tuple(self._offer(user, each, near.get(each, ())) for each in shown),
            truncated=truncated,
        )

    def _found(self, path: str, user: Principal, records: Collection[WorkspaceRecord]) -> Path:
        # Wherever it is not theirs to look, nobody learns whether there is anything.
        refused = WorkspaceRefused(
            "There is no such folder beneath those that this server allows.", field="path"
        )
        if not self._roots:
            raise refused
        try:
            folder = (self._roots[0] / path).resolve(strict=True)
        except (OSError, RuntimeError, ValueError):
            raise refused from None
        if not is_offered(folder, self._roots, is_admin=True):
            raise refused
        if self._is_closed(folder, user, records):
            raise refused
        return folder

    def _is_closed(self, path: Path, user: Principal, records: Iterable[WorkspaceRecord]) -> bool:
        """Tell whether a folder lies in somebody else's workspace, or in the server's data."""
        others = (Path(one.path) for one in records if one.owner_id not in (None, user.user_id))
        return any(path.is_relative_to(closed) for closed in (*others, *self._own))

    def _parent(self, folder: Path) -> str | None:
        if folder not in self._roots:
            return str(folder.parent)
        return "" if len(self._roots) > 1 else None

    def _offer(
        self, user: Principal, path: Path, records: Collection[WorkspaceRecord]
    ) -> OfferedFolder:
        is_free = not any(Path(one.path) == path for one in records)
        return OfferedFolder(
            name=path.name,
            path=str(path),
            is_repository=(path / ".git").exists(),
            can_open=is_free
            and is_offered(path, self._roots, is_admin=user.is_admin)
            and not unfit(path, self._own, self._home)
            and not overlaps(path, user.user_id, records),
        )


def _subfolders(folder: Path) -> tuple[list[Path], bool]:
    """Return the folders in a folder, without hidden ones and links, and whether there are more."""
    names: list[str] = []
    seen = 0
    with os.scandir(folder) as entries:
        for entry in entries:
            seen += 1
            if seen > _MOST_SEEN:
                break
            is_shown = entry.name.isprintable() and not entry.name.startswith(".")
            if is_shown and entry.is_dir(follow_symlinks=False):
                names.append(entry.name)
    shown = heapq.nsmallest(_MOST, names, key=lambda name: (name.casefold(), name))
    return [folder / name for name in shown], len(shown) < len(names) or seen > _MOST_SEEN


def _by_entry(
    folder: Path, records: Iterable[WorkspaceRecord]
) -> dict[Path, list[WorkspaceRecord]]:
    """Group the workspaces in a folder by the entry of the folder that they are in."""
    grouped: dict[Path, list[WorkspaceRecord]] = {}
    depth = len(folder.parts)
    for record in records:
        path = Path(record.path)
        if len(path.parts) > depth and path.is_relative_to(folder):
            grouped.setdefault(Path(*path.parts[: depth + 1]), []).append(record)
    return grouped

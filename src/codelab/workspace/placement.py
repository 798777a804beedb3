"""Which folders may be workspaces; pure."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from codelab.workspace.record import WorkspaceRecord


def unfit(path: Path, own: Iterable[Path], home: Path) -> str:
    """Say why a folder can be nobody's workspace; empty when it can.

    Args:
        path: The folder, resolved.
        own: CodeLab's own data and settings, folders and files, resolved.
        home: The home folder of the user that the server runs as, resolved.
    """
    if path == Path(path.anchor):
        return "The root of the file system cannot be a workspace. Choose a project's folder."
    if _contains(path, home):
        return "A home folder cannot be a workspace. Choose a project's folder in it."
    for kept in own:
        if _contains(path, kept) or _contains(kept, path):
            return (
                "A folder with CodeLab's own data or settings in it cannot be a workspace. "
                f"Move {kept.name} out of it."
            )
    return ""


def is_offered(path: Path, roots: Iterable[Path], *, is_admin: bool) -> bool:
    """Tell whether a user may choose this folder: it lies beneath one of the roots.

    A root itself would hold everybody's folders, so that only administrators may take it.
    """
    return any(_contains(root, path) and (is_admin or path != root) for root in roots)


def overlaps(path: Path, user_id: str, records: Iterable[WorkspaceRecord]) -> bool:
    """Tell whether the folder is, holds or lies in a workspace of somebody else."""
    return any(
        record.owner_id not in (None, user_id)
        and (_contains(path, Path(record.path)) or _contains(Path(record.path), path))
        for record in records
    )


def _contains(folder: Path, path: Path) -> bool:
    return path.is_relative_to(folder)

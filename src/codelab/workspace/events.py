"""What happened to workspaces, and to files by a human's own hand."""

from __future__ import annotations

from codelab.kit.events import Event


class WorkspaceEvent(Event, frozen=True, kw_only=True):
    """Something that a user did to a workspace, or to what is in it."""

    workspace_id: str
    user_id: str


class WorkspaceCreated(WorkspaceEvent, frozen=True, kw_only=True):
    """A folder became a user's workspace."""

    name: str


class WorkspaceDeleted(WorkspaceEvent, frozen=True, kw_only=True):
    """A workspace was forgotten; its folder stays."""


class FileWritten(WorkspaceEvent, frozen=True, kw_only=True):
    """A user saved a file; `digest` is the SHA-256 of its new bytes."""

    path: str
    digest: str


class FileDeleted(WorkspaceEvent, frozen=True, kw_only=True):
    """A user deleted a file."""

    path: str


class FolderCreated(WorkspaceEvent, frozen=True, kw_only=True):
    """A user made a folder."""

    path: str


class FolderDeleted(WorkspaceEvent, frozen=True, kw_only=True):
    """A user deleted a folder, with this many files in it."""

    path: str
    files: int


class FileMoved(WorkspaceEvent, frozen=True, kw_only=True):
    """A user gave a file or a folder another name or place."""

    path: str
    old_path: str
    is_folder: bool

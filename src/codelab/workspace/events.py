"""What happened to workspaces, and to files by a human's own hand."""

from __future__ import annotations

from typing import Literal

from codelab.kit.events import Event

GitAction = Literal[
    "initialised",
    "staged",
    "unstaged",
    "discarded",
    "restored",
    "committed",
    "switched",
    "branch_created",
    "branch_deleted",
]


class WorkspaceEvent(Event, frozen=True, kw_only=True):
    """Something that a user did to a workspace, or to what is in it."""

    workspace_id: str
    user_id: str


class WorkspaceCreated(WorkspaceEvent, frozen=True, kw_only=True):
    """A folder became a user's workspace."""

    name: str


class WorkspaceDeleted(WorkspaceEvent, frozen=True, kw_only=True):
    """A workspace was forgotten; its folder stays."""


class TerminalOpened(WorkspaceEvent, frozen=True, kw_only=True):
    """A user opened a terminal."""

    terminal_id: str


class TerminalClosed(WorkspaceEvent, frozen=True, kw_only=True):
    """A terminal has ended and is gone; `reason` says why."""

    terminal_id: str
    reason: str
    exit_code: int
    duration_ms: int


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


class RepositoryChanged(WorkspaceEvent, frozen=True, kw_only=True):
    """A user did something to a workspace's repository.

    Args:
        action: What.
        target: The branch or the commit; for files the first path.
        files: How many files it was about.
    """

    action: GitAction
    target: str = ""
    files: int = 0

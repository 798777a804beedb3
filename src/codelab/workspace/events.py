"""What happened to workspaces, and to files by a human's own hand."""

from __future__ import annotations

from codelab.kit.events import Event


class WorkspaceCreated(Event, frozen=True, kw_only=True):
    """A folder became a user's workspace."""

    workspace_id: str
    user_id: str
    name: str


class WorkspaceDeleted(Event, frozen=True, kw_only=True):
    """A workspace was forgotten; its folder stays."""

    workspace_id: str
    user_id: str


class TerminalOpened(Event, frozen=True, kw_only=True):
    """A user opened a terminal."""

    workspace_id: str
    user_id: str
    terminal_id: str


class TerminalClosed(Event, frozen=True, kw_only=True):
    """A terminal has ended and is gone; `reason` says why."""

    workspace_id: str
    user_id: str
    terminal_id: str
    reason: str
    exit_code: int
    duration_ms: int


class FileWritten(Event, frozen=True, kw_only=True):
    """A user saved a file; `digest` is the SHA-256 of its new bytes."""

    workspace_id: str
    user_id: str
    path: str
    digest: str


class FileDeleted(Event, frozen=True, kw_only=True):
    """A user deleted a file."""

    workspace_id: str
    user_id: str
    path: str

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
    "fetched",
    "pulled",
    "pushed",
]


class WorkspaceCreated(Event, frozen=True, kw_only=True):
    """A folder became a user's workspace."""

    workspace_id: str
    user_id: str
    name: str


class WorkspaceDeleted(Event, frozen=True, kw_only=True):
    """A workspace was forgotten; its folder stays."""

    workspace_id: str
    user_id: str


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


class RepositoryChanged(Event, frozen=True, kw_only=True):
    """A user did something to a workspace's repository.

    Args:
        workspace_id: Where.
        user_id: Who.
        action: What.
        target: The branch or the commit; for files the first path.
        files: How many files it was about.
    """

    workspace_id: str
    user_id: str
    action: GitAction
    target: str = ""
    files: int = 0

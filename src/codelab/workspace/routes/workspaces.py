"""Which folders are workspaces, over HTTP."""

from __future__ import annotations

from typing import Annotated

import msgspec
from litestar import delete, get, post
from litestar.params import JSONBody

from codelab.workspace.offering import OfferedFolders
from codelab.workspace.record import WorkspaceRecord
from codelab.workspace.routes.parameters import (
    OwnRequest,
    Place,
    WorkspaceId,
    WorkspacesService,
)


class NewWorkspace(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A folder to be registered; a relative path lies beneath the first allowed root."""

    path: Annotated[str, msgspec.Meta(min_length=1, max_length=1000)]
    name: Annotated[str, msgspec.Meta(min_length=1, max_length=100)] | None = None


@get("/workspaces")
async def list_workspaces(
    request: OwnRequest, workspaces: WorkspacesService
) -> list[WorkspaceRecord]:
    """List one's own workspaces and those that the server offers to all."""
    return await workspaces.list(request.user)


@post("/workspaces")
async def create_workspace(
    data: JSONBody[NewWorkspace], request: OwnRequest, workspaces: WorkspacesService
) -> WorkspaceRecord:
    """Register a folder beneath an allowed root."""
    return await workspaces.create(request.user, data.path, data.name)


@get("/workspaces/offered")
async def list_offered(
    request: OwnRequest, workspaces: WorkspacesService, path: Place = ""
) -> OfferedFolders:
    """List the folders in a folder beneath an allowed root, to choose a workspace among them."""
    return await workspaces.offered(request.user, path)


@get("/workspaces/{workspace_id:str}")
async def get_workspace(
    workspace_id: WorkspaceId, request: OwnRequest, workspaces: WorkspacesService
) -> WorkspaceRecord:
    """Show a workspace."""
    return await workspaces.get(request.user, workspace_id)


@delete("/workspaces/{workspace_id:str}")
async def delete_workspace(
    workspace_id: WorkspaceId, request: OwnRequest, workspaces: WorkspacesService
) -> None:
    """Forget a workspace with its sessions; its folder stays as it is."""
    await workspaces.delete(request.user, workspace_id)


ROUTES = (list_workspaces, create_workspace, list_offered, get_workspace, delete_workspace)

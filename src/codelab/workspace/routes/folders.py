"""Folders over HTTP: looked into, made, deleted; and whatever is moved."""

from __future__ import annotations

from typing import Annotated

import msgspec
from litestar import delete, get, post
from litestar.params import JSONBody, QueryParameter

from codelab.workspace.arranging import FolderSummary
from codelab.workspace.children import MOST_CHILDREN, Children
from codelab.workspace.routes.parameters import (
    ExplorerService,
    FilePath,
    Flag,
    OwnRequest,
    Place,
    WorkspaceId,
    inside,
)

Cursor = Annotated[str | None, QueryParameter(max_length=400)]
PageSize = Annotated[int, QueryParameter(ge=1, le=MOST_CHILDREN)]
Name = Annotated[str, msgspec.Meta(min_length=1, max_length=4000)]

_BEHIND = "/folders/"


class NewPlace(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename={"source": "from"}
):
    """What is moved, and the path that it gets."""

    source: Name
    to: Name


class MadeFolder(msgspec.Struct, frozen=True, kw_only=True):
    """A folder that was made."""

    path: str


class Moved(msgspec.Struct, frozen=True, kw_only=True):
    """What was moved, by its new path."""

    path: str
    is_folder: bool


@get("/workspaces/{workspace_id:str}/children")
async def list_children(
    workspace_id: WorkspaceId,
    request: OwnRequest,
    explorer: ExplorerService,
    path: Place = "",
    after: Cursor = None,
    limit: PageSize = 1000,
) -> Children:
    """List one folder's own entries a page at a time; what is ignored is there, with a mark."""
    return await explorer.folders.children(request.user, workspace_id, path, after, limit)


@get("/workspaces/{workspace_id:str}/folders/{file_path:path}")
async def summarise_folder(
    workspace_id: WorkspaceId, file_path: FilePath, request: OwnRequest, explorer: ExplorerService
) -> FolderSummary:
    """Count what lies in a folder, however deep: what would be lost with it."""
    path = inside(request, file_path, behind=_BEHIND)
    return await explorer.folders.summary(request.user, workspace_id, path)


@post("/workspaces/{workspace_id:str}/folders/{file_path:path}")
async def create_folder(
    workspace_id: WorkspaceId, file_path: FilePath, request: OwnRequest, explorer: ExplorerService
) -> MadeFolder:
    """Make a folder, and those that it lies in."""
    path = inside(request, file_path, behind=_BEHIND)
    return MadeFolder(path=await explorer.folders.create(request.user, workspace_id, path))


@delete("/workspaces/{workspace_id:str}/folders/{file_path:path}")
async def delete_folder(
    workspace_id: WorkspaceId,
    file_path: FilePath,
    request: OwnRequest,
    explorer: ExplorerService,
    recursive: Flag = False,
) -> None:
    """Delete a folder, and with `recursive` all that is in it."""
    path = inside(request, file_path, behind=_BEHIND)
    await explorer.folders.delete(request.user, workspace_id, path, recursive=recursive)


@post("/workspaces/{workspace_id:str}/moves")
async def move_file(
    workspace_id: WorkspaceId,
    data: JSONBody[NewPlace],
    request: OwnRequest,
    explorer: ExplorerService,
) -> Moved:
    """Give a file or a folder another name or place; nothing is ever replaced."""
    moved = await explorer.folders.move(request.user, workspace_id, data.source, data.to)
    return Moved(path=moved.path, is_folder=moved.is_folder)


ROUTES = (list_children, summarise_folder, create_folder, delete_folder, move_file)

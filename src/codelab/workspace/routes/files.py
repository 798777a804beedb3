"""Files over HTTP: listed, searched, read, saved, deleted and looked at."""

from __future__ import annotations

import msgspec
from litestar import Response, delete, get, put
from litestar.openapi import ResponseSpec
from litestar.params import JSONBody

from codelab.workspace.explorer import Saved
from codelab.workspace.images import SVG
from codelab.workspace.routes.parameters import (
    ExplorerService,
    FilePath,
    Flag,
    OwnRequest,
    Place,
    WorkspaceId,
    expected,
    inside,
    tagged,
)

# A file of 10 MB as JSON, where many a character needs an escape.
_LARGEST_FILE = 24 * 1024 * 1024
# Whatever a picture holds, opened by itself it can do nothing.
_HARMLESS = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "sandbox; default-src 'none'",
    "Cache-Control": "private, no-cache",
}


class NewContent(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All of a file's new text; more than 10 MB is answered with 413."""

    content: str


class FileText(msgspec.Struct, frozen=True, kw_only=True):
    """A text file; `hash` is the SHA-256 of its bytes and the ETag.

    `encoding` and line endings are kept when it is saved; a `read_only` one cannot be saved.
    """

    path: str
    content: str
    hash: str
    size: int
    encoding: str
    read_only: bool


class TreeEntry(msgspec.Struct, frozen=True, kw_only=True):
    """A file or folder; `size` in bytes, 0 for folders."""

    path: str
    is_folder: bool
    size: int


class Tree(msgspec.Struct, frozen=True, kw_only=True):
    """A folder's entries, in part when `truncated`."""

    path: str
    entries: tuple[TreeEntry, ...]
    truncated: bool


@get("/workspaces/{workspace_id:str}/tree")
async def list_tree(
    workspace_id: WorkspaceId,
    request: OwnRequest,
    explorer: ExplorerService,
    path: Place = "",
    recursive: Flag = False,
) -> Tree:
    """List a folder; what is excluded is left out."""
    listing = await explorer.tree(request.user, workspace_id, path, recursive=recursive)
    entries = (
        TreeEntry(path=entry.path, is_folder=entry.is_folder, size=entry.size)
        for entry in listing.entries
    )
    return Tree(path=path, entries=tuple(entries), truncated=listing.truncated)


@get("/workspaces/{workspace_id:str}/files/{file_path:path}")
async def read_file(
    workspace_id: WorkspaceId, file_path: FilePath, request: OwnRequest, explorer: ExplorerService
) -> Response[FileText]:
    """Read a text file of at most 10 MB."""
    file = await explorer.read(request.user, workspace_id, inside(request, file_path))
    text = FileText(
        path=file.path,
        content=file.text,
        hash=file.digest,
        size=file.size,
        encoding=file.encoding,
        read_only=file.read_only,
    )
    return Response(text, headers=tagged(file.digest))


@put(
    "/workspaces/{workspace_id:str}/files/{file_path:path}",
    responses={201: ResponseSpec(Saved, generate_examples=False, description="The file is new.")},
    request_max_body_size=_LARGEST_FILE,
)
async def write_file(
    workspace_id: WorkspaceId,
    file_path: FilePath,
    data: JSONBody[NewContent],
    request: OwnRequest,
    explorer: ExplorerService,
) -> Response[Saved]:
    """Save a text file: `If-Match` with its hash, or `If-None-Match: *` for a new one."""
    saved = await explorer.write(
        request.user,
        workspace_id,
        inside(request, file_path),
        data.content,
        expected=expected(request),
    )
    status = 201 if saved.created else 200
    return Response(saved, status_code=status, headers=tagged(saved.hash))


@delete("/workspaces/{workspace_id:str}/files/{file_path:path}")
async def delete_file(
    workspace_id: WorkspaceId, file_path: FilePath, request: OwnRequest, explorer: ExplorerService
) -> None:
    """Delete a file, with `If-Match` only if it has this hash."""
    await explorer.delete(
        request.user, workspace_id, inside(request, file_path), expected=expected(request)
    )


@get(
    "/workspaces/{workspace_id:str}/raw/{file_path:path}",
    media_type="image/*",
    responses={
        200: ResponseSpec(bytes, media_type="image/*", description="The picture's own bytes.")
    },
)
async def read_picture(
    workspace_id: WorkspaceId, file_path: FilePath, request: OwnRequest, explorer: ExplorerService
) -> Response[bytes]:
    """Read a picture of at most 10 MB: PNG, JPEG, GIF, WebP, AVIF, ICO, BMP, or SVG to be saved."""
    path = inside(request, file_path, behind="/raw/")
    image = await explorer.image(request.user, workspace_id, path)
    headers = tagged(image.hash) | _HARMLESS
    if image.kind == SVG:
        # It may hold programs: never shown as a page of its own, only as a picture in another one.
        headers["Content-Disposition"] = "attachment"
    return Response(image.data, headers=headers, media_type=image.kind)


ROUTES = (list_tree, read_file, write_file, delete_file, read_picture)

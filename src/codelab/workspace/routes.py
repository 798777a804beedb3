"""Workspaces and their files over HTTP."""

from __future__ import annotations

from typing import Annotated, Any
from urllib.parse import unquote

import msgspec
from litestar import Request, Response, Router, delete, get, post, put
from litestar.di import NamedDependency, Provide
from litestar.openapi import ResponseSpec
from litestar.params import JSONBody, PathParameter, QueryParameter

from codelab.auth.api import Principal
from codelab.sdk.code.problems import Checked
from codelab.sdk.workspace import Matches
from codelab.workspace.explorer import Explorer, Saved
from codelab.workspace.record import WorkspaceRecord
from codelab.workspace.service import Workspaces

OwnRequest = Request[Principal, Any, Any]
WorkspacesService = NamedDependency[Workspaces]
ExplorerService = NamedDependency[Explorer]
WorkspaceId = Annotated[str, PathParameter(pattern="^[0-9a-f]{32}$")]
Place = Annotated[str, QueryParameter(max_length=4000)]
Flag = Annotated[bool, QueryParameter()]
FilePath = Annotated[str, PathParameter()]
Pattern = Annotated[str, QueryParameter(min_length=1, max_length=1000)]

_LARGEST_BODY = 8 * 1024 * 1024
# A file of 10 MB as JSON, where every character may need an escape.
_LARGEST_FILE = 24 * 1024 * 1024
_ANY = "*"


class NewWorkspace(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A folder to be registered; a relative path lies beneath the first allowed root."""

    path: Annotated[str, msgspec.Meta(min_length=1, max_length=1000)]
    name: Annotated[str, msgspec.Meta(min_length=1, max_length=100)] | None = None


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


class CodeText(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A text to be checked; the path's ending says its language."""

    path: Annotated[str, msgspec.Meta(min_length=1, max_length=4000)]
    content: Annotated[str, msgspec.Meta(max_length=1_000_000)]


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


@get("/workspaces/{workspace_id:str}/search")
async def search_files(
    workspace_id: WorkspaceId,
    request: OwnRequest,
    explorer: ExplorerService,
    pattern: Pattern,
    path: Place = "",
) -> Matches:
    """Find the lines that match a regular expression of linear time."""
    return await explorer.search(request.user, workspace_id, pattern, path)


@post("/workspaces/{workspace_id:str}/problems", status_code=200)
async def check_text(
    workspace_id: WorkspaceId,
    data: JSONBody[CodeText],
    request: OwnRequest,
    explorer: ExplorerService,
) -> Checked:
    """Say where a text is not valid in its language; it need not have been saved."""
    return await explorer.check(request.user, workspace_id, data.path, data.content)


@get("/workspaces/{workspace_id:str}/files/{file_path:path}")
async def read_file(
    workspace_id: WorkspaceId, file_path: FilePath, request: OwnRequest, explorer: ExplorerService
) -> Response[FileText]:
    """Read a text file of at most 10 MB."""
    file = await explorer.read(request.user, workspace_id, _inside(request, file_path))
    text = FileText(
        path=file.path,
        content=file.text,
        hash=file.digest,
        size=file.size,
        encoding=file.encoding,
        read_only=file.read_only,
    )
    return Response(text, headers=_tagged(file.digest))


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
        _inside(request, file_path),
        data.content,
        expected=_expected(request),
    )
    status = 201 if saved.created else 200
    return Response(saved, status_code=status, headers=_tagged(saved.hash))


@delete("/workspaces/{workspace_id:str}/files/{file_path:path}")
async def delete_file(
    workspace_id: WorkspaceId, file_path: FilePath, request: OwnRequest, explorer: ExplorerService
) -> None:
    """Delete a file, with `If-Match` only if it has this hash."""
    await explorer.delete(
        request.user, workspace_id, _inside(request, file_path), expected=_expected(request)
    )


def router(workspaces: Workspaces, explorer: Explorer) -> Router:
    """Make the module's routes, to be mounted under the API's path."""
    return Router(
        path="/",
        route_handlers=[
            list_workspaces,
            create_workspace,
            get_workspace,
            delete_workspace,
            list_tree,
            search_files,
            check_text,
            read_file,
            write_file,
            delete_file,
        ],
        dependencies={
            "workspaces": Provide(lambda: workspaces, sync_to_thread=False),
            "explorer": Provide(lambda: explorer, sync_to_thread=False),
        },
        request_max_body_size=_LARGEST_BODY,
        tags=["workspaces"],
    )


def _expected(request: OwnRequest) -> str | None:
    """Read the hash that the file must have; empty: no file; none: whatever it is."""
    if request.headers.get("if-none-match", "").strip() == _ANY:
        return ""
    tag = request.headers.get("if-match", "").strip()
    if tag in ("", _ANY):
        return None
    return tag.removeprefix("W/").strip('"')


def _tagged(digest: str) -> dict[str, str]:
    return {"ETag": f'"{digest}"'}


def _inside(request: OwnRequest, file_path: str) -> str:
    """Read the file's path as it was sent: routing tidies it, and hides that it was absolute."""
    sent = unquote(request.scope.get("raw_path", b"").decode("utf-8", "replace"))
    before, found, path = sent.partition("/files/")
    return path if found and "/workspaces/" in before else file_path.removeprefix("/")

"""Finding over HTTP: files by some letters, matches in files, and replacing them."""

from __future__ import annotations

from typing import Annotated

import msgspec
from litestar import get, post
from litestar.params import JSONBody, QueryParameter

from codelab.workspace.finding.finder import Chosen, FileNames, Replaced
from codelab.workspace.finding.occurrences import Occurrences, SearchQuery
from codelab.workspace.finding.quick_open import MOST_SHOWN
from codelab.workspace.routes.parameters import ExplorerService, OwnRequest, WorkspaceId

Letters = Annotated[str, QueryParameter(name="query", max_length=200)]
Limit = Annotated[int, QueryParameter(ge=1, le=MOST_SHOWN)]
NewText = Annotated[str, msgspec.Meta(max_length=10_000)]


class Replacement(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is searched for, and what would stand there; `$1` is an expression's first group."""

    search: SearchQuery
    replacement: NewText


class ChosenReplacement(Replacement, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A replacement, and the files in which to make it."""

    files: Annotated[tuple[Chosen, ...], msgspec.Meta(min_length=1, max_length=500)]


@get("/workspaces/{workspace_id:str}/files")
async def find_files(
    workspace_id: WorkspaceId,
    request: OwnRequest,
    explorer: ExplorerService,
    letters: Letters = "",
    limit: Limit = 50,
) -> FileNames:
    """Find the files that some letters of their paths may mean; what is ignored is left out."""
    return await explorer.finder.names(request.user, workspace_id, letters, limit)


@post("/workspaces/{workspace_id:str}/searches", status_code=200)
async def search(
    workspace_id: WorkspaceId,
    data: JSONBody[SearchQuery],
    request: OwnRequest,
    explorer: ExplorerService,
) -> Occurrences:
    """Find every match, file by file, with its columns."""
    return await explorer.finder.search(request.user, workspace_id, data)


@post("/workspaces/{workspace_id:str}/replacements/preview", status_code=200)
async def preview_replacement(
    workspace_id: WorkspaceId,
    data: JSONBody[Replacement],
    request: OwnRequest,
    explorer: ExplorerService,
) -> Occurrences:
    """Find every match, with what would stand there instead; nothing is changed."""
    return await explorer.finder.search(request.user, workspace_id, data.search, data.replacement)


@post("/workspaces/{workspace_id:str}/replacements", status_code=200)
async def replace(
    workspace_id: WorkspaceId,
    data: JSONBody[ChosenReplacement],
    request: OwnRequest,
    explorer: ExplorerService,
) -> Replaced:
    """Replace the chosen matches; a file that changed since the preview is left as it is."""
    return await explorer.finder.replace(
        request.user, workspace_id, data.search, data.replacement, data.files
    )


ROUTES = (find_files, search, preview_replacement, replace)

"""Indexes and code search over HTTP."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from litestar import Request, Router, get, post
from litestar.params import FromQuery, PathParameter, QueryParameter

from codelab.auth.api import Principal
from codelab.retrieval.searches import Searches
from codelab.retrieval.service import IndexStatus
from codelab.sdk.retrieval import Finding, SymbolPlace, SymbolPlaces
from codelab.sdk.workspace import FurtherMatches, Match

OwnRequest = Request[Principal, Any, Any]
WorkspaceId = Annotated[str, PathParameter(pattern="^[0-9a-f]{32}$")]
Pattern = Annotated[str, QueryParameter(min_length=1, max_length=1000)]
Place = Annotated[str, QueryParameter(max_length=4000)]
FilePath = Annotated[str, QueryParameter(min_length=1, max_length=4000)]
Limit = Annotated[int, QueryParameter(ge=1, le=100)]
Mode = Literal["regex", "code", "symbol"]


class SearchAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What was found, by the mode of the search.

    Args:
        matches: Lines that match an expression.
        further: Which files have more of them than are shown.
        truncated: Whether lines were left out.
        findings: Code that a description is about, the best first.
        places: Where a name is defined, the likeliest first.
        note: What the answer lacks, for instance because the index is being made; or empty.
    """

    matches: tuple[Match, ...] = ()
    further: tuple[FurtherMatches, ...] = ()
    truncated: bool = False
    findings: tuple[Finding, ...] = ()
    places: tuple[SymbolPlace, ...] = ()
    note: str = ""


def router(searches: Searches) -> Router:
    """Make the module's routes, to be mounted under the API's path."""

    @get("/{workspace_id:str}/search", summary="Search a project")
    async def search(
        workspace_id: WorkspaceId,
        request: OwnRequest,
        pattern: Pattern,
        path: Place = "",
        mode: FromQuery[Mode] = "regex",
        limit: Limit = 20,
    ) -> SearchAnswer:
        """Find lines by an expression of linear time, code by a description, or symbols by name.

        `pattern` is the expression, the description or the name. `path` bounds the first two to
        a folder, and `limit` counts files or symbols.
        """
        if mode == "regex":
            lines = await searches.lines(request.user, workspace_id, pattern, path)
            return SearchAnswer(
                matches=lines.matches, further=lines.further, truncated=lines.truncated
            )
        if mode == "code":
            code = await searches.code(request.user, workspace_id, pattern, path, limit)
            return SearchAnswer(findings=code.findings, note=code.note)
        symbols = await searches.symbols(request.user, workspace_id, pattern, limit)
        return SearchAnswer(places=symbols.places, note=symbols.note)

    @get("/{workspace_id:str}/symbols", summary="List what a file defines")
    async def read_symbols(
        workspace_id: WorkspaceId, request: OwnRequest, path: FilePath
    ) -> SymbolPlaces:
        """Return its classes, functions and the like as they are in the index, line by line."""
        return await searches.outline(request.user, workspace_id, path)

    @get("/{workspace_id:str}/index", summary="Show how far a project's index is")
    async def read_index(workspace_id: WorkspaceId, request: OwnRequest) -> IndexStatus:
        """Return state, coverage by language, freshness and vectors."""
        return await searches.status(request.user, workspace_id)

    @post("/{workspace_id:str}/index", summary="Make a project's index anew", status_code=202)
    async def rebuild_index(workspace_id: WorkspaceId, request: OwnRequest) -> IndexStatus:
        """Begin; meanwhile words are searched as they are written."""
        return await searches.rebuild(request.user, workspace_id)

    return Router(
        "/workspaces",
        route_handlers=[search, read_symbols, read_index, rebuild_index],
        tags=["Search"],
    )

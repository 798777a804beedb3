"""The interface over HTTP, for everybody: it says nothing about anybody."""

from __future__ import annotations

import asyncio
from typing import Any

from litestar import Request, Response, route
from litestar.exceptions import NotFoundException
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from codelab.auth.api import PUBLIC
from codelab.web.interface import MISSING, Answer, Interface

AnyRequest = Request[Any, Any, Any]

# The addresses of the interface's own pages; a browser may ask for any of them anew.
_PAGES = [
    "/",
    "/admin",
    "/admin/{rest:path}",
    "/settings",
    "/settings/{rest:path}",
    "/w/{rest:path}",
    "/workspaces",
]


def interface_routes(interface: Interface) -> list[HTTPRouteHandler]:
    """Make the routes of the interface's pages and assets."""
    reading: dict[str, Any] = {
        "http_method": ["GET", "HEAD"],
        "opt": PUBLIC,
        "include_in_schema": False,
    }

    @route(_PAGES, **reading)
    async def page() -> Response[bytes]:
        """Return the interface, or say in one sentence how to get it."""
        return await page_of(interface) or Response(
            MISSING.encode(), status_code=404, media_type="text/plain"
        )

    @route("/assets/{name:str}", **reading)
    async def asset(request: AnyRequest, name: FromPath[str]) -> Response[bytes]:
        """Return one of the interface's files, unless the browser has it already."""
        codings = request.headers.get("accept-encoding", "")
        found = await asyncio.to_thread(interface.asset, name, accepts=codings)
        if not found:
            raise NotFoundException()
        if found.headers["ETag"] in request.headers.get("if-none-match", ""):
            return Response(b"", status_code=304, headers=found.headers)
        return _sent(found)

    return [page, asset]


async def page_of(interface: Interface) -> Response[bytes] | None:
    """Answer with the interface's page, whatever the address; nothing where it is not built."""
    made = await asyncio.to_thread(interface.page)
    return _sent(made) if made else None


def _sent(answer: Answer) -> Response[bytes]:
    return Response(answer.body, media_type=answer.media_type, headers=answer.headers)

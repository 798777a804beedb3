"""The interactive documentation at /docs: Swagger UI from this package, nothing from elsewhere."""

from __future__ import annotations

from pathlib import Path

from litestar import Response, get
from litestar.exceptions import NotFoundException
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from codelab.auth.api import PUBLIC

_FOLDER = Path(__file__).parent / "swagger"
_TYPES = {
    "favicon-32x32.png": "image/png",
    "init.js": "text/javascript",
    "swagger-ui-bundle.js": "text/javascript",
    "swagger-ui.css": "text/css",
}
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


def docs_routes() -> list[HTTPRouteHandler]:
    """Make the routes of the page and of its files; they say nothing about anybody."""

    @get("/docs", opt=PUBLIC, include_in_schema=False, sync_to_thread=True)
    def page() -> Response[bytes]:
        """Return the page."""
        return _file("index.html", "text/html")

    @get("/docs/{name:str}", opt=PUBLIC, include_in_schema=False, sync_to_thread=True)
    def part(name: FromPath[str]) -> Response[bytes]:
        """Return one of the page's own files."""
        if name not in _TYPES:
            raise NotFoundException()
        return _file(name, _TYPES[name])

    return [page, part]


def _file(name: str, media_type: str) -> Response[bytes]:
    return Response(
        (_FOLDER / name).read_bytes(),
        media_type=media_type,
        headers={"Content-Security-Policy": _POLICY, "Cache-Control": "no-cache"},
    )

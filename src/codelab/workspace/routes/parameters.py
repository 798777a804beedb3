"""What the module's routes have in common: their parameters, and what is asked of headers."""

from __future__ import annotations

from typing import Annotated, Any
from urllib.parse import unquote

from litestar import Request
from litestar.di import NamedDependency
from litestar.params import PathParameter, QueryParameter

from codelab.auth.api import Principal
from codelab.workspace.explorer import Explorer
from codelab.workspace.service import Workspaces

OwnRequest = Request[Principal, Any, Any]
WorkspacesService = NamedDependency[Workspaces]
ExplorerService = NamedDependency[Explorer]
WorkspaceId = Annotated[str, PathParameter(pattern="^[0-9a-f]{32}$")]
Place = Annotated[str, QueryParameter(max_length=4000)]
Flag = Annotated[bool, QueryParameter()]
FilePath = Annotated[str, PathParameter()]

_ANY = "*"


def expected(request: OwnRequest) -> str | None:
    """Read the hash that the file must have; empty: no file; none: whatever it is."""
    if request.headers.get("if-none-match", "").strip() == _ANY:
        return ""
    tag = request.headers.get("if-match", "").strip()
    if tag in ("", _ANY):
        return None
    return tag.removeprefix("W/").strip('"')


def tagged(digest: str) -> dict[str, str]:
    """Return the header that names the bytes."""
    return {"ETag": f'"{digest}"'}


def inside(request: OwnRequest, path: str, *, behind: str = "/files/") -> str:
    """Read a path as it was sent: routing tidies it, and hides that it was absolute.

    Args:
        request: The request.
        path: What routing made of it.
        behind: The part of the address that it follows.
    """
    address = request.scope.get("raw_path", b"").partition(b"?")[0]
    sent = unquote(address.decode("utf-8", "replace"))
    before, found, rest = sent.partition(behind)
    return rest if found and "/workspaces/" in before else path.removeprefix("/")

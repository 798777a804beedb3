"""The module's routes over the real service, with the edges stood in for."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from litestar import Litestar, Request, Response, Router
from litestar.connection import ASGIConnection
from litestar.middleware import AbstractAuthenticationMiddleware, AuthenticationResult

from codelab.auth.api import Principal
from codelab.auth.models import users
from codelab.kit.bus import Bus
from codelab.kit.db import Database
from codelab.kit.errors import CodeLabError
from codelab.kit.events import Event
from codelab.kit.ratelimit import RateLimiter
from codelab.workspace.api import Explorer, Workspaces, WorkspaceSettings
from codelab.workspace.models import workspaces as table
from codelab.workspace.routes import router
from tests.support.http import Client, client_of
from tests.support.tables import make_tables

ADA = Principal(user_id="a" * 32, name="ada", role="admin")
EVE = Principal(user_id="e" * 32, name="eve")
LIMIT = 60


class ByHeader(AbstractAuthenticationMiddleware):
    """Stands in for the sign-in: the header names the user."""

    async def authenticate_request(
        self, connection: ASGIConnection[Any, Any, Any, Any]
    ) -> AuthenticationResult:
        user = EVE if connection.headers.get("x-user") == "eve" else ADA
        return AuthenticationResult(user=user, auth=user)


def problem(request: Request[Any, Any, Any], error: CodeLabError) -> Response[dict[str, Any]]:
    """Stands in for the gateway, which writes problem details."""
    content = {"code": error.code, "detail": error.message, "retry": error.retry_after_s}
    headers = dict(getattr(error, "headers", {}))
    return Response(content, status_code=error.status, headers=headers)


@asynccontextmanager
async def served(
    sqlite_url: str, root: Path, data_dir: Path, published: list[Event], limit: int = LIMIT
) -> AsyncIterator[Client]:
    """Serve one workspace, and keep what is published."""
    bus = Bus()
    bus.subscribe(Event, published.append)
    db = Database(sqlite_url, bus)
    await make_tables(db, [users, table])
    workspaces = Workspaces(db, WorkspaceSettings(data_dir=data_dir))
    shared = await workspaces.ensure(root)
    explorer = Explorer(workspaces, RateLimiter(), bus, per_hour=limit)
    app = Litestar(
        [Router("/api/v1", route_handlers=[router(workspaces, explorer)])],
        middleware=[ByHeader],
        exception_handlers={CodeLabError: problem},
        openapi_config=None,
    )
    async with client_of(app) as made:
        made.base_url = f"http://codelab.local/api/v1/workspaces/{shared.id}/"
        yield made
    await workspaces.close()
    await db.close()

"""Workspaces and their files over HTTP: all routes together."""

from __future__ import annotations

from litestar import Router
from litestar.di import Provide

from codelab.workspace.explorer import Explorer
from codelab.workspace.routes import checking, files, finding, folders, workspaces
from codelab.workspace.service import Workspaces

_LARGEST_BODY = 8 * 1024 * 1024


def router(of: Workspaces, explorer: Explorer) -> Router:
    """Make the module's routes, to be mounted under the API's path."""
    return Router(
        path="/",
        route_handlers=[
            *workspaces.ROUTES,
            *files.ROUTES,
            *checking.ROUTES,
            *folders.ROUTES,
            *finding.ROUTES,
        ],
        dependencies={
            "workspaces": Provide(lambda: of, sync_to_thread=False),
            "explorer": Provide(lambda: explorer, sync_to_thread=False),
        },
        request_max_body_size=_LARGEST_BODY,
        tags=["workspaces"],
    )

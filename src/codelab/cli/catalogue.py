"""The installation's models, for commands."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from codelab.app import CodeLab, create_app
from codelab.settings import Settings


@asynccontextmanager
async def opened_server(settings: Settings) -> AsyncIterator[CodeLab]:
    """Lend a server that does not run, with all models that are found by themselves.

    Raises:
        CodeLabError: The models file, a plugin or a setting cannot be used.
    """
    server = create_app(settings)
    try:
        await server.models.warm_up()
        yield server
    finally:
        await server.models.close()
        await server.db.close()

"""The installation's models, for commands."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from codelab.app import create_app
from codelab.llm.api import Models
from codelab.settings import Settings


@asynccontextmanager
async def opened_models(settings: Settings) -> AsyncIterator[Models]:
    """Lend the models as the server would use them, with all that are found by themselves.

    Raises:
        CodeLabError: The models file, a plugin or a setting cannot be used.
    """
    models = create_app(settings).models
    try:
        await models.warm_up()
        yield models
    finally:
        await models.close()

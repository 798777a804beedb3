"""The real model, for tests that need it; they are left out where it is not installed."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from codelab_embedded import installed
from codelab_embedded.client import EmbeddedModel
from codelab_embedded.local_server import LocalServer


@pytest.fixture
async def server() -> AsyncIterator[LocalServer]:
    if missing := installed.advice():
        pytest.skip(missing)
    made = LocalServer()
    yield made
    await made.close()


@pytest.fixture
def model(server: LocalServer) -> EmbeddedModel:
    return EmbeddedModel(server.lent)

"""One server for all these tests; each test has a key of its own."""

import uuid
from collections.abc import Iterator

import pytest

from tests.model_server.process import ModelServer
from tests.model_server_tests.reading import Asker


@pytest.fixture(scope="session")
def model_server() -> Iterator[ModelServer]:
    """The shared server."""
    with ModelServer() as server:
        yield server


@pytest.fixture
def asker(model_server: ModelServer) -> Asker:
    """A client with a fresh key."""
    return Asker(model_server, f"key-{uuid.uuid4().hex}")

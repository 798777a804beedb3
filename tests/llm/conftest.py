"""One model server for these tests, and a model layer that is pointed at it."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from codelab.auth.models import users
from codelab.kit.bus import Bus
from codelab.kit.clock import utc_now
from codelab.kit.db import Database
from codelab.kit.ids import new_id
from codelab.llm.models import llm_budgets, llm_models, llm_reservations, llm_usage
from tests.llm.layer import Layer
from tests.model_server.process import ModelServer
from tests.support import node
from tests.support.aimock import Aimock
from tests.support.tables import make_tables

TABLES = [users, llm_usage, llm_budgets, llm_reservations, llm_models]


@pytest.fixture(scope="session")
def model_server() -> Iterator[ModelServer]:
    """The shared server."""
    with ModelServer() as server:
        yield server


@pytest.fixture(scope="session")
def aimock() -> Iterator[Aimock]:
    """The other server that speaks the providers' wires, where node is there to run it."""
    if reason := node.absent():
        pytest.skip(reason)
    with Aimock() as server:
        yield server


@pytest.fixture
def key() -> str:
    """A key that no other test uses."""
    return f"sk-test-{uuid.uuid4().hex}"


@pytest.fixture
async def layer(
    sqlite_url: str, tmp_path: Path, model_server: ModelServer, key: str
) -> AsyncIterator[Layer]:
    """Makes model layers on SQLite."""
    async with _opened(sqlite_url) as (db, bus):
        made = Layer(model_server, key, tmp_path, db, bus)
        yield made
        await made.close()


@pytest.fixture
async def any_layer(
    database_url: str, tmp_path: Path, model_server: ModelServer, key: str
) -> AsyncIterator[Layer]:
    """Makes model layers, once on each kind of database."""
    async with _opened(database_url) as (db, bus):
        made = Layer(model_server, key, tmp_path, db, bus)
        yield made
        await made.close()


class _opened:
    def __init__(self, url: str) -> None:
        self._bus = Bus()
        self._db = Database(url, self._bus)

    async def __aenter__(self) -> tuple[Database, Bus]:
        await make_tables(self._db, TABLES)
        return self._db, self._bus

    async def __aexit__(self, *error: object) -> None:
        await self._db.close()


@pytest.fixture
async def user_id(layer: Layer) -> str:
    """A user of the layer's database."""
    return await add_user(layer.db)


async def add_user(db: Database) -> str:
    """Add a user and return the id."""
    number = new_id()
    async with db.transaction() as tx:
        row = {
            "id": number,
            "name": number,
            "name_key": number,
            "role": "user",
            "password_hash": "-",
            "created_at": utc_now(),
        }
        await tx.execute(users.insert(), [row])
    return number

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack

import pytest
from msgspec import convert

from codelab.auth import models
from codelab.auth.api import Auth, AuthSettings
from codelab.kit.bus import Bus
from codelab.kit.db import Database
from codelab.kit.events import Event
from tests.support.tables import make_tables

SECRET = "a-secret-of-the-tests-that-is-long-enough"
TABLES = [
    models.users,
    models.token_families,
    models.refresh_tokens,
    models.ws_tickets,
    models.setup_tokens,
    models.sign_in_failures,
    models.api_tokens,
    models.user_preferences,
]

Replica = Callable[..., Auth]


@pytest.fixture
def published() -> list[Event]:
    """What was published on any replica's bus."""
    return []


@pytest.fixture
async def replica(database_url: str, published: list[Event]) -> AsyncIterator[Replica]:
    """Makes replicas: an `Auth` each with a bus and an engine of its own on the same database."""
    async with AsyncExitStack() as stack:

        def make(**changes: object) -> Auth:
            bus = Bus()
            bus.subscribe(Event, published.append)
            db = Database(database_url, bus)
            stack.push_async_callback(db.close)
            cheap = {"secrets": (SECRET,), "hash_memory_kib": 1024, "hash_rounds": 1}
            auth = Auth(db, convert({**cheap, "standing_ttl_s": 0, **changes}, AuthSettings))
            stack.push_async_callback(auth.api_tokens.close)
            return auth

        first = Database(database_url, Bus())
        stack.push_async_callback(first.close)
        await make_tables(first, TABLES)
        yield make


@pytest.fixture
async def auth(replica: Replica) -> Auth:
    """One replica that asks the database each time."""
    return replica()

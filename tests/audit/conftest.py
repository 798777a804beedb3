"""An audit log on a real database, without the modules that it listens to."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import sqlalchemy as sa

from codelab.audit.entry import AuditEntry, Observation, entry_of
from codelab.audit.models import audit_head, audit_log
from codelab.audit.service import Audit
from codelab.kit.bus import Bus
from codelab.kit.db import Database
from codelab.kit.request_context import RequestContext
from codelab.kit.secret_key import new_key
from tests.support.tables import make_tables

SECRETS = (new_key(),)


class Log:
    """The audit log with its bus and its database."""

    def __init__(self, database_url: str) -> None:
        self.bus = Bus()
        self.db = Database(database_url, self.bus)
        self.audit = Audit(self.db, self.bus, SECRETS)

    async def create_tables(self) -> None:
        """Make the log's tables, as the server finds them."""
        await create_tables(self.db)


async def create_tables(db: Database) -> None:
    """Make the log's tables."""
    await make_tables(db, [audit_log, audit_head])


def entry(action: str = "a.b") -> AuditEntry:
    """Make an entry."""
    seen = Observation(action=action, resource_type="t", resource_id="1")
    return entry_of(seen, RequestContext())


async def stored(db: Database) -> int:
    """Count the entries."""
    async with db.read() as connection:
        count = await connection.scalar(sa.select(sa.func.count()).select_from(audit_log))
    return count or 0


@pytest.fixture
async def log(database_url: str) -> AsyncIterator[Log]:
    """A started log on each kind of database."""
    made = Log(database_url)
    await made.create_tables()
    await made.audit.start()
    yield made
    await made.audit.close()
    await made.db.close()

"""An audit log on a real database, without the modules that it listens to."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from codelab.audit.models import audit_log
from codelab.audit.service import Audit
from codelab.kit.bus import Bus
from codelab.kit.db import Database


class Log:
    """The audit log with its bus and its database."""

    def __init__(self, database_url: str) -> None:
        self.bus = Bus()
        self.db = Database(database_url, self.bus)
        self.audit = Audit(self.db, self.bus)


@pytest.fixture
async def log(database_url: str) -> AsyncIterator[Log]:
    """A started log on each kind of database."""
    made = Log(database_url)
    async with made.db.engine.begin() as connection:
        await connection.run_sync(audit_log.create)
    await made.audit.start()
    yield made
    await made.audit.close()
    await made.db.close()

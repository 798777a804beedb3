"""Runs the migrations. Alembic takes long to import, so only who migrates imports this module."""

from __future__ import annotations

from collections.abc import Callable

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.pool import ConnectionPoolEntry

from codelab.kit.bus import Bus
from codelab.kit.db import Database
from codelab.kit.schema import migrations_folder

# Any number will do as long as every CodeLab uses the same one.
_ADVISORY_LOCK = 0x636F6465


async def upgrade(url: str, revision: str = "head") -> None:
    """Bring a database up to a revision: wholly or, when killed, not at all.

    Two at once are safe: the second waits, and then finds nothing left to do.

    Args:
        url: The database, as in CODELAB_DATABASE_URL.
        revision: A revision's number, or `head`.
    """
    await _migrate(url, lambda config: command.upgrade(config, revision))


async def downgrade(url: str, revision: str) -> None:
    """Take a database back to a revision; `base` removes all tables and what is in them."""
    await _migrate(url, lambda config: command.downgrade(config, revision))


async def _migrate(url: str, run: Callable[[Config], None]) -> None:
    db = Database(url, Bus())
    if db.embedded:
        sa.event.listen(db.engine.sync_engine, "connect", _lift_foreign_keys)

    def migrate(connection: sa.Connection) -> None:
        config = Config(attributes={"connection": connection})
        # The configuration's parser would read a per cent sign in the path as its own.
        folder = str(migrations_folder()).replace("%", "%%")
        config.set_main_option("script_location", folder)
        config.set_main_option("path_separator", "os")
        run(config)

    try:
        async with db.engine.begin() as connection:
            if not db.embedded:
                await connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_ADVISORY_LOCK)))
            await connection.run_sync(migrate)
    finally:
        await db.close()


def _lift_foreign_keys(connection: DBAPIConnection, record: ConnectionPoolEntry) -> None:
    # SQLite changes a table by making it anew; dropping the old one would delete what refers to it.
    cursor = connection.cursor()
    cursor.execute("PRAGMA foreign_keys=OFF")
    cursor.close()

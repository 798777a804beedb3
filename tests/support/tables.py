"""Tables in an empty database by one script: one by one they take several times as long."""

from __future__ import annotations

from collections.abc import Collection
from functools import cache
from typing import Any

import sqlalchemy as sa

from codelab.kit.db import Database, metadata

_SQLITE = "sqlite"


async def make_tables(db: Database, tables: Collection[sa.Table] | None = None) -> None:
    """Make some tables, or all that are known."""
    made = metadata.sorted_tables if tables is None else tables
    dialect = db.engine.dialect.name
    script = _script(dialect, tuple(made))
    async with db.engine.connect() as connection:
        raw = await connection.get_raw_connection()
        driver: Any = raw.driver_connection
        # Both run many statements at once, which SQLAlchemy does not know.
        await (driver.executescript(script) if dialect == _SQLITE else driver.execute(script))


@cache
def _script(dialect: str, tables: tuple[sa.Table, ...]) -> str:
    statements: list[str] = []

    def note(statement: Any, *_: object, **__: object) -> None:
        whole = statement.compile(dialect=engine.dialect, compile_kwargs={"literal_binds": True})
        statements.append(str(whole).strip())

    engine = sa.create_mock_engine(sa.make_url(f"{dialect}://"), note)
    metadata.create_all(engine, tables, checkfirst=False)
    return ";\n".join(statements)

"""Replacing the secret key: afterwards the new one opens everything."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import sqlalchemy as sa
from click.testing import CliRunner

from codelab.cli.main import main
from codelab.cli.resealing import Resealed, reseal
from codelab.kit.bus import Bus
from codelab.kit.crypto import Cipher
from codelab.kit.db import Database
from codelab.kit.secret_key import check, new_key

OLD, NEW = new_key(), new_key()
ROWS = 1201

known = sa.MetaData()
notes = sa.Table(
    "notes",
    known,
    sa.Column("part", sa.String(32), primary_key=True),
    sa.Column("number", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("title", sa.LargeBinary, nullable=False),
    sa.Column("body", sa.LargeBinary),
)


def context(column: str, number: int) -> str:
    return f"notes.{column}:a:{number}"


@pytest.fixture
async def db(database_url: str) -> AsyncIterator[Database]:
    """A database with sealed texts, as the former key sealed them."""
    database = Database(database_url, Bus())
    old = Cipher([OLD])
    async with database.engine.begin() as connection:
        await connection.run_sync(known.create_all)
        await connection.execute(
            sa.insert(notes),
            [
                {
                    "part": "a",
                    "number": number,
                    "title": old.seal(b"title", context("title", number)),
                    "body": None if number % 2 else old.seal(b"body", context("body", number)),
                }
                for number in range(ROWS)
            ],
        )
    yield database
    await database.close()


async def test_every_sealed_value_is_renewed_once(db: Database) -> None:
    both = Cipher([NEW, OLD])
    assert await reseal(db, both) == Resealed(renewed=ROWS + 601, broken=0)
    assert await reseal(db, both) == Resealed(renewed=0, broken=0)
    alone = Cipher([NEW])
    async with db.read() as connection:
        for row in await connection.execute(sa.select(notes)):
            assert alone.open(row.title, context("title", row.number)) == b"title"
            if row.body is not None:
                assert alone.open(row.body, context("body", row.number)) == b"body"


async def test_what_no_key_opens_is_counted_and_kept(db: Database) -> None:
    foreign = Cipher([new_key()]).seal(b"x", context("title", 0))
    async with db.transaction() as tx:
        await tx.execute(sa.update(notes).where(notes.c.number == 0).values(title=foreign))
    assert (await reseal(db, Cipher([NEW, OLD]))).broken == 1
    async with db.read() as connection:
        kept = await connection.scalar(sa.select(notes.c.title).where(notes.c.number == 0))
    assert kept == foreign


def test_a_printed_key_is_strong_enough() -> None:
    result = CliRunner().invoke(main, ["secret"])
    check(result.output.strip())

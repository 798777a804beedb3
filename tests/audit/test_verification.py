"""Verification on real databases, against somebody who owns the database but not the key."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

from codelab.audit.api import Head, attest, verify
from codelab.audit.chain import audit_signer
from codelab.audit.errors import ChainBroken
from codelab.audit.models import audit_head, audit_log
from codelab.audit.recorder import Recorder
from codelab.kit.bus import Bus
from codelab.kit.db import Database
from codelab.kit.errors import Unavailable
from codelab.kit.secret_key import new_key
from tests.audit.conftest import SECRETS, Log, entry

# More than one page.
MANY = 1203

CHANGES: dict[str, Any] = {
    "id": "f" * 32,
    "timestamp": datetime(2020, 1, 1, tzinfo=UTC),
    "user_id": "other",
    "session_id": "other",
    "action": "auth.nothing",
    "resource_type": "other",
    "resource_id": "other",
    "details": '{"n":1}',
    "ip_address": "192.0.2.9",
    "user_agent": "other",
    "seq": 99,
    "previous_hash": "0" * 64,
    "hash": "1" * 64,
    "signature": "2" * 64,
}


async def write(db: Database, count: int, secrets: tuple[str, ...] = SECRETS) -> None:
    recorder = Recorder(db, audit_signer(secrets))
    for number in range(count):
        recorder.add(entry(f"a.number_{number}"))
    await recorder.flush()


async def tamper(db: Database, *statements: sa.Executable) -> None:
    """Do what only the owner of the database can: without the triggers."""
    async with db.transaction() as tx:
        if db.embedded:
            await tx.execute(sa.text("DROP TRIGGER IF EXISTS audit_log_no_update"))
            await tx.execute(sa.text("DROP TRIGGER IF EXISTS audit_log_no_delete"))
        else:
            await tx.execute(sa.text("ALTER TABLE audit_log DISABLE TRIGGER ALL"))
        for statement in statements:
            await tx.execute(statement)


async def found(db: Database, noted: Head | None = None) -> str:
    with pytest.raises(ChainBroken) as caught:
        await verify(db, SECRETS, noted)
    return caught.value.message


@pytest.fixture
async def written(log: Log) -> AsyncIterator[Log]:
    """A log of seven entries."""
    await write(log.db, 7)
    yield log


def test_every_column_is_tried_below() -> None:
    assert set(CHANGES) == set(audit_log.c.keys())


async def test_an_empty_log_and_one_of_several_pages_are_intact(log: Log) -> None:
    assert (await verify(log.db, SECRETS)).head == Head()
    await write(log.db, MANY)
    verified = await verify(log.db, SECRETS)
    assert (verified.head.seq, verified.unsigned) == (MANY, 0)
    assert await verify(log.db, SECRETS, verified.head) == verified
    await write(log.db, 1)
    assert (await verify(log.db, SECRETS, verified.head)).head.seq == MANY + 1


@pytest.mark.parametrize("name", CHANGES)
async def test_a_changed_column_is_found(written: Log, name: str) -> None:
    columns = audit_log.c
    change = sa.update(audit_log).where(columns.seq == 4).values({name: CHANGES[name]})
    await tamper(written.db, change)
    assert "ntry 4 " in await found(written.db)


async def test_a_removed_entry_is_found(written: Log) -> None:
    await tamper(written.db, sa.delete(audit_log).where(audit_log.c.seq == 3))
    assert (await found(written.db)).startswith("Entry 3 is missing: after entry 2 (")


async def test_entries_that_were_cut_off_are_found(written: Log) -> None:
    noted = (await verify(written.db, SECRETS)).head
    await tamper(written.db, sa.delete(audit_log).where(audit_log.c.seq > 5))
    assert (await found(written.db)).startswith("Entry 6 is missing: the log ends with entry 5 (")
    async with written.db.read() as db:
        last = await db.scalar(sa.select(audit_log.c.hash).where(audit_log.c.seq == 5))
    await tamper(written.db, sa.update(audit_head).values(seq=5, hash=last))
    # With the head rewritten nothing shows, but by what was noted elsewhere.
    assert (await verify(written.db, SECRETS)).head == Head(5, last or "")
    assert "entry 7 was noted" in await found(written.db, noted)
    await write(written.db, 9)
    assert (await found(written.db, noted)).startswith("Entry 7 (")


async def test_a_head_that_was_changed_or_removed_is_found(written: Log) -> None:
    await tamper(written.db, sa.update(audit_head).values(seq=6))
    assert "left it at 6:" in await found(written.db)
    await tamper(written.db, sa.update(audit_head).values(seq=7, hash="0" * 64))
    assert "left it at 7:" in await found(written.db)
    await tamper(written.db, sa.delete(audit_head))
    assert "head of the audit log was removed" in await found(written.db)


async def test_an_entry_with_a_number_before_the_first_is_found(written: Log) -> None:
    put: dict[str, Any] = {"id": sa.literal("f" * 32), "seq": sa.literal(-1, sa.BigInteger)}
    copied = sa.select(*(put.get(name, audit_log.c[name]) for name in CHANGES))
    copied = copied.where(audit_log.c.seq == 1)
    await tamper(written.db, sa.insert(audit_log).from_select(list(CHANGES), copied))
    assert "Entry -1 (" in await found(written.db)


@pytest.mark.parametrize(
    ("column", "garbage"),
    [
        ("timestamp", "'yesterday'"),
        ("user_id", "17"),
        ("details", "CAST(x'ff' AS TEXT)"),
        ("signature", "x'00'"),
    ],
)
async def test_what_no_driver_can_read_is_found_too(
    sqlite_url: str, column: str, garbage: str
) -> None:
    log = Log(sqlite_url)
    await log.create_tables()
    await write(log.db, 7)
    await tamper(log.db, sa.text("ALTER TABLE audit_log RENAME COLUMN user_id TO user_id_"))
    await tamper(log.db, sa.text("ALTER TABLE audit_log ADD COLUMN user_id"))
    await tamper(log.db, sa.text("UPDATE audit_log SET user_id = user_id_"))
    change = sa.update(sa.table("audit_log", sa.column("seq"), sa.column(column)))
    change = change.where(sa.column("seq") == 4)
    await tamper(log.db, change.values({column: sa.literal_column(garbage)}))
    assert (await found(log.db)).startswith("Entry 4 cannot be read")
    await log.db.close()


CHANGED = sa.update(audit_log).values(action="x")


@pytest.mark.parametrize("statement", [CHANGED, sa.delete(audit_log)], ids=["update", "delete"])
async def test_the_database_itself_refuses_to_change_entries(
    written: Log, statement: sa.Executable
) -> None:
    with pytest.raises(DBAPIError, match="append-only"):
        async with written.db.transaction() as tx:
            await tx.execute(statement)
    assert (await verify(written.db, SECRETS)).head.seq == 7


async def test_a_server_refuses_to_empty_the_log(postgres_url: str) -> None:
    log = Log(postgres_url)
    await log.create_tables()
    with pytest.raises(DBAPIError, match="append-only"):
        async with log.db.transaction() as tx:
            await tx.execute(sa.text("TRUNCATE audit_log"))
    await log.db.close()


async def test_a_key_is_replaced_and_the_former_one_thrown_away(written: Log) -> None:
    newer = (new_key(), *SECRETS)
    await write(written.db, 2, newer)
    with pytest.raises(ChainBroken, match="CODELAB_SECRET_KEYS_PREVIOUS"):
        await verify(written.db, newer[:1])
    assert (await attest(written.db, newer)).seq == 9
    await write(written.db, 1, newer)
    assert (await verify(written.db, newer[:1])).head.seq == 11


async def test_nobody_vouches_for_a_log_that_was_changed(written: Log) -> None:
    await tamper(written.db, sa.update(audit_log).values(action="x").where(audit_log.c.seq == 2))
    with pytest.raises(ChainBroken):
        await attest(written.db, (new_key(), *SECRETS))
    async with written.db.read() as db:
        assert await db.scalar(sa.select(sa.func.max(audit_log.c.seq))) == 7


async def test_a_database_that_is_away_is_no_broken_chain() -> None:
    db = Database("postgresql+asyncpg://ann:x@127.0.0.1:1/x", Bus())
    with pytest.raises(Unavailable):
        await verify(db, SECRETS)
    await db.close()

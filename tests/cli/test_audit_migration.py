"""The audit log of an earlier release becomes a chain, wholly or not at all."""

from __future__ import annotations

import asyncio
import signal
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

from codelab.audit.api import Audit, AuditFilter, Observation, verify
from codelab.audit.errors import ChainBroken
from codelab.cli.migration import downgrade, upgrade
from codelab.kit.bus import Bus
from codelab.kit.db import UtcDateTime
from codelab.kit.schema import SchemaState, read_version
from tests.cli.test_migration import migrate, opened, until_migrating

SECRETS = ["a secret of the tests that is long enough"]
BEFORE = 2501
MOMENT = datetime(2026, 1, 1, tzinfo=UTC)

# As the first release made it.
FORMER = sa.table(
    "audit_log",
    sa.column("id"),
    sa.column("timestamp", UtcDateTime),
    *(sa.column(name) for name in ("user_id", "session_id", "action", "resource_type")),
    *(sa.column(name) for name in ("resource_id", "details", "ip_address", "user_agent")),
)


def former(number: int) -> dict[str, Any]:
    return {
        "id": f"{number:032x}",
        "timestamp": MOMENT + timedelta(seconds=number, microseconds=number % 3),
        "user_id": "u" if number % 2 else None,
        "session_id": None if number % 2 else "s",
        "action": "a.b",
        "resource_type": "t",
        "resource_id": 'é \u2028 "',
        "details": '{"n":1}',
        "ip_address": "192.0.2.7",
        "user_agent": "",
    }


@pytest.fixture
async def former_url(database_url: str) -> str:
    """A database of the first release, with entries."""
    await upgrade(database_url, "0001")
    async with opened(database_url) as db, db.transaction() as tx:
        # Not in the order of their identifiers.
        rows = [former(number) for number in range(BEFORE, 0, -1)]
        await tx.execute(sa.insert(FORMER), rows)
    return database_url


async def test_what_was_there_is_chained_in_its_order_and_what_comes_is_signed(
    former_url: str,
) -> None:
    await upgrade(former_url)
    async with opened(former_url) as db:
        verified = await verify(db, SECRETS, unsigned=BEFORE)
        assert (verified.head.seq, verified.unsigned) == (BEFORE, BEFORE)
        audit = Audit(db, Bus(), SECRETS)
        audit.record(Observation(action="a.new", resource_type="t", resource_id="1"))
        newest, last = await audit.list_entries(AuditFilter(limit=2))
        assert (newest.action, newest.seq) == ("a.new", BEFORE + 1)
        assert (last.id, last.seq) == (f"{BEFORE:032x}", BEFORE)
        verified = await verify(db, SECRETS, unsigned=BEFORE)
        assert (verified.head.seq, verified.unsigned) == (BEFORE + 1, BEFORE)


async def test_the_tables_of_a_migration_refuse_changes(former_url: str) -> None:
    await upgrade(former_url)
    async with opened(former_url) as db:
        for statement in (
            sa.update(FORMER).values(action="x"),
            sa.delete(FORMER).where(sa.column("id") == f"{7:032x}"),
        ):
            with pytest.raises(DBAPIError, match="append-only"):
                async with db.transaction() as tx:
                    await tx.execute(statement)


async def test_a_change_of_what_was_there_is_found(former_url: str) -> None:
    await upgrade(former_url)
    async with opened(former_url) as db:
        async with db.transaction() as tx:
            if db.embedded:
                await tx.execute(sa.text("DROP TRIGGER audit_log_no_update"))
            else:
                await tx.execute(sa.text("DROP TRIGGER audit_log_append_only ON audit_log"))
            change = sa.update(FORMER).where(sa.column("id") == f"{7:032x}")
            await tx.execute(change.values(ip_address="192.0.2.8"))
        with pytest.raises(ChainBroken, match="Entry 7 "):
            await verify(db, SECRETS)


async def test_the_way_back_keeps_every_entry(former_url: str) -> None:
    await upgrade(former_url)
    await downgrade(former_url, "0001")
    async with opened(former_url) as db, db.read() as connection:
        rows = (await connection.execute(sa.select(FORMER).order_by(sa.column("id")))).all()
    assert [dict(row._mapping) for row in rows] == [former(n) for n in range(1, BEFORE + 1)]
    await upgrade(former_url)
    async with opened(former_url) as db:
        assert (await verify(db, SECRETS, unsigned=BEFORE)).unsigned == BEFORE


async def test_one_that_is_killed_midway_is_completed_by_the_next(
    former_url: str, tmp_path: Path
) -> None:
    process = migrate(former_url, tmp_path)
    async with opened(former_url) as db:
        await until_migrating(db, process)
        process.send_signal(signal.SIGKILL)
        await asyncio.to_thread(process.communicate)
        assert (await read_version(db)).state in (SchemaState.OLDER, SchemaState.CURRENT)
        again = migrate(former_url, tmp_path)
        _, err = await asyncio.to_thread(again.communicate)
        assert again.returncode == 0, err
        assert (await read_version(db)).state is SchemaState.CURRENT
        assert (await verify(db, SECRETS, unsigned=BEFORE)).head.seq == BEFORE

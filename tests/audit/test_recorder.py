"""The way into the table: in batches, whole, once each, and not lost while the database is away."""

import asyncio
from datetime import UTC, datetime

import msgspec
import pytest
import sqlalchemy as sa

from codelab.audit import repository
from codelab.audit.api import Audit, Observation, verify
from codelab.audit.chain import audit_signer
from codelab.audit.models import audit_head
from codelab.audit.recorder import Recorder
from codelab.kit.bus import Bus
from codelab.kit.db import Database
from tests.audit.conftest import SECRETS, Log, create_tables, entry, stored
from tests.support.servers import PostgresServer

NOW = datetime(2026, 1, 1, tzinfo=UTC)
SEEN = Observation(action="a.b", resource_type="t", resource_id="1")


async def test_entries_are_written_within_a_moment_without_being_asked_for(log: Log) -> None:
    log.audit.record(SEEN)
    await until_stored(log.db)


async def until_stored(db: Database) -> None:
    for _ in range(100):
        if await stored(db):
            return
        await asyncio.sleep(0.05)
    raise TimeoutError


async def test_a_clean_stop_loses_nothing(database_url: str) -> None:
    log = Log(database_url)
    await log.create_tables()
    await log.audit.start()
    for _ in range(3000):
        log.audit.record(SEEN)
    await log.audit.close()
    assert await stored(log.db) == 3000
    assert log.audit.lost == 0
    await log.db.close()


async def test_an_entry_that_cannot_be_stored_takes_no_other_with_it(log: Log) -> None:
    recorder = Recorder(log.db, audit_signer(SECRETS))
    wrong = msgspec.structs.replace(entry(), timestamp=NOW.replace(tzinfo=None))
    twice = entry()
    for one in (entry(), wrong, twice, twice, entry()):
        recorder.add(one)
    await recorder.flush()
    assert await stored(log.db) == 3
    assert recorder.lost == 1


async def test_the_queue_is_bounded_and_weighty_entries_have_more_room(sqlite_url: str) -> None:
    db = Database(sqlite_url, Bus())
    recorder = Recorder(db, audit_signer(SECRETS), capacity=10)
    for _ in range(15):
        recorder.add(entry())
    assert recorder.lost == 5
    for _ in range(15):
        recorder.add(entry("approval.used"), weighty=True)
    assert recorder.lost == 10
    await create_tables(db)
    await recorder.flush()
    assert await stored(db) == 20
    await db.close()


async def test_entries_wait_while_the_database_is_away(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    folder = tmp_path_factory.mktemp("postgres")
    for part in (folder, folder.parent, folder.parent.parent):
        part.chmod(0o711)
    server = PostgresServer(folder)
    server.start()
    bus = Bus()
    db = Database(server.url.replace("postgresql:", "postgresql+asyncpg:"), bus)
    audit = Audit(db, bus, SECRETS)
    try:
        await create_tables(db)
        await audit.start()
        audit.record(SEEN)
        await until_stored(db)
        await asyncio.to_thread(server.kill)
        audit.record(SEEN)
        await asyncio.sleep(1.2)
        audit.record(SEEN)
        await asyncio.to_thread(server.start)
        await audit.close()
        assert await stored(db) == 3
        assert audit.lost == 0
    finally:
        await db.close()
        server.kill()


async def test_a_batch_whose_confirmation_was_lost_is_there_once(log: Log) -> None:
    signer = audit_signer(SECRETS)
    batch = [entry() for _ in range(5)]
    async with log.db.transaction() as tx:
        await repository.append(tx, batch, signer)
    # The recorder never heard of it, tries again, and more has come meanwhile.
    recorder = Recorder(log.db, signer)
    for one in (*batch, entry(), entry()):
        recorder.add(one)
    await recorder.flush()
    assert recorder.lost == 0
    assert (await verify(log.db, SECRETS)).head.seq == await stored(log.db) == 7


async def test_a_batch_that_fails_leaves_the_head_where_it_was(log: Log) -> None:
    signer = audit_signer(SECRETS)
    recorder = Recorder(log.db, signer)
    recorder.add(entry())
    await recorder.flush()
    before = await verify(log.db, SECRETS)
    with pytest.raises(ZeroDivisionError):
        async with log.db.transaction() as tx:
            await repository.append(tx, [entry(), entry()], signer)
            raise ZeroDivisionError
    assert await verify(log.db, SECRETS) == before


async def test_an_entry_whose_place_is_taken_is_lost_aloud_and_not_taken_for_written(
    log: Log,
) -> None:
    recorder = Recorder(log.db, audit_signer(SECRETS))
    recorder.add(entry())
    await recorder.flush()
    async with log.db.transaction() as tx:
        await tx.execute(sa.update(audit_head).values(seq=0))
    recorder.add(entry())
    await recorder.flush()
    assert (recorder.lost, await stored(log.db)) == (1, 1)


async def test_replicas_that_write_at_once_make_one_chain(log: Log, database_url: str) -> None:
    others = [Database(database_url, Bus()) for _ in range(2)]
    recorders = [Recorder(db, audit_signer(SECRETS)) for db in (log.db, *others)]

    async def write(recorder: Recorder) -> None:
        for _ in range(15):
            for _ in range(7):
                recorder.add(entry())
            await recorder.flush()

    try:
        verifying = asyncio.create_task(verify(log.db, SECRETS))
        await asyncio.gather(*(write(recorder) for recorder in recorders))
        # It reads while they write, and takes none of it for a break.
        await verifying
        assert sum(recorder.lost for recorder in recorders) == 0
        assert (await verify(log.db, SECRETS)).head.seq == await stored(log.db) == 3 * 15 * 7
    finally:
        for db in others:
            await db.close()

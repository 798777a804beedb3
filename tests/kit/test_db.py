import asyncio
import contextlib
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
import sqlalchemy as sa
from asyncpg import InterfaceError

from codelab.kit.bus import Bus
from codelab.kit.db import Database, UtcDateTime
from codelab.kit.errors import InvalidInput, Unavailable
from codelab.kit.events import Event
from tests.support.servers import PostgresServer

own = sa.MetaData()
things = sa.Table(
    "things",
    own,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("at", UtcDateTime),
)


class ThingStored(Event, frozen=True, kw_only=True):
    id: int


class Recorder:
    def __init__(self) -> None:
        self.bus = Bus()
        self.ids: list[int] = []
        self.bus.subscribe(ThingStored, lambda event: self.ids.append(event.id))


@pytest.fixture
def heard() -> Recorder:
    return Recorder()


@pytest.fixture
async def db(database_url: str, heard: Recorder) -> AsyncIterator[Database]:
    database = Database(database_url, heard.bus)
    await create_tables(database)
    yield database
    await database.close()


async def create_tables(database: Database) -> None:
    async with database.engine.begin() as connection:
        await connection.run_sync(own.create_all)


async def store(database: Database, number: int, at: datetime | None = None) -> None:
    async with database.transaction() as tx:
        await tx.execute(sa.insert(things).values(id=number, at=at))
        tx.publish(ThingStored(id=number))


async def stored(database: Database) -> list[int]:
    async with database.read() as connection:
        return list(await connection.scalars(sa.select(things.c.id).order_by(things.c.id)))


async def test_events_follow_the_commit(db: Database, heard: Recorder) -> None:
    seen_by_others: list[int] = []
    async with db.transaction() as tx:
        await tx.execute(sa.insert(things).values(id=1))
        tx.publish(ThingStored(id=1))
        seen_by_others += await stored(db)
        assert heard.ids == []
    assert seen_by_others == []
    assert heard.ids == [1]
    assert await stored(db) == [1]


async def test_a_rollback_stores_and_publishes_nothing(db: Database, heard: Recorder) -> None:
    with pytest.raises(ZeroDivisionError):
        async with db.transaction() as tx:
            await tx.execute(sa.insert(things).values(id=1))
            tx.publish(ThingStored(id=1))
            raise ZeroDivisionError
    assert heard.ids == []
    assert await stored(db) == []
    await store(db, 2)
    assert await stored(db) == [2]


async def test_a_broken_rule_of_the_schema_is_not_called_unavailable(db: Database) -> None:
    await store(db, 123454321)
    with pytest.raises(sa.exc.IntegrityError) as refused:
        await store(db, 123454321)
    # Neither do its values belong into a log.
    assert "parameters hidden" in str(refused.value)
    with pytest.raises(sa.exc.DBAPIError):
        async with db.read() as connection:
            await connection.execute(sa.text("SELECT nothing FROM nowhere"))


@pytest.mark.parametrize("zone", [UTC, timezone(timedelta(hours=5, minutes=30))])
async def test_moments_come_back_in_utc_with_microseconds(db: Database, zone: timezone) -> None:
    moment = datetime(2026, 3, 29, 1, 59, 59, 123456, tzinfo=zone)
    await store(db, 1, moment)
    async with db.read() as connection:
        found = await connection.scalar(sa.select(things.c.at))
        earlier = sa.select(things.c.id).where(things.c.at <= moment)
        assert (await connection.execute(earlier)).scalar() == 1
        later = sa.select(things.c.id).where(things.c.at > moment)
        assert (await connection.execute(later)).scalar() is None
    assert found == moment
    assert found is not None
    assert found.tzinfo is UTC
    await store(db, 2, None)


async def test_a_moment_without_a_zone_is_refused(db: Database) -> None:
    with pytest.raises(sa.exc.StatementError, match="time zone"):
        await store(db, 1, datetime.fromisoformat("2026-01-01T00:00:00"))
    assert await stored(db) == []


async def test_the_databases_clock_is_utc_and_moves_within_a_transaction(db: Database) -> None:
    async with db.transaction() as tx:
        first = await tx.now()
        await asyncio.sleep(0.01)
        second = await tx.now()
    assert first.tzinfo is UTC
    assert timedelta(milliseconds=5) < second - first < timedelta(seconds=5)
    assert abs(first - datetime.now(UTC)) < timedelta(seconds=5)


async def test_a_hundred_transactions_and_readers_at_once(db: Database, heard: Recorder) -> None:
    async def read() -> int:
        return len(await stored(db))

    async with asyncio.timeout(30):
        results = await asyncio.gather(
            *[store(db, number) for number in range(100)], *[read() for _ in range(100)]
        )
    assert all(0 <= count <= 100 for count in results[100:] if count is not None)
    assert await stored(db) == list(range(100))
    assert sorted(heard.ids) == list(range(100))


async def test_a_reader_does_not_wait_for_a_writer(db: Database) -> None:
    await store(db, 1)
    async with db.transaction() as tx:
        await tx.execute(sa.insert(things).values(id=2))
        async with asyncio.timeout(2):
            assert await stored(db) == [1]


async def test_cancelled_transactions_leave_a_database_that_works(
    db: Database, heard: Recorder
) -> None:
    tasks = []
    for number in range(200):
        tasks.append(asyncio.create_task(store(db, number)))
        # Prime steps reach each task at another moment of its life.
        await asyncio.sleep(number * 37 % 101 * 0.00004)
        if number % 2:
            tasks[-1 - number * 7 % min(5, len(tasks))].cancel()
    async with asyncio.timeout(40):
        outcomes = await asyncio.gather(*tasks, return_exceptions=True)
        await store(db, 1000)
    failed = [one for one in outcomes if one and not isinstance(one, asyncio.CancelledError)]
    assert failed == []
    ids = await stored(db)
    assert {n for n, outcome in enumerate(outcomes) if outcome is None} <= set(ids)
    # What was committed was told, cancelled or not, and nothing else.
    assert sorted(heard.ids) == ids


async def test_the_time_of_each_use_is_reported(db: Database) -> None:
    times: list[float] = []
    db.on_query = times.append
    await store(db, 1)
    await stored(db)
    assert len(times) == 2
    assert all(0 < one < 5 for one in times)


async def test_a_database_that_cannot_be_opened_is_unavailable(tmp_path: Path) -> None:
    db = Database(f"sqlite+aiosqlite:///{tmp_path / 'nowhere' / 'x.sqlite3'}", Bus())
    with pytest.raises(Unavailable, match="does not answer"):
        await stored(db)
    await db.close()
    # The driver's thread ends without being waited for.
    await asyncio.sleep(0.1)


async def test_a_connection_that_is_given_back_late_is_closed(db: Database) -> None:
    async with db.read() as connection:
        driver = (await connection.get_raw_connection()).driver_connection
        assert driver is not None
        assert await connection.scalar(sa.text("SELECT 1")) == 1
        await db.close()
        assert await connection.scalar(sa.text("SELECT 2")) == 2
    with pytest.raises((ValueError, InterfaceError)):
        await driver.execute("SELECT 3")


async def test_foreign_keys_hold_and_the_journal_lets_readers_pass(sqlite_url: str) -> None:
    db = Database(sqlite_url, Bus())
    async with db.read() as connection:
        assert await connection.scalar(sa.text("PRAGMA foreign_keys")) == 1
        assert await connection.scalar(sa.text("PRAGMA journal_mode")) == "wal"
    await db.close()


async def test_a_full_sqlite_disk_is_unavailable_and_recovers(
    sqlite_url: str, heard: Recorder
) -> None:
    db = Database(sqlite_url, heard.bus, pool_size=1)
    await create_tables(db)
    await store(db, 1)
    async with db.read() as connection:
        pages = await connection.scalar(sa.text("PRAGMA page_count"))
        await connection.execute(sa.text(f"PRAGMA max_page_count={pages}"))
    with pytest.raises(Unavailable):
        async with db.transaction() as tx:
            await tx.execute(sa.insert(things), [{"id": number} for number in range(10, 9000)])
    async with db.read() as connection:
        await connection.execute(sa.text("PRAGMA max_page_count=100000"))
    await store(db, 2)
    assert await stored(db) == [1, 2]
    assert heard.ids == [1, 2]
    await db.close()


async def test_a_stopped_server_is_unavailable_and_comes_back(
    tmp_path_factory: pytest.TempPathFactory, heard: Recorder
) -> None:
    folder = tmp_path_factory.mktemp("postgres")
    for part in (folder, folder.parent, folder.parent.parent):
        part.chmod(0o711)
    server = PostgresServer(folder)
    server.start()
    db = Database(server.url.replace("postgresql:", "postgresql+asyncpg:"), heard.bus)
    try:
        await create_tables(db)
        await store(db, 1)
        with pytest.raises(Unavailable) as cut_off:
            async with db.transaction() as tx:
                await tx.execute(sa.insert(things).values(id=2))
                tx.publish(ThingStored(id=2))
                await asyncio.to_thread(server.kill)
                await tx.execute(sa.insert(things).values(id=3))
        assert cut_off.value.retry_after_s
        assert "postgres" not in str(cut_off.value)
        for _ in range(3):
            with pytest.raises(Unavailable):
                await stored(db)
            with pytest.raises(Unavailable):
                await store(db, 4)
        await asyncio.to_thread(server.start)
        await store(db, 5)
        assert await stored(db) == [1, 5]
        assert heard.ids == [1, 5]
    finally:
        await db.close()
        server.kill()


async def test_a_text_that_cannot_be_stored_is_the_callers_mistake(db: Database) -> None:
    await create_tables(db)
    query = sa.select(sa.literal("a") == sa.bindparam("given", type_=sa.String))
    async with db.read() as connection:
        # SQLite takes it; PostgreSQL does not, and says so in one sentence.
        with contextlib.nullcontext() if db.embedded else pytest.raises(InvalidInput):
            await connection.scalar(query, {"given": "\0"})

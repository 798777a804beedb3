"""The database: one engine, transactions that commit first and publish afterwards."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar, cast

import sqlalchemy as sa
import structlog
from sqlalchemy.engine import AdaptedConnection, Dialect, ExceptionContext
from sqlalchemy.engine.interfaces import DBAPIConnection, DBAPICursor
from sqlalchemy.exc import DBAPIError, DisconnectionError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import (
    AsyncConnection,
    AsyncEngine,
    AsyncTransaction,
    create_async_engine,
)
from sqlalchemy.pool import ConnectionPoolEntry
from sqlalchemy.types import TypeDecorator
from sqlalchemy.util import await_only

from codelab.kit.bus import Bus
from codelab.kit.errors import DatabaseUnavailable, InvalidInput
from codelab.kit.events import Event

T = TypeVar("T")

_READ_ONLY = "codelab_read_only"
_WAIT_S = 15
_CONNECT_S = 5
_STATEMENT_S = 30
_TRUSTED_S = 1.0

# PostgreSQL: connection, resources, intervention, system; serialization failure and deadlock.
_TEMPORARY_CLASSES = frozenset({"08", "53", "57", "58"})
# PostgreSQL takes no NUL in a text, not even to look for it.
_NO_TEXT = "22021"
_TEMPORARY_STATES = frozenset({"40001", "40P01"})
# SQLite's primary result codes: busy, locked, no memory, read-only, input/output, full, no file.
_SQLITE_PRIMARY = 0xFF
_TEMPORARY_NUMBERS = frozenset({5, 6, 7, 8, 10, 13, 14})
_log = structlog.get_logger(__name__)

metadata = sa.MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    }
)


class UtcDateTime(TypeDecorator[datetime]):
    """A moment in UTC with microseconds, the same on every database."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Refuse moments without a zone, store the others in UTC."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a stored moment needs a time zone")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Give the zone back that SQLite does not keep."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Transaction:
    """One unit of work: statements that are committed together, events that follow the commit."""

    def __init__(self, connection: AsyncConnection, embedded: bool) -> None:
        self._connection = connection
        self._embedded = embedded
        self.events: list[Event] = []

    async def execute(self, statement: sa.Executable, rows: Any = None) -> sa.CursorResult[Any]:
        """Run a statement, once or for each of the given rows."""
        work = self._connection.execute(statement, rows)
        # A cancellation in the middle of a statement would make SQLAlchemy close the connection
        # under it, and SQLite keeps the lock of one that is closed while a statement runs.
        return await (_uncancelled(work) if self._embedded else work)

    def publish(self, event: Event) -> None:
        """Publish the event when, and only when, this transaction has been committed."""
        self.events.append(event)

    async def now(self) -> datetime:
        """Return the database's clock, the one that all replicas share."""
        if self._embedded:
            return datetime.now(UTC)
        moment = await self._connection.scalar(sa.select(sa.func.clock_timestamp()))
        return moment.astimezone(UTC) if moment else datetime.now(UTC)

    def moment(self, later: timedelta = timedelta(0)) -> sa.ColumnElement[datetime]:
        """Return the database's clock, or a moment later, as part of a statement.

        It spares the way to the database that `now` takes.
        """
        if self._embedded:
            return sa.literal(datetime.now(UTC) + later, UtcDateTime)
        return sa.func.clock_timestamp(type_=UtcDateTime) + sa.literal(later, sa.Interval)


class Database:
    """The engine behind every module's repository.

    Args:
        url: `sqlite+aiosqlite:///…` (embedded) or `postgresql+asyncpg://…` (server).
        bus: Where events go after a commit.
        pool_size: Connections kept; half as many again may be opened under load.
    """

    def __init__(self, url: str, bus: Bus, *, pool_size: int = 10) -> None:
        self.embedded = url.startswith("sqlite")
        self._bus = bus
        options: dict[str, Any] = {"pool_size": pool_size, "max_overflow": pool_size // 2}
        if self.embedded:
            # Every transaction is ended here explicitly, so the pool need not roll back again.
            options |= {"pool_timeout": _WAIT_S, "pool_reset_on_return": None}
        else:
            limits = {"timeout": _CONNECT_S, "command_timeout": _STATEMENT_S}
            options |= {"pool_timeout": 5, "connect_args": limits}
        # Values of statements are people's own; they have no place in an error or a log.
        self.engine = create_async_engine(url, hide_parameters=True, **options)
        # SQLite has one writer: queueing here costs a task switch, colliding there costs sleeps.
        self._writer = asyncio.Lock() if self.embedded else None
        self.on_query: Callable[[float], None] | None = None
        self._is_closed = False
        sa.event.listen(self.engine.sync_engine, "handle_error", _translate, retval=True)
        if self.embedded:
            sa.event.listen(self.engine.sync_engine, "connect", _prepare_sqlite)
            sa.event.listen(self.engine.sync_engine, "begin", _begin_immediate)
        else:
            _try_idle_connections(self.engine.sync_engine)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Transaction]:
        """Open a transaction: commit at the end, then publish its events; roll back on an error.

        Transactions do not nest. A task that is cancelled while its transaction commits still
        publishes the events of what was committed.

        Raises:
            DatabaseUnavailable: The database cannot be reached or is out of connections or space.
        """
        async with self._writing(), self._connected() as connection:
            begun = await self._begin(connection)
            work = Transaction(connection, self.embedded)
            try:
                yield work
            except BaseException:
                await _uncancelled(begun.rollback())
                raise
            await _uncancelled(self._commit(connection, begun, work))

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncConnection]:
        """Lend a connection for reading; it never waits for a writer.

        Raises:
            DatabaseUnavailable: The database cannot be reached.
        """
        async with self._connected() as connection:
            if self.embedded:
                yield await connection.execution_options(**{_READ_ONLY: True})
            else:
                yield await connection.execution_options(isolation_level="AUTOCOMMIT")

    async def close(self) -> None:
        """Close all connections; one that is still lent is closed when it is given back."""
        self._is_closed = True
        await self.engine.dispose()

    async def _begin(self, connection: AsyncConnection) -> AsyncTransaction:
        if self.embedded:
            return await _whole(_begun(connection), AsyncTransaction.rollback)
        return await _begun(connection)

    async def _commit(
        self, connection: AsyncConnection, begun: AsyncTransaction, work: Transaction
    ) -> None:
        async with _given_up_on_error(connection):
            await begun.commit()
        for event in work.events:
            self._bus.publish(event)

    @asynccontextmanager
    async def _writing(self) -> AsyncIterator[None]:
        if self._writer is None:
            yield
            return
        try:
            async with asyncio.timeout(_WAIT_S if self._writer.locked() else None):
                await self._writer.acquire()
        except TimeoutError as error:
            raise _away(error) from error
        try:
            yield
        finally:
            self._writer.release()

    async def _connect(self) -> AsyncConnection:
        if not self.embedded:
            return await self.engine.connect()
        # The driver's thread would be left alone with a connection whose opening was cancelled.
        return await _whole(_opened(self.engine), self._take_back)

    async def _take_back(self, connection: AsyncConnection) -> None:
        if self._is_closed:
            # The pool would keep it open, and nobody empties the pool again.
            await connection.invalidate()
        await connection.close()

    @asynccontextmanager
    async def _connected(self) -> AsyncIterator[AsyncConnection]:
        started = time.perf_counter()
        try:
            connection = await self._connect()
        except (DBAPIError, PoolTimeout, OSError) as error:
            raise _away(error) from error
        try:
            yield connection
        finally:
            await _uncancelled(self._take_back(connection))
            if self.on_query:
                self.on_query(time.perf_counter() - started)


@asynccontextmanager
async def _given_up_on_error(connection: AsyncConnection) -> AsyncIterator[None]:
    try:
        yield
    except BaseException:
        # Whatever state the connection is in now, nobody shall get it again.
        await connection.invalidate()
        raise


async def _opened(engine: AsyncEngine) -> AsyncConnection:
    return await engine.connect()


async def _begun(connection: AsyncConnection) -> AsyncTransaction:
    async with _given_up_on_error(connection):
        return await connection.begin()


async def _whole(work: Coroutine[Any, Any, T], undo: Callable[[T], Coroutine[Any, Any, None]]) -> T:
    """Do the work whole; undo it when somebody has cancelled it meanwhile."""
    task = asyncio.create_task(work)
    cancellation = await _over(task)
    if cancellation is None:
        return task.result()
    if not task.exception():
        await _uncancelled(undo(task.result()))
    raise cancellation


async def _uncancelled(work: Coroutine[Any, Any, T]) -> T:
    """Do the work whole; a cancellation meanwhile is passed on when it is done."""
    task = asyncio.create_task(work)
    cancellation = await _over(task)
    if cancellation is not None:
        # What became of the work is of no interest any more, but somebody has to look at it.
        task.exception()
        raise cancellation
    return task.result()


async def _over(task: asyncio.Task[Any]) -> asyncio.CancelledError | None:
    """Wait until a task is over, however often its waiter is cancelled; return the last of it."""
    cancellation: asyncio.CancelledError | None = None
    while not task.done():
        try:
            await asyncio.wait([task])
        except asyncio.CancelledError as error:
            cancellation = error
    return cancellation


def _translate(context: ExceptionContext) -> Exception | None:
    error = context.original_exception
    # A cancelled task invalidates its connection too; its cancellation must go on.
    if isinstance(error, Exception) and (context.is_disconnect or _is_temporary(error)):
        return _away(error)
    if getattr(error, "sqlstate", None) == _NO_TEXT:
        return InvalidInput("A text holds a character that cannot be stored.")
    return None


def _is_temporary(error: BaseException) -> bool:
    """Tell whether the database is the cause, not the statement."""
    state: str = getattr(error, "sqlstate", None) or ""
    number: int = getattr(error, "sqlite_errorcode", 0) & _SQLITE_PRIMARY
    return (
        isinstance(error, OSError)
        or state[:2] in _TEMPORARY_CLASSES
        or state in _TEMPORARY_STATES
        or number in _TEMPORARY_NUMBERS
    )


def _away(error: BaseException) -> DatabaseUnavailable:
    # The driver's own text names hosts and users, so the log gets the kind of error only.
    state = getattr(error, "sqlstate", None) or getattr(error, "sqlite_errorname", None)
    cause = getattr(error, "__cause__", None) or error
    _log.warning("database_unavailable", error_type=type(cause).__name__, state=state)
    return DatabaseUnavailable(
        "The database does not answer at the moment. Try again.", retry_after_s=2
    )


def _try_idle_connections(engine: sa.Engine) -> None:
    """Have a connection that lay idle tried out before it is lent, and replaced if it is dead.

    The pool's own `pool_pre_ping` does that each time, which is one more way to the database for
    each read; one that was used a moment ago is taken at its word.
    """

    def rest(connection: DBAPIConnection | None, record: ConnectionPoolEntry) -> None:
        record.info["idle_since"] = time.monotonic()

    def lend(connection: DBAPIConnection, record: ConnectionPoolEntry, _: object) -> None:
        idle_since = record.info.get("idle_since")
        if idle_since is None or time.monotonic() - idle_since < _TRUSTED_S:
            return
        try:
            engine.dialect.do_ping(connection)
        except Exception as error:
            raise DisconnectionError from error

    sa.event.listen(engine, "checkin", rest)
    sa.event.listen(engine, "checkout", lend)


def _prepare_sqlite(connection: DBAPIConnection, record: ConnectionPoolEntry) -> None:
    # Transactions are opened by the listener below, not by the driver's guesses.
    connection.isolation_level = None
    cursor = connection.cursor()
    _use_write_ahead_log(cursor)
    for pragma in (
        # What was acknowledged survives a loss of power too; it costs one flush for each commit.
        "synchronous=FULL",
        "foreign_keys=ON",
        "busy_timeout=10000",
        "temp_store=MEMORY",
    ):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _use_write_ahead_log(cursor: DBAPICursor) -> None:
    # Whoever switches a new file to it needs the file alone, and SQLite does not wait for that.
    for _ in range(_WAIT_S * 20):
        try:
            cursor.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError as error:
            if getattr(error, "sqlite_errorcode", 0) & _SQLITE_PRIMARY != sqlite3.SQLITE_BUSY:
                raise
            await_only(asyncio.sleep(0.05))
        else:
            return
    cursor.execute("PRAGMA journal_mode=WAL")


def _begin_immediate(connection: sa.Connection) -> None:
    # A transaction that starts as a reader may fail to become a writer; ours start as writers.
    if connection.get_execution_options().get(_READ_ONLY):
        return
    adapted = cast(AdaptedConnection, connection.connection.dbapi_connection)
    try:
        # Straight to the driver: a cursor of SQLAlchemy's takes three more thread switches.
        adapted.run_async(lambda driver: driver.execute("BEGIN IMMEDIATE"))
    except sqlite3.OperationalError as error:
        raise _away(error) from error

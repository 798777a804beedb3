"""Empty databases on one PostgreSQL, each lent to one test after the other.

To make a database and to drop it takes a server several times as long as to empty one.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import asyncpg

# How the names of databases begin that belong to one test.
OWN_DATABASE = "codelab_"
_END_CONNECTIONS = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1"
_EMPTY = "DROP SCHEMA public CASCADE; CREATE SCHEMA public"


class Databases:
    """Lends databases.

    Args:
        server: The server's address, as its superuser, for asyncpg.
    """

    def __init__(self, server: str) -> None:
        self._server = server
        self._place = server.rpartition("/")[0]
        self._empty: list[str] = []

    def lend(self) -> str:
        """Return the name of an empty database, which nobody had before under this name."""
        name = f"{OWN_DATABASE}{uuid.uuid4().hex}"
        while self._empty:
            old = self._empty.pop()
            try:
                # Whoever still knows it by its old name does not find it any more.
                administer(self._server, f'ALTER DATABASE "{old}" RENAME TO "{name}"')
            except asyncpg.ObjectInUseError:
                self._drop(old)
            else:
                return name
        administer(self._server, f'CREATE DATABASE "{name}" TEMPLATE template0')
        return name

    def take_back(self, name: str) -> None:
        """Empty a database for the next one, or drop it where that cannot be done."""
        try:
            _in_thread(self._emptied(name))
        except (asyncpg.PostgresError, OSError):
            self._drop(name)
        else:
            self._empty.append(name)

    def close(self) -> None:
        """Leave none behind."""
        while self._empty:
            self._drop(self._empty.pop())

    async def _emptied(self, name: str) -> None:
        connection = await asyncpg.connect(self._server)
        try:
            await connection.execute(f'ALTER DATABASE "{name}" WITH ALLOW_CONNECTIONS false')
            await connection.fetch(_END_CONNECTIONS, name)
            await connection.execute(f'ALTER DATABASE "{name}" WITH ALLOW_CONNECTIONS true')
        finally:
            await connection.close()
        own = await asyncpg.connect(f"{self._place}/{name}")
        try:
            await own.execute(_EMPTY)
        finally:
            await own.close()

    def _drop(self, name: str) -> None:
        # A server that a test has hurt takes its databases along.
        with suppress(asyncpg.PostgresError, OSError):
            administer(self._server, f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


def administer(server: str, statement: str) -> None:
    """Carry out a statement as the superuser."""

    async def run() -> None:
        connection = await asyncpg.connect(server)
        try:
            await connection.execute(statement)
        finally:
            await connection.close()

    _in_thread(run())


def _in_thread(work: Coroutine[None, None, None]) -> None:
    """Run something in an event loop of its own: the test's must not notice."""
    with ThreadPoolExecutor(1) as threads:
        threads.submit(asyncio.run, work).result()

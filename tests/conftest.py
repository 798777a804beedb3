"""Fixtures that every test may use: real stores, started only when a test asks for one."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import redis
from hypothesis import HealthCheck, settings

from tests.support import left_out, node
from tests.support.databases import Databases
from tests.support.keeper import borrowed

DATABASE_SETTING = "CODELAB_TEST_DATABASE_URL"
REDIS_SETTING = "CODELAB_TEST_REDIS_URL"
# Redis numbers its databases from 0 to 15 unless told otherwise.
REDIS_DATABASES = 16


# A slow machine is no fault of what is tested.
settings.register_profile("untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("untimed")


def pytest_configure(config: pytest.Config) -> None:
    """Fetch once, before the test processes start."""
    if "PYTEST_XDIST_WORKER" not in os.environ:
        node.fetch()


def pytest_xdist_auto_num_workers() -> int:
    """Return how many processes test at once: more than processors, since they wait for servers."""
    return 2 * (os.cpu_count() or 1)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the longest tests, those with a time limit of their own: none begins last."""
    items.sort(key=lambda item: item.get_closest_marker("timeout") is None)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say in one line what was left out on this machine, and why."""
    if line := left_out.line(terminalreporter.stats.get("skipped", [])):
        terminalreporter.write_line(line)


@dataclass(frozen=True)
class Stores:
    """Where one test's CodeLab keeps its data; without a redis_url it uses its own memory."""

    kind: str
    database_url: str
    redis_url: str | None


@pytest.fixture(scope="session")
def postgres_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a PostgreSQL that all test processes share, as its superuser."""
    if DATABASE_SETTING in os.environ:
        yield os.environ[DATABASE_SETTING].replace("+asyncpg", "")
        return
    own = tmp_path_factory.getbasetemp()
    with borrowed("postgres", own.parent if "PYTEST_XDIST_WORKER" in os.environ else own) as url:
        yield url


@pytest.fixture(scope="session")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a Redis-compatible server for this test process.

    One for each process, because publishing in Redis crosses databases: tests that run side by side
    would hear each other.
    """
    if REDIS_SETTING in os.environ:
        worker = os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")
        server, _, _ = os.environ[REDIS_SETTING].partition("?")
        yield f"{server.rstrip('0123456789').rstrip('/')}/{int(worker) % REDIS_DATABASES}"
        return
    with borrowed("valkey", tmp_path_factory.getbasetemp()) as url:
        yield url


@pytest.fixture(scope="session")
def databases(postgres_server: str) -> Iterator[Databases]:
    """What lends PostgreSQL's databases to the tests of this process."""
    lent = Databases(postgres_server)
    yield lent
    lent.close()


@pytest.fixture
def postgres_url(postgres_server: str, databases: Databases) -> Iterator[str]:
    """An empty PostgreSQL database of the test's own, in SQLAlchemy's form."""
    name = databases.lend()
    try:
        server = postgres_server.replace("postgresql://", "postgresql+asyncpg://")
        yield f"{server.rpartition('/')[0]}/{name}"
    finally:
        databases.take_back(name)


@pytest.fixture
def redis_url(redis_server: str) -> str:
    """An empty Redis-compatible database."""
    with redis.Redis.from_url(redis_server) as client:
        client.flushdb()
    return redis_server


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    """A SQLite file that does not exist yet, in SQLAlchemy's form."""
    return f"sqlite+aiosqlite:///{tmp_path / 'codelab.sqlite3'}"


@pytest.fixture(params=["sqlite", "postgres"])
def database_url(request: pytest.FixtureRequest) -> str:
    """An empty database: the test runs once on each kind."""
    return str(request.getfixturevalue(f"{request.param}_url"))


@pytest.fixture(params=["embedded", "server"])
def stores(request: pytest.FixtureRequest) -> Stores:
    """Empty stores: the test runs on SQLite and memory, and on PostgreSQL and Redis."""
    if request.param == "embedded":
        return Stores("embedded", request.getfixturevalue("sqlite_url"), None)
    return Stores(
        "server", request.getfixturevalue("postgres_url"), request.getfixturevalue("redis_url")
    )

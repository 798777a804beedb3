"""What administrators are shown of the whole server: its figures, its plugins, this process."""

from __future__ import annotations

import asyncio
import platform
import shutil
import time
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Annotated

import msgspec
import sqlalchemy as sa
from litestar import Router, get
from litestar.params import QueryParameter

from codelab.auth.api import admins_only
from codelab.gateway.health import Health, HealthReport
from codelab.hitl.api import answers
from codelab.kit.clock import utc_now
from codelab.kit.db import Database
from codelab.sessions.api import SessionFigures, session_figures

Days = Annotated[int, QueryParameter(ge=1, le=366)]

_LIBRARIES = ("litestar", "uvicorn", "msgspec", "sqlalchemy", "litellm", "pluggy")
_SIZES = {
    "sqlite": "SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()",
    "postgresql": "SELECT pg_database_size(current_database())",
}
_VERSIONS = {"sqlite": "SELECT sqlite_version()", "postgresql": "SHOW server_version"}


class PluginInfo(msgspec.Struct, frozen=True, kw_only=True):
    """A plugin, where it comes from and what it brings.

    Args:
        events: What it listens to.
    """

    name: str
    distribution: str
    version: str
    agents: tuple[str, ...]
    tools: tuple[str, ...]
    models: tuple[str, ...]
    events: tuple[str, ...]


class Figures(msgspec.Struct, frozen=True, kw_only=True):
    """How the server is used.

    Args:
        since: From when on.
        talk: What was counted in sessions.
        approvals: What people were asked, by what became of it.
    """

    since: datetime
    talk: SessionFigures
    approvals: dict[str, int]


class StoreDetails(msgspec.Struct, frozen=True, kw_only=True):
    """The database: its kind, its version and its size in bytes."""

    kind: str
    version: str
    size_bytes: int


class ServerDetails(msgspec.Struct, frozen=True, kw_only=True):
    """How this process is, and where it runs.

    Args:
        health: What anybody may know.
        replica: The process's own identifier.
        started_at: When it started.
        python: Python's version.
        system: The operating system.
        libraries: The versions of what it is built of.
        database: What keeps its data.
        disk_total_bytes: The size of the data folder's disk.
        disk_free_bytes: What is left of it.
        connections: How many clients listen to this process.
    """

    health: HealthReport
    replica: str
    started_at: datetime
    python: str
    system: str
    libraries: dict[str, str]
    database: StoreDetails
    disk_total_bytes: int
    disk_free_bytes: int
    connections: int


class Server:
    """Describes this process.

    Args:
        health: Runs the checks.
        db: The database.
        data_dir: The data folder.
        replica: The process's own identifier.
        connections: Counts the clients that listen.
    """

    def __init__(
        self,
        health: Health,
        db: Database,
        data_dir: Path,
        replica: str,
        connections: Callable[[], int],
    ) -> None:
        self._health = health
        self._db = db
        self._data_dir = data_dir
        self._replica = replica
        self._connections = connections
        self._started_at = utc_now()
        self._libraries = {name: text for name in _LIBRARIES if (text := _version(name))}

    async def details(self) -> ServerDetails:
        """Return how this process is, and where it runs."""
        disk = await asyncio.to_thread(shutil.disk_usage, self._data_dir)
        return ServerDetails(
            health=await self._health.report(),
            replica=self._replica,
            started_at=self._started_at,
            python=platform.python_version(),
            system=f"{platform.system()} {platform.release()} {platform.machine()}",
            libraries=self._libraries,
            database=await store_details(self._db),
            disk_total_bytes=disk.total,
            disk_free_bytes=disk.free,
            connections=self._connections(),
        )


async def store_details(db: Database) -> StoreDetails:
    """Ask the database for its version and its size."""
    kind = "sqlite" if db.embedded else "postgresql"
    async with db.read() as connection:
        size = await connection.scalar(sa.text(_SIZES[kind]))
        text = await connection.scalar(sa.text(_VERSIONS[kind]))
    return StoreDetails(kind=kind, version=str(text), size_bytes=int(size or 0))


def administration_routes(db: Database, server: Server, plugins: Sequence[PluginInfo]) -> Router:
    """Make the routes.

    Args:
        db: The database.
        server: Describes this process.
        plugins: What is installed.
    """
    counted = _remembered(lambda days: _figures(db, days))

    @get("/figures", summary="See how the server is used")
    async def read_figures(days: Days = 30) -> Figures:
        """Count turns, ratings and approvals of the last days; as of a minute ago or later."""
        return await counted(days)

    @get("/plugins", summary="List the plugins", sync_to_thread=False)
    def list_plugins() -> list[PluginInfo]:
        """List the plugins, where they come from and what they bring."""
        return list(plugins)

    @get("/health", summary="See how this process is")
    async def read_details() -> ServerDetails:
        """Return how this process is and where it runs."""
        return await server.details()

    return Router(
        "/admin",
        guards=[admins_only],
        route_handlers=[read_figures, list_plugins, read_details],
        tags=["Administration"],
    )


def _remembered(
    count: Callable[[int], Awaitable[Figures]], good_s: float = 60.0
) -> Callable[[int], Awaitable[Figures]]:
    """Have the same question answered from memory for a while."""
    known: dict[int, tuple[float, Figures]] = {}

    async def ask(days: int) -> Figures:
        until, figures = known.get(days, (0.0, None))
        if figures is None or time.monotonic() >= until:
            figures = await count(days)
            known[days] = (time.monotonic() + good_s, figures)
        return figures

    return ask


async def _figures(db: Database, days: int) -> Figures:
    today = datetime.combine(utc_now().date(), datetime.min.time(), UTC)
    since = today - timedelta(days=days - 1)
    talk = await session_figures(db, since)
    return Figures(since=since, talk=talk, approvals=await answers(db, since))


def _version(distribution: str) -> str:
    try:
        return version(distribution)
    except PackageNotFoundError:
        return ""

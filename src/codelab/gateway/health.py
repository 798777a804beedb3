"""Whether this process, and everything it depends on, works right now."""

from __future__ import annotations

import asyncio
import shutil
import time
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any, Literal

import msgspec
import sqlalchemy as sa
import structlog
from litestar import Response, get
from litestar.handlers import HTTPRouteHandler

from codelab.auth.api import PUBLIC
from codelab.kit.db import Database
from codelab.kit.relay import Relay
from codelab.llm.api import Models
from codelab.workspace.api import Workspaces

_TIMEOUT_S = 2.0
_REMEMBERED_S = 1.0
_PROBE_S = 1.0
_FULL_BYTES, _TIGHT_BYTES = 10 * 1024**2, 500 * 1024**2
_log = structlog.get_logger(__name__)

Status = Literal["ok", "degraded", "failed"]


class CheckResult(msgspec.Struct, frozen=True, kw_only=True):
    """How one dependency is: degraded means that CodeLab works, with less."""

    status: Status
    detail: str = ""


class HealthReport(msgspec.Struct, frozen=True, kw_only=True):
    """How everything is: the worst of the checks."""

    status: Status
    version: str
    checks: dict[str, CheckResult]


Check = Callable[[], Awaitable[CheckResult]]


class Health:
    """Runs the checks, each limited in time, at most once a second.

    Args:
        version: CodeLab's version.
        checks: What is checked, by name.
    """

    def __init__(self, version: str, checks: Mapping[str, Check]) -> None:
        self._version = version
        self._checks = dict(checks)
        self._report: HealthReport | None = None
        self._until = 0.0
        self._lock = asyncio.Lock()

    async def report(self) -> HealthReport:
        """Return how everything is, as of a second ago or later."""
        async with self._lock:
            if self._report is None or time.monotonic() >= self._until:
                results = await asyncio.gather(*map(_run, self._checks.items()))
                checks = dict(zip(self._checks, results, strict=True))
                self._report = HealthReport(
                    status=_worst(checks), version=self._version, checks=checks
                )
                self._until = time.monotonic() + _REMEMBERED_S
            return self._report


def database_check(db: Database) -> Check:
    """Check that the database answers and has room to work in."""
    # A sort that spills needs space on the server's disk, and leaves nothing behind.
    spill = "SELECT count(*) FROM (SELECT i FROM generate_series(1, 8000) i ORDER BY i DESC) s"

    async def check() -> CheckResult:
        if db.embedded:
            async with db.read() as connection:
                await connection.execute(sa.text("SELECT 1"))
        else:
            async with db.transaction() as tx:
                await tx.execute(sa.text("SET LOCAL work_mem = '64kB'"))
                await tx.execute(sa.text(spill))
        return CheckResult(status="ok")

    return check


def relay_check(relay: Relay) -> Check:
    """Check the way to the other replicas."""

    async def check() -> CheckResult:
        if relay.healthy:
            return CheckResult(status="ok")
        return CheckResult(status="degraded", detail="The other replicas are not heard.")

    return check


def disk_check(folder: Path) -> Check:
    """Check that the disk of the data folder has room."""

    async def check() -> CheckResult:
        usage = await asyncio.to_thread(shutil.disk_usage, folder)
        if usage.free < _FULL_BYTES:
            return CheckResult(status="failed", detail="The disk of the data folder is full.")
        if usage.free < _TIGHT_BYTES:
            return CheckResult(status="degraded", detail="The disk of the data folder fills up.")
        return CheckResult(status="ok")

    return check


def models_check(models: Models) -> Check:
    """Check that there is a model to ask; says what to set, and asks none."""

    async def check() -> CheckResult:
        advice = models.health().advice
        return CheckResult(status="degraded" if advice else "ok", detail=advice)

    return check


def sandbox_check(workspaces: Workspaces) -> Check:
    """Check that commands can be kept in a box; without one they are off."""

    async def check() -> CheckResult:
        try:
            # Shielded: a slow probe goes on, and a later check has its result.
            probing = asyncio.shield(workspaces.sandbox())
            standing = await asyncio.wait_for(probing, _PROBE_S)
        except TimeoutError:
            return CheckResult(status="degraded", detail="Commands are still being looked into.")
        is_off = standing.layer == "none"
        return CheckResult(status="degraded" if is_off else "ok", detail=standing.sentence())

    return check


def health_routes(health: Health) -> list[HTTPRouteHandler]:
    """Make the routes that anybody may ask."""

    @get("/health", opt=PUBLIC, tags=["Operations"], summary="How everything is")
    async def read_health() -> Response[HealthReport]:
        """Return the state of the process and of each dependency; 503 when one has failed."""
        report = await health.report()
        return Response(report, status_code=503 if report.status == "failed" else 200)

    @get("/health/live", opt=PUBLIC, tags=["Operations"], summary="Whether the process lives")
    async def read_liveness() -> dict[str, str]:
        """Answer, which is all that is asked."""
        return {"status": "ok"}

    return [read_health, read_liveness]


async def _run(named: tuple[str, Check]) -> CheckResult:
    name, check = named
    try:
        async with asyncio.timeout(_TIMEOUT_S):
            return await check()
    except TimeoutError:
        return CheckResult(status="failed", detail="It does not answer in time.")
    except Exception as error:
        # What the error says may name hosts and users; the log masks it, the answer leaves it out.
        _log.warning("health_check_failed", check=name, error_type=type(error).__name__)
        return CheckResult(status="failed", detail="It does not work at the moment.")


def _worst(checks: Mapping[str, Any]) -> Status:
    statuses = {result.status for result in checks.values()}
    if "failed" in statuses:
        return "failed"
    return "degraded" if "degraded" in statuses else "ok"

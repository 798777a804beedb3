"""The audit log over HTTP, for administrators to read."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

from litestar import Router, get, post
from litestar.datastructures import CacheControlHeader
from litestar.di import NamedDependency, Provide
from litestar.params import QueryParameter
from litestar.response import Stream

from codelab.audit.checking import Verified
from codelab.audit.copying import Format, copied
from codelab.audit.entry import ChainedEntry
from codelab.audit.repository import AuditFilter
from codelab.audit.service import Audit
from codelab.auth.api import admins_only

Id = Annotated[str | None, QueryParameter(max_length=64)]
Action = Annotated[str | None, QueryParameter(max_length=64)]
ResourceType = Annotated[str | None, QueryParameter(max_length=32)]
ResourceId = Annotated[str | None, QueryParameter(max_length=200)]
From = Annotated[datetime | None, QueryParameter(name="from")]
To = Annotated[datetime | None, QueryParameter(name="to")]
PageSize = Annotated[int, QueryParameter(ge=1, le=500)]


def chosen(
    user: Id = None,
    session: Id = None,
    action: Action = None,
    resource_type: ResourceType = None,
    resource: ResourceId = None,
    since: From = None,
    until: To = None,
    before: Id = None,
    limit: PageSize = 100,
) -> AuditFilter:
    """Gather which entries a request is about; moments without a zone are UTC."""
    return AuditFilter(
        user_id=user,
        session_id=session,
        action=action,
        resource_type=resource_type,
        resource_id=resource,
        since=_utc(since),
        until=_utc(until),
        before=before,
        limit=limit,
    )


def router(audit: Audit) -> Router:
    """Make the routes."""

    @get("/", summary="List entries of the audit log")
    async def list_entries(wanted: NamedDependency[AuditFilter]) -> list[ChainedEntry]:
        """List entries of the audit log, newest first."""
        return await audit.list_entries(wanted)

    @get("/export.csv", media_type="text/csv", summary="Take a copy as a table")
    async def export_table(wanted: NamedDependency[AuditFilter]) -> Stream:
        """Return the newest 50,000 of the entries as comma-separated values."""
        return _copy(audit, wanted, "csv", "text/csv")

    @get("/export.ndjson", media_type="application/x-ndjson", summary="Take a copy as JSON")
    async def export_lines(wanted: NamedDependency[AuditFilter]) -> Stream:
        """Return the newest 50,000 of the entries as JSON, one a line."""
        return _copy(audit, wanted, "ndjson", "application/x-ndjson")

    @post("/verification", status_code=200, summary="Verify the audit log")
    async def verify_log() -> Verified:
        """Find out whether entries were changed, removed or put in."""
        return await audit.check.run()

    return Router(
        path="/admin/audit",
        guards=[admins_only],
        route_handlers=[list_entries, export_table, export_lines, verify_log],
        dependencies={"wanted": Provide(chosen, sync_to_thread=False)},
        cache_control=CacheControlHeader(no_store=True),
        tags=["Administration"],
    )


def _copy(audit: Audit, wanted: AuditFilter, form: Format, media_type: str) -> Stream:
    name = f'attachment; filename="codelab-audit.{form}"'
    headers = {"Content-Disposition": name}
    return Stream(copied(audit, wanted, form), media_type=media_type, headers=headers)


def _utc(moment: datetime | None) -> datetime | None:
    return moment.replace(tzinfo=UTC) if moment and moment.tzinfo is None else moment

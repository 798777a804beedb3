"""The audit log over HTTP, for administrators to read."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

from litestar import Router, get
from litestar.params import QueryParameter

from codelab.audit.entry import ChainedEntry
from codelab.audit.repository import AuditFilter
from codelab.audit.service import Audit
from codelab.auth.api import admins_only

Id = Annotated[str | None, QueryParameter(max_length=64)]
Action = Annotated[str | None, QueryParameter(max_length=64)]
From = Annotated[datetime | None, QueryParameter(name="from")]
To = Annotated[datetime | None, QueryParameter(name="to")]
PageSize = Annotated[int, QueryParameter(ge=1, le=500)]


def router(audit: Audit) -> Router:
    """Make the routes."""

    @get("/admin/audit", guards=[admins_only])
    async def list_entries(
        user: Id = None,
        session: Id = None,
        action: Action = None,
        since: From = None,
        until: To = None,
        before: Id = None,
        limit: PageSize = 100,
    ) -> list[ChainedEntry]:
        """List entries of the audit log, newest first; moments without a zone are UTC."""
        wanted = AuditFilter(
            user_id=user,
            session_id=session,
            action=action,
            since=_utc(since),
            until=_utc(until),
            before=before,
            limit=limit,
        )
        return await audit.list_entries(wanted)

    return Router(path="/", route_handlers=[list_entries], tags=["Administration"])


def _utc(moment: datetime | None) -> datetime | None:
    return moment.replace(tzinfo=UTC) if moment and moment.tzinfo is None else moment

"""The rows of the audit log: added and read, nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from codelab.audit.entry import AuditEntry, canonical
from codelab.audit.models import audit_log
from codelab.kit.db import Transaction


class AuditFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Which entries are wanted: those that fit all that is given.

    Args:
        since: From this moment on.
        until: Before this moment.
        before: Older than the entry with this identifier: the last one of the page before.
        limit: How many at most.
    """

    user_id: str | None = None
    session_id: str | None = None
    action: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    before: str | None = None
    limit: int = 100


async def insert(tx: Transaction, entries: Sequence[AuditEntry]) -> None:
    """Add entries."""
    rows = [
        msgspec.structs.asdict(entry) | {"details": canonical(entry.details)} for entry in entries
    ]
    await tx.execute(sa.insert(audit_log), rows)


async def page(db: AsyncConnection, wanted: AuditFilter) -> list[AuditEntry]:
    """Read entries, newest first."""
    columns = audit_log.c
    query = sa.select(audit_log)
    if wanted.user_id:
        query = query.where(columns.user_id == wanted.user_id)
    if wanted.session_id:
        query = query.where(columns.session_id == wanted.session_id)
    if wanted.action:
        query = query.where(columns.action == wanted.action)
    if wanted.since:
        query = query.where(columns.timestamp >= wanted.since)
    if wanted.until:
        query = query.where(columns.timestamp < wanted.until)
    if wanted.before:
        query = query.where(columns.id < wanted.before)
    rows = await db.execute(query.order_by(columns.id.desc()).limit(wanted.limit))
    return [_entry(row) for row in rows]


def _entry(row: sa.Row[Any]) -> AuditEntry:
    return AuditEntry(**(dict(row._mapping) | {"details": msgspec.json.decode(row.details)}))

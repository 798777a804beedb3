"""The rows of the audit log: added and read, nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from codelab.audit.chain import Head, Row, chain
from codelab.audit.entry import AuditEntry, ChainedEntry
from codelab.audit.models import audit_head, audit_log
from codelab.kit.crypto import Signer
from codelab.kit.db import Transaction

_STORED = [audit_log.c[name] for name in Row.__struct_fields__]
_COMPARED = ("user_id", "session_id", "action", "resource_type", "resource_id")
_SHOWN = [audit_log.c[name] for name in ChainedEntry.__struct_fields__]


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
    resource_type: str | None = None
    resource_id: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    before: str | None = None
    limit: int = 100


async def append(tx: Transaction, entries: Sequence[AuditEntry], signer: Signer) -> None:
    """Add entries to the end of the chain.

    The head is taken first, and held until the transaction ends: whoever else writes waits, and
    goes on from where this transaction ends, or from where it began if it is rolled back.
    """
    only = audit_head.c.id == 1
    advance = sa.update(audit_head).where(only).values(seq=audit_head.c.seq + len(entries))
    advanced = (await tx.execute(advance.returning(audit_head.c.seq, audit_head.c.hash))).one()
    rows = chain(entries, Head(advanced.seq - len(entries), advanced.hash), signer)
    await tx.execute(sa.insert(audit_log), [msgspec.structs.asdict(row) for row in rows])
    await tx.execute(sa.update(audit_head).where(only).values(hash=rows[-1].hash))


async def present(db: AsyncConnection, ids: Sequence[str]) -> set[str]:
    """Find those entries that are in the log."""
    return set(await db.scalars(sa.select(audit_log.c.id).where(audit_log.c.id.in_(ids))))


async def head(db: AsyncConnection) -> Head | None:
    """Read the head; none: somebody removed it."""
    query = sa.select(audit_head.c.seq, audit_head.c.hash).where(audit_head.c.id == 1)
    row = (await db.execute(query)).one_or_none()
    return Head(row.seq, row.hash) if row else None


async def rows_after(db: AsyncConnection, seq: int | None, limit: int) -> list[Row]:
    """Read rows as they are stored, in the chain's order.

    Args:
        db: The connection.
        seq: From behind this number; none: from the first row, whatever its number.
        limit: How many at most.

    Raises:
        ValueError, DBAPIError: One of them holds what was never written there.
    """
    query = sa.select(*_STORED).order_by(audit_log.c.seq).limit(limit)
    if seq is not None:
        query = query.where(audit_log.c.seq > seq)
    rows = await db.execute(query)
    # Unlike PostgreSQL, SQLite takes a value of any type: whoever puts one in shall be found out.
    named = (dict(zip(Row.__struct_fields__, row, strict=True)) for row in rows)
    return [msgspec.convert(row, Row) for row in named]


async def page(db: AsyncConnection, wanted: AuditFilter) -> list[ChainedEntry]:
    """Read entries, newest first."""
    columns = audit_log.c
    query = sa.select(*_SHOWN)
    for name in _COMPARED:
        if value := getattr(wanted, name):
            query = query.where(columns[name] == value)
    if wanted.since:
        query = query.where(columns.timestamp >= wanted.since)
    if wanted.until:
        query = query.where(columns.timestamp < wanted.until)
    if wanted.before:
        query = query.where(columns.id < wanted.before)
    rows = await db.execute(query.order_by(columns.id.desc()).limit(wanted.limit))
    return [_entry(row) for row in rows]


def _entry(row: sa.Row[Any]) -> ChainedEntry:
    return ChainedEntry(**(dict(row._mapping) | {"details": msgspec.json.decode(row.details)}))

"""The rows of workspaces; knows nothing of rights."""

from __future__ import annotations

import hashlib

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from codelab.kit.db import Transaction
from codelab.workspace.models import workspaces
from codelab.workspace.record import WorkspaceRecord

Reader = Transaction | AsyncConnection


async def insert(tx: Transaction, record: WorkspaceRecord) -> None:
    """Add a workspace; fails with an IntegrityError when the path is taken."""
    await tx.execute(
        sa.insert(workspaces).values(
            id=record.id,
            owner_id=record.owner_id,
            name=record.name,
            path=record.path,
            path_digest=_digest(record.path),
            created_at=record.created_at,
        )
    )


async def find(reader: Reader, workspace_id: str) -> WorkspaceRecord | None:
    """Find a workspace."""
    rows = await reader.execute(sa.select(workspaces).where(workspaces.c.id == workspace_id))
    row = rows.one_or_none()
    return _record(row) if row else None


async def find_by_path(reader: Reader, path: str) -> WorkspaceRecord | None:
    """Find the workspace at a path."""
    rows = await reader.execute(
        sa.select(workspaces).where(workspaces.c.path_digest == _digest(path))
    )
    row = rows.one_or_none()
    return _record(row) if row else None


async def list_all(reader: Reader) -> list[WorkspaceRecord]:
    """Return every workspace in the order in which they were created."""
    rows = await reader.execute(sa.select(workspaces).order_by(workspaces.c.id))
    return [_record(row) for row in rows]


async def list_for(reader: Reader, user_id: str) -> list[WorkspaceRecord]:
    """Return a user's own workspaces and those without an owner."""
    rows = await reader.execute(
        sa.select(workspaces)
        .where(sa.or_(workspaces.c.owner_id == user_id, workspaces.c.owner_id.is_(None)))
        .order_by(workspaces.c.id)
    )
    return [_record(row) for row in rows]


async def delete(tx: Transaction, workspace_id: str) -> None:
    """Remove a workspace's row."""
    await tx.execute(sa.delete(workspaces).where(workspaces.c.id == workspace_id))


def _digest(path: str) -> str:
    return hashlib.sha256(path.encode("utf-8", "surrogateescape")).hexdigest()


def _record(row: sa.Row[tuple[object, ...]]) -> WorkspaceRecord:
    return WorkspaceRecord(
        id=row.id, name=row.name, path=row.path, owner_id=row.owner_id, created_at=row.created_at
    )

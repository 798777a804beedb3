"""Which replica runs a turn: a lease with an end and a generation.

The generation is the fence: each write of a turn names the generation it was taken with, so the
writes of an owner that was overtaken reach no row.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import msgspec
import sqlalchemy as sa

from codelab.kit.db import Transaction
from codelab.sessions.errors import LeaseLost
from codelab.sessions.models import sessions

TTL = timedelta(seconds=10)


class Lease(msgspec.Struct, frozen=True, kw_only=True):
    """The right to carry a session's turn forward, with what the session is set to."""

    session_id: str
    turn_id: str
    user_id: str
    workspace_id: str
    generation: int
    cancel_requested: bool = False
    session_agent: str | None = None
    session_model: str | None = None


_COLUMNS = (
    sessions.c.id,
    sessions.c.active_turn_id,
    sessions.c.user_id,
    sessions.c.workspace_id,
    sessions.c.lease_generation,
    sessions.c.cancel_requested,
    sessions.c.agent,
    sessions.c.model,
)


async def take(tx: Transaction, session_id: str, owner: str) -> Lease | None:
    """Take the lease of a session's running turn if nobody holds it."""
    now = await tx.now()
    result = await tx.execute(
        sa.update(sessions)
        .where(
            sessions.c.id == session_id,
            sessions.c.active_turn_id.is_not(None),
            sa.or_(sessions.c.lease_owner.is_(None), sessions.c.lease_expires_at < now),
        )
        .values(
            lease_owner=owner,
            lease_generation=sessions.c.lease_generation + 1,
            lease_expires_at=now + TTL,
        )
        .returning(*_COLUMNS)
    )
    row = result.first()
    return None if row is None else _lease(row)


async def renew(tx: Transaction, owner: str, session_ids: Sequence[str]) -> dict[str, Lease]:
    """Push back the end of this owner's leases; returns those it still holds."""
    now = await tx.now()
    result = await tx.execute(
        sa.update(sessions)
        .where(sessions.c.lease_owner == owner, sessions.c.id.in_(session_ids))
        .values(lease_expires_at=now + TTL)
        .returning(*_COLUMNS)
    )
    return {row.id: _lease(row) for row in result}


async def release(tx: Transaction, lease: Lease) -> None:
    """Give the lease back while the turn waits.

    Raises:
        LeaseLost: It was not ours any more.
    """
    result = await tx.execute(
        sa.update(sessions)
        .where(
            sessions.c.id == lease.session_id,
            sessions.c.lease_generation == lease.generation,
        )
        .values(lease_owner=None, lease_expires_at=None)
    )
    if result.rowcount != 1:
        raise LeaseLost("Another replica has taken over this turn.")


async def unowned(tx: Transaction, limit: int = 200) -> list[tuple[str, str]]:
    """Find running turns that nobody carries forward: (session id, turn id).

    They wait for a human, or their owner died. Those that had an owner come first; among the
    others chance decides, so that many that wait hide none for good.
    """
    now = await tx.now()
    result = await tx.execute(
        sa.select(sessions.c.id, sessions.c.active_turn_id)
        .where(
            sessions.c.active_turn_id.is_not(None),
            sa.or_(sessions.c.lease_owner.is_(None), sessions.c.lease_expires_at < now),
        )
        .order_by(sessions.c.lease_owner.is_(None), sa.func.random())
        .limit(limit)
    )
    return [(row.id, row.active_turn_id) for row in result]


def _lease(row: sa.Row[Any]) -> Lease:
    return Lease(
        session_id=row.id,
        turn_id=row.active_turn_id,
        user_id=row.user_id,
        workspace_id=row.workspace_id,
        generation=row.lease_generation,
        cancel_requested=row.cancel_requested,
        session_agent=row.agent,
        session_model=row.model,
    )

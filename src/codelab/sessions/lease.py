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


class Unowned(msgspec.Struct, frozen=True, kw_only=True):
    """A running turn that nobody carries forward.

    Args:
        session_id: Its session.
        turn_id: The turn.
        is_orphan: Whether somebody must take it up now: its owner is gone, or it was cancelled or
            answered while nobody listened. Otherwise it was given back to wait for a human.
    """

    session_id: str
    turn_id: str
    is_orphan: bool


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
    result = await tx.execute(
        sa.update(sessions)
        .where(
            sessions.c.id == session_id,
            sessions.c.active_turn_id.is_not(None),
            sa.or_(sessions.c.lease_owner.is_(None), sessions.c.lease_expires_at < tx.moment()),
        )
        .values(
            lease_owner=owner,
            lease_generation=sessions.c.lease_generation + 1,
            lease_expires_at=tx.moment(TTL),
            has_answer=False,
        )
        .returning(*_COLUMNS)
    )
    row = result.first()
    return None if row is None else _lease(row)


async def renew(tx: Transaction, owner: str, session_ids: Sequence[str]) -> dict[str, Lease]:
    """Push back the end of this owner's leases; returns those it still holds."""
    result = await tx.execute(
        sa.update(sessions)
        .where(sessions.c.lease_owner == owner, sessions.c.id.in_(session_ids))
        .values(lease_expires_at=tx.moment(TTL))
        .returning(*_COLUMNS)
    )
    return {row.id: _lease(row) for row in result}


async def release(tx: Transaction, lease: Lease) -> bool:
    """Give the lease back while the turn waits; tell whether it was cancelled until then.

    Raises:
        LeaseLost: It was not ours any more.
    """
    return await _let_go(tx, lease, {"lease_owner": None, "lease_expires_at": None})


async def abandon(tx: Transaction, lease: Lease) -> None:
    """End the lease now, so that whoever looks next takes the turn up.

    Raises:
        LeaseLost: It was not ours any more.
    """
    await _let_go(tx, lease, {"lease_expires_at": tx.moment()})


async def unowned(tx: Transaction, limit: int = 200) -> list[Unowned]:
    """Find running turns that nobody carries forward.

    Orphans come first; among the others chance decides, so that many hide none for good.
    """
    is_orphan = sa.or_(
        sessions.c.lease_owner.is_not(None), sessions.c.cancel_requested, sessions.c.has_answer
    )
    result = await tx.execute(
        sa.select(sessions.c.id, sessions.c.active_turn_id, is_orphan.label("is_orphan"))
        .where(
            sessions.c.active_turn_id.is_not(None),
            sa.or_(sessions.c.lease_owner.is_(None), sessions.c.lease_expires_at < tx.moment()),
        )
        .order_by(sa.desc("is_orphan"), sa.func.random())
        .limit(limit)
    )
    return [
        Unowned(session_id=row.id, turn_id=row.active_turn_id, is_orphan=bool(row.is_orphan))
        for row in result
    ]


async def _let_go(tx: Transaction, lease: Lease, changes: dict[str, Any]) -> bool:
    result = await tx.execute(
        sa.update(sessions)
        .where(
            sessions.c.id == lease.session_id,
            sessions.c.lease_generation == lease.generation,
        )
        .values(**changes)
        .returning(sessions.c.cancel_requested)
    )
    row = result.first()
    if row is None:
        raise LeaseLost("Another replica has taken over this turn.")
    return bool(row.cancel_requested)


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

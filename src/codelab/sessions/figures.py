"""How much is talked, how turns end, and what users think of the answers: counted, never read."""

from __future__ import annotations

from datetime import datetime

import msgspec
import sqlalchemy as sa

from codelab.kit.db import Database
from codelab.kit.ids import first_id
from codelab.sessions.models import feedback, turns


class SessionFigures(msgspec.Struct, frozen=True, kw_only=True):
    """What was counted.

    Args:
        sessions: In how many sessions something was asked.
        turns: How many turns began.
        endings: How many of them ended, by how they ended.
        thumbs_up: How many answers were found good.
        thumbs_down: How many were found bad.
    """

    sessions: int
    turns: int
    endings: dict[str, int]
    thumbs_up: int
    thumbs_down: int


async def session_figures(db: Database, since: datetime) -> SessionFigures:
    """Count what began at a moment or later, in everybody's sessions."""
    first = first_id(since)
    began = turns.c.id >= first
    endings = (
        sa.select(turns.c.stop_reason, sa.func.count())
        .where(began, turns.c.stop_reason.is_not(None))
        .group_by(turns.c.stop_reason)
    )
    ratings = (
        sa.select(feedback.c.rating, sa.func.count())
        .where(feedback.c.id >= first)
        .group_by(feedback.c.rating)
    )
    asked = sa.select(sa.func.count(), sa.func.count(turns.c.session_id.distinct())).where(began)
    async with db.read() as connection:
        ended = {reason: count for reason, count in await connection.execute(endings)}
        rated = {rating: count for rating, count in await connection.execute(ratings)}
        turn_count, session_count = (await connection.execute(asked)).one()
    return SessionFigures(
        sessions=session_count,
        turns=turn_count,
        endings=ended,
        thumbs_up=rated.get("up", 0),
        thumbs_down=rated.get("down", 0),
    )

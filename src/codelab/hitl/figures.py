"""How people answer what agents ask them: counted, never read."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa

from codelab.hitl.models import approvals
from codelab.hitl.service import POLICY
from codelab.kit.db import Database
from codelab.kit.ids import first_id


async def answers(db: Database, since: datetime) -> dict[str, int]:
    """Count by status what people were asked since a moment; what a rule decided is left out."""
    by = sa.func.coalesce(approvals.c.responded_by, "")
    query = (
        sa.select(approvals.c.status, sa.func.count())
        .where(approvals.c.id >= first_id(since), by != POLICY)
        .group_by(approvals.c.status)
    )
    async with db.read() as connection:
        return {status: count for status, count in await connection.execute(query)}

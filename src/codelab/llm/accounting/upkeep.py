"""Looking after reservations: kept while their call goes on, settled when its replica is gone."""

from __future__ import annotations

from collections.abc import Collection
from datetime import timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from codelab.kit.clock import utc_now
from codelab.kit.db import Database
from codelab.llm.accounting import counters
from codelab.llm.accounting.ledger import EXPIRES_AFTER
from codelab.llm.accounting.money import dollars
from codelab.llm.models import llm_budgets, llm_reservations, llm_usage

ABANDONED = "abandoned"
_KEPT_UNUSED = timedelta(days=2)
_AT_ONCE = 100


async def renew(db: Database, numbers: Collection[str]) -> None:
    """Keep the reservations of calls that go on."""
    async with db.transaction() as tx:
        await tx.execute(
            sa.update(llm_reservations)
            .where(llm_reservations.c.id.in_(numbers))
            .values(expires_at=tx.moment(EXPIRES_AFTER))
        )


async def sweep(db: Database) -> int:
    """Settle calls whose replica is gone at all they held; return how many there were.

    What their models had written is not known, and a cap must err on the high side.
    """
    async with db.transaction() as tx:
        due = llm_reservations.c.expires_at <= tx.moment()
        query = sa.select(llm_reservations.c.id).where(due).limit(_AT_ONCE)
        numbers = [row.id for row in await tx.execute(query)]
    return sum([await _abandon(db, number) for number in numbers])


async def clean(db: Database) -> None:
    """Forget counters that nobody has used for days: what they hold is in the table of usage."""
    async with db.transaction() as tx:
        unused = llm_budgets.c.used_at < tx.moment(-_KEPT_UNUSED)
        await tx.execute(sa.delete(llm_budgets).where(llm_budgets.c.reserved == 0, unused))


async def _abandon(db: Database, number: str) -> bool:
    try:
        return await _settle(db, number)
    except IntegrityError:
        # The user was deleted meanwhile; the money was spent all the same.
        return await _settle(db, number, orphaned=True)


async def _settle(db: Database, number: str, *, orphaned: bool = False) -> bool:
    async with db.transaction() as tx:
        due = llm_reservations.c.expires_at <= tx.moment()
        taken = await tx.execute(
            sa.delete(llm_reservations)
            .where(llm_reservations.c.id == number, due)
            .returning(*llm_reservations.c)
        )
        gone = taken.first()
        if gone is None:
            return False
        held = await counters.lock(tx, gone.counters.split())
        await counters.add(tx, held, settled=gone.amount, reserved=-gone.amount)
        if not orphaned:
            await tx.execute(sa.insert(llm_usage), [_row(gone)])
        return True


def _row(gone: sa.Row[Any]) -> dict[str, Any]:
    return {
        "id": gone.id,
        "at": utc_now(),
        "day": gone.day,
        "user_id": gone.user_id or None,
        "session_id": gone.session_id,
        # Its turn goes on without it, or is over: no figure of a turn holds this call.
        "turn_id": "",
        "agent": gone.agent,
        "model": gone.model,
        "provider": gone.provider,
        "input_tokens": gone.input_tokens,
        "output_tokens": 0,
        "cached_tokens": 0,
        "cache_write_tokens": 0,
        "from_cache": False,
        "cost_usd": dollars(gone.amount),
        "estimated": True,
        "first_token_ms": None,
        "duration_ms": 0,
        "ok": False,
        "error_code": ABANDONED,
        "tried": "",
    }

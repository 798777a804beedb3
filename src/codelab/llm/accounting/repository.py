"""The rows of model calls: written in batches, read as sums."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, Literal

import msgspec
import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from codelab.kit.clock import utc_now
from codelab.kit.db import Database
from codelab.kit.ids import new_id
from codelab.llm.accounting.money import whole
from codelab.llm.events import ModelCalled
from codelab.llm.models import llm_usage

UsageGroup = Literal["session", "turn", "agent", "model", "day", "user"]

_LONGEST_TRIED = 1000
_MOST_GROUPS = 1000
_COLUMNS: dict[str, sa.Column[Any]] = {
    "session": llm_usage.c.session_id,
    "turn": llm_usage.c.turn_id,
    "agent": llm_usage.c.agent,
    "model": llm_usage.c.model,
    "day": llm_usage.c.day,
    "user": llm_usage.c.user_id,
}


class UsageSum(msgspec.Struct, frozen=True, kw_only=True):
    """What a group of calls used; cost in US dollars.

    Args:
        key: The session, turn, agent, model, day or user that the calls have in common.
        calls: How many; those answered from the cache are among them, and cost nothing.
        estimated: Whether some of the counts are estimates.
    """

    key: str
    calls: int
    failed_calls: int
    calls_from_cache: int
    input_tokens: int
    output_tokens: int
    cached_tokens: int
    cache_write_tokens: int
    cost_usd: float
    estimated: bool


class UsageFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Which calls are meant; what is none is any.

    Args:
        user_id: Whose.
        session_id: In which session.
        agent: By which agent.
        model: Of which model.
        since: From which day, as in 2026-01-31.
        until: Until the end of which day.
    """

    user_id: str | None = None
    session_id: str | None = None
    agent: str | None = None
    model: str | None = None
    since: str | None = None
    until: str | None = None

    def conditions(self) -> list[sa.ColumnElement[bool]]:
        """Return what a query asks of the calls."""
        calls, asked = llm_usage.c, msgspec.structs.asdict(self)
        since, until = asked.pop("since"), asked.pop("until")
        same = [calls[name] == value for name, value in asked.items() if value is not None]
        days = [calls.day >= since] if since else []
        return [*same, *days, *([calls.day <= until] if until else [])]


class UsageRecord(msgspec.Struct, frozen=True, kw_only=True):
    """One model call as its user may see it; cost in US dollars."""

    id: str
    at: datetime
    session_id: str
    turn_id: str
    agent: str
    model: str
    provider: str
    input_tokens: int
    output_tokens: int
    cached_tokens: int
    cache_write_tokens: int
    from_cache: bool
    cost_usd: float
    estimated: bool
    first_token_ms: int | None
    duration_ms: int
    ok: bool
    error_code: str
    tried: str


def usage_row(call: ModelCalled, number: str = "") -> dict[str, Any]:
    """Make the row of a call that was over a moment ago; the number is its id, if it has one."""
    now = utc_now()
    return {
        "id": number or new_id(),
        "at": now,
        "day": now.date().isoformat(),
        "user_id": call.user_id or None,
        "session_id": call.session_id,
        "turn_id": call.turn_id,
        "agent": call.agent[:64],
        "model": call.model[:200],
        "provider": call.provider[:100],
        "input_tokens": call.usage.input_tokens,
        "output_tokens": call.usage.output_tokens,
        "cached_tokens": call.usage.cached_tokens,
        "cache_write_tokens": call.usage.cache_write_tokens,
        "from_cache": call.from_cache,
        "cost_usd": call.usage.cost_usd,
        "estimated": call.usage.estimated,
        "first_token_ms": call.first_token_ms,
        "duration_ms": call.duration_ms,
        "ok": call.ok,
        "error_code": call.error_code,
        "tried": ", ".join(call.tried)[:_LONGEST_TRIED],
    }


class UsageRepository:
    """Reads and writes the rows; knows nothing of rights."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def insert(self, rows: Sequence[dict[str, Any]]) -> int:
        """Write the rows and return how many were: those of deleted users are left out."""
        try:
            async with self._db.transaction() as tx:
                await tx.execute(sa.insert(llm_usage), list(rows))
            return len(rows)
        except IntegrityError:
            if len(rows) == 1:
                return 0
        return sum([await self.insert([row]) for row in rows])

    async def take_from_turn(self, numbers: Collection[str]) -> None:
        """Have the rows name no turn any more."""
        async with self._db.transaction() as tx:
            rows = sa.update(llm_usage).where(llm_usage.c.id.in_(numbers))
            await tx.execute(rows.values(turn_id=""))

    async def of_user(self, user_id: str, *, before: str | None, limit: int) -> list[UsageRecord]:
        """Read a page of a user's calls, newest first."""
        names = UsageRecord.__struct_fields__
        query = sa.select(*(llm_usage.c[name] for name in names)).where(
            llm_usage.c.user_id == user_id
        )
        if before:
            query = query.where(llm_usage.c.id < before)
        async with self._db.read() as connection:
            rows = await connection.execute(query.order_by(llm_usage.c.id.desc()).limit(limit))
            return [UsageRecord(**row._mapping) for row in rows]

    async def sums(self, group: UsageGroup, chosen: UsageFilter) -> list[UsageSum]:
        """Add up calls, the most expensive group first.

        Args:
            group: What the calls of a group have in common.
            chosen: Which calls.
        """
        key, calls = _COLUMNS[group], llm_usage.c
        cost = sa.func.sum(calls.cost_usd)
        counts = ("input_tokens", "output_tokens", "cached_tokens", "cache_write_tokens")
        statement = (
            sa.select(
                sa.func.coalesce(key, "").label("key"),
                sa.func.count().label("calls"),
                sa.func.sum(sa.case((calls.ok, 0), else_=1)).label("failed_calls"),
                sa.func.sum(sa.case((calls.from_cache, 1), else_=0)).label("calls_from_cache"),
                *(sa.func.sum(calls[name]).label(name) for name in counts),
                cost.label("cost_usd"),
                sa.func.max(sa.case((calls.estimated, 1), else_=0)).label("estimated"),
            )
            .where(*chosen.conditions())
            .group_by(key)
            .order_by(cost.desc(), sa.literal_column("key").desc())
            .limit(_MOST_GROUPS)
        )
        async with self._db.read() as connection:
            rows = (await connection.execute(statement)).mappings().all()
        return [msgspec.convert(_plain(row), UsageSum, strict=False) for row in rows]


def _plain(row: sa.RowMapping) -> dict[str, Any]:
    # PostgreSQL adds whole numbers up to decimals.
    whole_numbers = {name: int(row[name]) for name in row if name not in ("key", "cost_usd")}
    return {
        **whole_numbers,
        "key": row["key"],
        "cost_usd": whole(row["cost_usd"]),
        "estimated": bool(row["estimated"]),
    }

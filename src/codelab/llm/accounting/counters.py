"""The counters of what was spent and reserved, in billionths of a dollar, for all replicas.

Whoever changes counters locks them first, in the order of their ids; what is granted is then
decided on numbers that nobody else can change meanwhile. SQLite has one writer anyway.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from codelab.kit.clock import utc_now
from codelab.kit.db import Database, Transaction
from codelab.llm.accounting.caps import Scope
from codelab.llm.accounting.money import nanos
from codelab.llm.models import llm_budgets, llm_usage

Counters = Mapping[str, sa.Row[Any]]


class Account(msgspec.Struct, frozen=True, kw_only=True):
    """Who a call is made for, on which day in UTC, and of which model."""

    day: str
    user_id: str = ""
    session_id: str = ""
    turn_id: str = ""
    agent: str = ""
    model: str = ""
    provider: str = ""

    def counters(self, limits: Iterable[Scope]) -> dict[Scope, str]:
        """Name the counters that the call goes against, as far as there are caps."""
        keys: dict[Scope, str] = {
            "turn": self.turn_id,
            "session": self.session_id,
            "user": self.user_id and f"{self.user_id}:{self.day}",
            "server": self.day,
        }
        return {scope: f"{scope}:{keys[scope]}" for scope in limits if keys[scope]}


async def lock(tx: Transaction, names: Iterable[str]) -> Counters:
    """Lock the counters that there are of these, until the transaction ends."""
    query = (
        sa.select(llm_budgets)
        .where(llm_budgets.c.id.in_(list(names)))
        .order_by(llm_budgets.c.id)
        .with_for_update()
    )
    return {row.id: row for row in await tx.execute(query)}


async def make(db: Database, account: Account, counters: Mapping[Scope, str]) -> None:
    """Make those of a call's counters that are missing; each starts from the table of usage.

    It is a transaction of its own: to hold one counter and wait for another that somebody makes
    could go on for ever.

    Raises:
        IntegrityError: The user was deleted.
    """
    names = {name: scope for scope, name in counters.items()}
    async with db.transaction() as tx:
        query = sa.select(llm_budgets.c.id).where(llm_budgets.c.id.in_(names))
        missing = names.keys() - set((await tx.execute(query)).scalars())
        for name in sorted(missing):
            scope = names[name]
            row = {
                "id": name,
                "user_id": (account.user_id or None) if scope != "server" else None,
                "settled": nanos((await tx.execute(spent(scope, account))).scalar() or 0),
                "reserved": 0,
                "used_at": utc_now(),
            }
            insert = sqlite.insert(llm_budgets) if db.embedded else postgresql.insert(llm_budgets)
            await tx.execute(insert.values(row).on_conflict_do_nothing())


async def add(
    tx: Transaction, names: Iterable[str], *, settled: int = 0, reserved: int = 0
) -> None:
    """Change counters that are locked."""
    if settled or reserved:
        await tx.execute(
            sa.update(llm_budgets)
            .where(llm_budgets.c.id.in_(list(names)))
            .values(
                settled=llm_budgets.c.settled + settled,
                reserved=llm_budgets.c.reserved + reserved,
                used_at=utc_now(),
            )
        )


def spent(scope: Scope, account: Account) -> sa.Select[Any]:
    """Return the query for what the table of usage holds, in US dollars."""
    calls = llm_usage.c
    own = calls.user_id == account.user_id
    conditions: dict[Scope, tuple[sa.ColumnElement[bool], ...]] = {
        "turn": (calls.turn_id == account.turn_id, own),
        "session": (calls.session_id == account.session_id, own),
        "user": (calls.day == account.day, own),
        "server": (calls.day == account.day,),
    }
    return sa.select(sa.func.sum(calls.cost_usd)).where(*conditions[scope])

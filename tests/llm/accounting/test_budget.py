"""Reservations over time: a database that goes away, a call that is given up, what is counted."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
import sqlalchemy as sa

from codelab.kit.bus import Bus
from codelab.kit.db import Database
from codelab.kit.errors import NotFound, Unavailable
from codelab.llm.accounting.budget import Budget
from codelab.llm.accounting.caps import Caps
from codelab.llm.accounting.counters import Account
from codelab.llm.accounting.repository import usage_row
from codelab.llm.errors import BudgetExhausted
from codelab.llm.models import llm_budgets, llm_reservations, llm_usage
from tests.llm.accounting.spender import DAY, QUOTE, called
from tests.llm.conftest import TABLES, add_user
from tests.llm.layer import eventually
from tests.support.servers import PostgresServer
from tests.support.tables import make_tables

# Enough for one call of the quote, and not for two.
ONE = Caps(user_day_usd=0.0012)


async def opened(url: str) -> Database:
    """The tables."""
    db = Database(url, Bus())
    await make_tables(db, TABLES)
    return db


async def figures(db: Database) -> tuple[list[int], list[int], int, int]:
    """What is settled, what is reserved, how many calls hold something, how many are over."""
    async with db.read() as connection:
        counters = (await connection.execute(sa.select(llm_budgets))).all()
        held = (await connection.execute(sa.select(llm_reservations))).all()
        rows = (await connection.execute(sa.select(llm_usage))).all()
    return [c.settled for c in counters], [c.reserved for c in counters], len(held), len(rows)


async def test_a_settlement_waits_for_the_database_and_the_answer_does_not(
    tmp_path: Path,
) -> None:
    server = PostgresServer(tmp_path)
    server.start()
    db = await opened(server.url.replace("postgresql://", "postgresql+asyncpg://"))
    account = Account(day=DAY, user_id=await add_user(db), model="m")
    budget = Budget(db, ONE)
    held = await budget.reserve(account, QUOTE)
    server.stop()
    started = asyncio.get_running_loop().time()
    await budget.settle(held, usage_row(called(account, 700)))
    assert asyncio.get_running_loop().time() - started < 4
    # Without the database nothing more is spent.
    with pytest.raises(Unavailable):
        await budget.reserve(account, QUOTE)
    server.start()

    async def is_settled() -> bool:
        return (await figures(db))[2:] == (0, 1)

    await eventually(is_settled, within_s=20)
    assert await figures(db) == ([700], [0], 0, 1)
    await budget.close()
    await db.close()
    server.stop()


async def test_who_gives_up_waiting_for_money_leaves_nothing_behind(database_url: str) -> None:
    db = await opened(database_url)
    account = Account(day=DAY, user_id=await add_user(db), model="m")
    budget = Budget(db, ONE)
    held = await budget.reserve(account, QUOTE)
    assert held.amount == QUOTE.amount(QUOTE.output_tokens)
    waiting = asyncio.create_task(budget.reserve(account, QUOTE))
    await asyncio.sleep(0.2)
    assert not waiting.done()
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    await budget.release(held)
    assert await figures(db) == ([0], [0], 0, 0)
    assert dict(budget.outcomes())["granted"] == 1
    await budget.close()
    await db.close()


@pytest.mark.parametrize("steps", range(0, 24, 2))
async def test_a_reservation_that_is_cancelled_at_any_moment_gives_all_back(
    database_url: str, steps: int
) -> None:
    db = await opened(database_url)
    account = Account(day=DAY, user_id=await add_user(db), model="m")
    budget = Budget(db, ONE)
    await budget.release(await budget.reserve(account, QUOTE))
    reserving = asyncio.create_task(budget.reserve(account, QUOTE))
    await asyncio.sleep(steps * 0.0005)
    reserving.cancel()
    try:
        await budget.release(await reserving)
    except asyncio.CancelledError:
        await budget.flush()
    assert await figures(db) == ([0], [0], 0, 0)
    await budget.close()
    await db.close()


async def test_money_that_others_hold_for_too_long_is_a_refusal_that_says_so(
    database_url: str,
) -> None:
    db = await opened(database_url)
    account = Account(day=DAY, user_id=await add_user(db), model="m")
    budget = Budget(db, ONE, patience_s=0.3)
    await budget.reserve(account, QUOTE)
    with pytest.raises(BudgetExhausted, match="held by calls that are under way"):
        await budget.reserve(account, QUOTE)
    outcomes = dict(budget.outcomes())
    assert (outcomes["granted"], outcomes["refused_user"]) == (1, 1)
    assert dict(budget.reserved()) == {"granted": 0.0011}
    # What is held at the end is left to whoever sweeps next.
    await budget.close()
    assert (await figures(db))[2:] == (1, 0)
    await db.close()


async def test_a_deleted_user_reserves_nothing(database_url: str) -> None:
    db = await opened(database_url)
    budget = Budget(db, ONE)
    with pytest.raises(NotFound):
        await budget.reserve(Account(day=DAY, user_id="0" * 32, model="m"), QUOTE)
    await budget.close()
    await db.close()

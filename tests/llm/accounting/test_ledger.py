"""No cap is ever passed and no money is lost: by any sequence of steps, and by many processes."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec
import pytest
import sqlalchemy as sa
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, rule

from codelab.auth.models import users
from codelab.kit.bus import Bus
from codelab.kit.clock import utc_now
from codelab.kit.db import Database
from codelab.llm.accounting import upkeep
from codelab.llm.accounting.caps import Granted, Quote, Scope
from codelab.llm.accounting.counters import Account
from codelab.llm.accounting.ledger import Ledger, Reservation
from codelab.llm.accounting.money import nanos
from codelab.llm.accounting.repository import usage_row
from codelab.llm.models import llm_budgets, llm_reservations, llm_usage
from tests.llm.accounting.spender import CAPS, DAY, QUOTE, account_of, called
from tests.llm.conftest import TABLES, add_user
from tests.support.tables import make_tables

CAP_OF = CAPS.limits()
PROCESSES = 4
CALLS = 40
# What a call of the quote holds, and costs where nobody comes to tell.
MOST = QUOTE.amount(QUOTE.output_tokens)


@pytest.fixture
async def db(database_url: str) -> AsyncIterator[Database]:
    """The tables, on each kind of database."""
    made = Database(database_url, Bus())
    await make_tables(made, TABLES)
    yield made
    await made.close()


async def check(db: Database, *, whole: bool = True) -> None:
    """No counter is above its cap; what is reserved and settled is what the rows say."""
    async with db.read() as connection:
        # One snapshot, where others go on writing.
        counters = (await connection.execute(sa.select(llm_budgets))).all()
    for counter in counters:
        scope: Scope = counter.id.partition(":")[0]
        assert counter.reserved >= 0
        assert counter.settled + counter.reserved <= CAP_OF[scope], counter.id
    if not whole:
        return
    async with db.read() as connection:
        held = (await connection.execute(sa.select(llm_reservations))).all()
        rows = (await connection.execute(sa.select(llm_usage))).all()
    for counter in counters:
        scope, _, key = counter.id.partition(":")
        assert counter.reserved == sum(
            one.amount for one in held if counter.id in one.counters.split()
        )
        if scope == "turn":
            continue
        own = {
            "session": [row for row in rows if row.session_id == key],
            "user": [row for row in rows if f"{row.user_id}:{row.day}" == key],
            "server": [row for row in rows if row.day == key],
        }[scope]
        assert counter.settled == sum(nanos(row.cost_usd) for row in own), counter.id


async def expire(db: Database) -> None:
    """Let time pass for every reservation."""
    async with db.transaction() as tx:
        await tx.execute(
            sa.update(llm_reservations).values(expires_at=utc_now() - timedelta(seconds=1))
        )


async def test_many_processes_pass_no_cap_and_lose_no_money(
    db: Database, database_url: str
) -> None:
    names = [await add_user(db) for _ in range(2)]
    processes = [
        await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "tests.llm.accounting.spender"),
            *(database_url, names[number % 2], str(CALLS), str(number)),
            cwd=Path(__file__).parents[3],
        )
        for number in range(PROCESSES)
    ]
    ending = asyncio.gather(*(process.wait() for process in processes))
    while not ending.done():
        await check(db, whole=False)
        await asyncio.sleep(0.01)
    assert set(await ending) <= {0, 9}
    await check(db)
    await expire(db)
    await upkeep.sweep(db)
    await check(db)
    async with db.read() as connection:
        assert await connection.scalar(sa.select(sa.func.sum(llm_budgets.c.reserved))) == 0
        assert (await connection.execute(sa.select(llm_usage))).first() is not None


async def test_two_engines_take_the_last_money_once(db: Database, database_url: str) -> None:
    other = Database(database_url, Bus())
    user_id = await add_user(db)
    ledgers = [Ledger(db, {"user": 2_000_000}), Ledger(other, {"user": 2_000_000})]
    account = Account(day=DAY, user_id=user_id)
    quote = msgspec.structs.replace(QUOTE, output_tokens=256)
    decisions = await asyncio.gather(
        *(
            ledgers[number % 2].reserve(ledgers[0].open(f"{number}", account), quote)
            for number in range(20)
        )
    )
    assert sum(isinstance(one, Granted) for one in decisions) == 2_000_000 // quote.amount(256)
    await other.close()


async def test_a_counter_starts_from_what_the_table_holds(db: Database) -> None:
    user_id = await add_user(db)
    account = account_of(user_id, 0)
    row = usage_row(called(account, 1_500)) | {"day": DAY}
    async with db.transaction() as tx:
        await tx.execute(sa.insert(llm_usage), [row])
    ledger = Ledger(db, CAP_OF)
    before = {one.scope: one.settled for one in await ledger.standing(account)}
    assert before == dict.fromkeys(("turn", "session", "user", "server"), 1_500)
    await ledger.reserve(ledger.open("one", account), QUOTE)
    after = {one.scope: (one.settled, one.reserved) for one in await ledger.standing(account)}
    assert after == dict.fromkeys(before, (1_500, QUOTE.amount(QUOTE.output_tokens)))
    # Nobody learns what others have spent.
    stranger = msgspec.structs.replace(account, user_id=await add_user(db))
    seen = {one.scope: one.settled for one in await ledger.standing(stranger)}
    assert seen == {"turn": 0, "session": 0, "user": 0, "server": 1_500}


async def test_settling_twice_is_settling_once(db: Database) -> None:
    account = account_of(await add_user(db), 0)
    ledger = Ledger(db, CAP_OF)
    held = await reserved(ledger, "one", account)
    row = usage_row(called(account, 700))
    await ledger.settle(held, row)
    await ledger.settle(held, row)
    await check(db)
    assert [one.settled for one in await ledger.standing(account)] == [700] * 4
    # And what was never reserved, since nobody knew the price.
    unknown = ledger.open("two", account)
    await ledger.settle(unknown, row)
    await ledger.settle(unknown, row)
    await check(db)
    assert [one.settled for one in await ledger.standing(account)] == [1400] * 4


async def test_who_comes_back_after_the_sweep_puts_the_true_figures_in(db: Database) -> None:
    account = account_of(await add_user(db), 0)
    ledger = Ledger(db, CAP_OF)
    held = await reserved(ledger, "one", account)
    await upkeep.renew(db, ["one"])
    assert await upkeep.sweep(db) == 0
    await expire(db)
    assert await upkeep.sweep(db) == 1
    assert await upkeep.sweep(db) == 0
    await check(db)
    assert [one.settled for one in await ledger.standing(account)] == [MOST] * 4
    async with db.read() as connection:
        [row] = (await connection.execute(sa.select(llm_usage))).all()
    assert (row.turn_id, row.error_code, row.ok) == ("", "abandoned", False)
    assert (nanos(row.cost_usd), row.estimated) == (MOST, True)
    await ledger.settle(held, usage_row(called(account, 5)))
    await check(db)
    assert [one.settled for one in await ledger.standing(account)] == [5] * 4
    async with db.read() as connection:
        [row] = (await connection.execute(sa.select(llm_usage))).all()
    assert (row.turn_id, row.error_code, row.ok, row.day) == ("", "", True, DAY)


@pytest.mark.parametrize("ending", ["settled", "released", "swept"])
async def test_a_deleted_user_leaves_nothing_but_what_the_server_has_spent(
    db: Database, ending: str
) -> None:
    account = account_of(await add_user(db), 0)
    ledger = Ledger(db, CAP_OF)
    held = await reserved(ledger, "one", account)
    async with db.transaction() as tx:
        await tx.execute(sa.delete(users).where(users.c.id == account.user_id))
    if ending == "swept":
        await expire(db)
        assert await upkeep.sweep(db) == 1
    else:
        await ledger.settle(held, usage_row(called(account, 9)) if ending == "settled" else None)
    async with db.read() as connection:
        counters = (await connection.execute(sa.select(llm_budgets))).all()
        assert (await connection.execute(sa.select(llm_reservations))).all() == []
        assert (await connection.execute(sa.select(llm_usage))).all() == []
    spent = {"settled": 9, "released": 0, "swept": MOST}[ending]
    assert [(one.id, one.settled, one.reserved) for one in counters] == [
        (f"server:{DAY}", spent, 0)
    ]


async def test_counters_that_nobody_uses_are_forgotten(db: Database) -> None:
    account = account_of(await add_user(db), 0)
    ledger = Ledger(db, CAP_OF)
    held = await reserved(ledger, "one", account)
    async with db.transaction() as tx:
        await tx.execute(sa.update(llm_budgets).values(used_at=utc_now() - timedelta(days=3)))
    await upkeep.clean(db)
    assert [one.reserved > 0 for one in await ledger.standing(account)] == [True] * 4
    await ledger.settle(held, usage_row(called(account, 9)))
    async with db.transaction() as tx:
        await tx.execute(sa.update(llm_budgets).values(used_at=utc_now() - timedelta(days=3)))
    await upkeep.clean(db)
    async with db.read() as connection:
        assert (await connection.execute(sa.select(llm_budgets))).all() == []
    assert [one.settled for one in await ledger.standing(account)] == [9] * 4


async def reserved(
    ledger: Ledger, number: str, account: Account, quote: Quote = QUOTE
) -> Reservation:
    """Reserve, and describe what is held."""
    wanted = ledger.open(number, account)
    decision = await ledger.reserve(wanted, quote)
    assert isinstance(decision, Granted)
    return msgspec.structs.replace(wanted, is_open=True, amount=decision.amount)


class Spending(RuleBasedStateMachine):
    """Any sequence of reservations, settlements, releases, sweeps and late returns."""

    held = Bundle("held")

    def __init__(self) -> None:
        super().__init__()
        self._runner = asyncio.Runner()
        self._folder = TemporaryDirectory()
        self._number = 0
        self._runner.run(self._open())

    async def _open(self) -> None:
        self._db = Database(f"sqlite+aiosqlite:///{self._folder.name}/db", Bus())
        await make_tables(self._db, TABLES)
        self._users = [await add_user(self._db) for _ in range(2)]
        self._ledger = Ledger(self._db, CAP_OF)

    @rule(
        target=held,
        user=st.integers(0, 1),
        place=st.integers(0, 6),
        tokens=st.integers(1, 20_000),
    )
    def reserve(self, user: int, place: int, tokens: int) -> list[Reservation]:
        """Ask for money; what is granted may be none."""
        self._number += 1
        wanted = self._ledger.open(str(self._number), account_of(self._users[user], place))
        quote = msgspec.structs.replace(QUOTE, output_tokens=tokens)
        decision = self._runner.run(self._ledger.reserve(wanted, quote))
        if not isinstance(decision, Granted):
            return []
        return [msgspec.structs.replace(wanted, is_open=True, amount=decision.amount)]

    @rule(held=consumes(held), share=st.integers(0, 100), twice=st.booleans())
    def settle(self, held: list[Reservation], share: int, twice: bool) -> None:
        """Settle at a part of what was granted, in time or after a sweep."""
        for one in held * (1 + twice):
            row = usage_row(called(one.account, one.amount * share // 100))
            self._runner.run(self._ledger.settle(one, row))

    @rule(held=consumes(held))
    def release(self, held: list[Reservation]) -> None:
        """Give all of it back."""
        for one in held:
            self._runner.run(self._ledger.settle(one, None))

    @rule()
    def sweep(self) -> None:
        """Let every reservation run out, and settle them."""
        self._runner.run(expire(self._db))
        self._runner.run(upkeep.sweep(self._db))

    @invariant()
    def holds(self) -> None:
        """What must hold after each step."""
        self._runner.run(check(self._db))

    def teardown(self) -> None:
        """Close the database."""
        self._runner.run(self._db.close())
        self._runner.close()
        self._folder.cleanup()


TestSpending = Spending.TestCase
TestSpending.settings = settings(max_examples=12, stateful_step_count=20)

"""Reserving money before a call and settling it after, each in one short transaction."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from codelab.kit.db import Database, Transaction
from codelab.kit.errors import NotFound
from codelab.llm.accounting import counters
from codelab.llm.accounting.caps import Balance, Granted, Quote, Refused, Scope, decide
from codelab.llm.accounting.counters import Account
from codelab.llm.accounting.money import nanos
from codelab.llm.models import llm_budgets, llm_reservations, llm_usage

EXPIRES_AFTER = timedelta(seconds=120)


class Reservation(msgspec.Struct, frozen=True, kw_only=True):
    """Money that a call holds, in billionths of a dollar.

    Args:
        id: The id of the row that the call will have in the table of usage.
        account: Who the call is made for.
        counters: What it goes against, by scope.
        is_open: Whether there is a row that has to be settled.
        amount: How much is held.
        output_tokens: The longest answer that it pays for; none where that is not known.
    """

    id: str
    account: Account
    counters: Mapping[Scope, str]
    is_open: bool = False
    amount: int = 0
    output_tokens: int | None = None


class Ledger:
    """What calls have reserved, and what they have cost.

    Args:
        db: Where it is kept.
        limits: The caps that are set, in billionths of a dollar.
    """

    def __init__(self, db: Database, limits: Mapping[Scope, int]) -> None:
        self._db = db
        self._limits = limits

    def open(self, number: str, account: Account) -> Reservation:
        """Describe a call that has reserved nothing yet."""
        return Reservation(id=number, account=account, counters=account.counters(self._limits))

    async def reserve(self, wanted: Reservation, quote: Quote) -> Granted | Refused:
        """Reserve what a call may cost, or what pays for a shorter answer.

        Raises:
            NotFound: The user was deleted.
            Unavailable: The database does not answer.
        """
        try:
            while (decision := await self._decide(wanted, quote)) is None:
                await counters.make(self._db, wanted.account, wanted.counters)
        except IntegrityError:
            raise NotFound("The account does not exist any more.") from None
        return decision

    async def _decide(self, wanted: Reservation, quote: Quote) -> Granted | Refused | None:
        """Reserve or refuse; nothing is done while a counter is missing."""
        async with self._db.transaction() as tx:
            held = await counters.lock(tx, wanted.counters.values())
            if len(held) < len(wanted.counters):
                return None
            balances = [self._balance(s, held[name]) for s, name in wanted.counters.items()]
            decision = decide(quote, balances)
            if isinstance(decision, Granted):
                await counters.add(tx, held, reserved=decision.amount)
                row = _row(wanted, quote, decision)
                until = tx.moment(EXPIRES_AFTER)
                await tx.execute(sa.insert(llm_reservations).values(**row, expires_at=until))
            return decision

    async def settle(self, held: Reservation, row: Mapping[str, Any] | None) -> None:
        """Give back what a call held and count what it cost, together with its row.

        Args:
            held: What the call held.
            row: Its row in the table of usage; none where there is nothing to tell.

        Raises:
            Unavailable: The database does not answer: whether this was done is not known, and
                doing it again does no harm.
        """
        try:
            await self._settle(held, row)
        except IntegrityError:
            # The user was deleted meanwhile; the money was spent all the same.
            await self._settle(held, row, orphaned=True)

    async def _settle(
        self, held: Reservation, row: Mapping[str, Any] | None, *, orphaned: bool = False
    ) -> None:
        cost = nanos(row["cost_usd"]) if row else 0
        if row and not held.is_open and not orphaned:
            # Before the row: a counter that is new starts from what the table holds.
            await counters.make(self._db, held.account, held.counters)
        async with self._db.transaction() as tx:
            amount = await _taken(tx, held.id)
            if amount is None and (held.is_open or await _cost_of_row(tx, held.id) is not None):
                await self._correct(tx, held, row, cost)
            else:
                names = await counters.lock(tx, held.counters.values())
                await counters.add(tx, names, settled=cost, reserved=-(amount or 0))
                if row and not orphaned:
                    await tx.execute(sa.insert(llm_usage), [_own(held, row)])

    async def _correct(
        self, tx: Transaction, held: Reservation, row: Mapping[str, Any] | None, cost: int
    ) -> None:
        """Put the true figures in place of those that a sweep has guessed, if it has."""
        known = await _cost_of_row(tx, held.id)
        if known is None:
            return
        names = await counters.lock(tx, held.counters.values())
        await counters.add(tx, names, settled=cost - known)
        figures = _own(held, row) if row else {"cost_usd": 0.0, "input_tokens": 0}
        # Nobody can tell its turn of it any more.
        kept = {name: value for name, value in figures.items() if name not in ("id", "turn_id")}
        await tx.execute(sa.update(llm_usage).where(llm_usage.c.id == held.id).values(kept))

    async def standing(self, account: Account) -> list[Balance]:
        """Read how the caps stand, without changing anything; others' counters read as unused."""
        wanted = account.counters(self._limits)
        query = sa.select(llm_budgets).where(
            llm_budgets.c.id.in_(wanted.values()),
            sa.func.coalesce(llm_budgets.c.user_id, account.user_id) == account.user_id,
        )
        async with self._db.read() as db:
            known = {row.id: row for row in await db.execute(query)}
            return [
                self._balance(scope, known[name])
                if name in known
                else Balance(
                    scope=scope,
                    cap=self._limits[scope],
                    settled=nanos(await db.scalar(counters.spent(scope, account)) or 0),
                )
                for scope, name in wanted.items()
            ]

    def _balance(self, scope: Scope, row: sa.Row[Any]) -> Balance:
        cap = self._limits[scope]
        return Balance(scope=scope, cap=cap, settled=row.settled, reserved=row.reserved)


async def _taken(tx: Transaction, number: str) -> int | None:
    """Take a reservation away; return what it held, or nothing if it is not there."""
    statement = sa.delete(llm_reservations).where(llm_reservations.c.id == number)
    amount = (await tx.execute(statement.returning(llm_reservations.c.amount))).scalar()
    return None if amount is None else int(amount)


async def _cost_of_row(tx: Transaction, number: str) -> int | None:
    query = sa.select(llm_usage.c.cost_usd).where(llm_usage.c.id == number)
    cost = (await tx.execute(query)).scalar()
    return None if cost is None else nanos(cost)


def _own(held: Reservation, row: Mapping[str, Any]) -> dict[str, Any]:
    # The day on which the money was reserved, so that counter and table agree over midnight.
    return {**row, "id": held.id, "day": held.account.day}


def _row(held: Reservation, quote: Quote, granted: Granted) -> dict[str, Any]:
    account = held.account
    return {
        "id": held.id,
        "user_id": account.user_id,
        "session_id": account.session_id,
        "agent": account.agent[:64],
        "model": account.model[:200],
        "provider": account.provider[:100],
        "day": account.day,
        "counters": " ".join(held.counters.values()),
        "amount": granted.amount,
        "input_tokens": quote.input_tokens,
        "input_amount": quote.input_nanos,
    }

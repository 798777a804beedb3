"""Keeps what models cost within the caps, however many replicas call them at the same time."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterable, Mapping
from itertools import count
from typing import Any

import msgspec
import structlog

from codelab.kit.clock import utc_now
from codelab.kit.db import Database
from codelab.kit.errors import Unavailable
from codelab.kit.ids import new_id
from codelab.llm.accounting import upkeep
from codelab.llm.accounting.caps import Caps, Granted, Quote, Refused
from codelab.llm.accounting.counters import Account
from codelab.llm.accounting.ledger import Ledger, Reservation
from codelab.llm.accounting.money import dollars
from codelab.llm.accounting.standing import Standing, refusal, standings
from codelab.llm.errors import BudgetExhausted

_log = structlog.get_logger(__name__)

# How long a call waits for money that others hold and may not need, and how often it looks.
_PATIENCE_S = 30.0
_PAUSE_S = 0.25
# How long an answer waits for its own settlement, which goes on behind it.
_SETTLED_WITHIN_S = 2.0
_TRY_AGAIN_S = 1.0
_TRIES_TO_RELEASE = 60
_LOOK_AFTER_EVERY_S = 20.0
_CLEAN_EVERY = 180


class Budget:
    """Reserves money for calls, and settles what they have cost.

    Args:
        db: Where the counters are.
        caps: What may be spent.
        patience_s: How long a call waits for money that others have reserved.
    """

    def __init__(self, db: Database, caps: Caps, *, patience_s: float = _PATIENCE_S) -> None:
        self._db = db
        self._caps = caps
        self._ledger = Ledger(db, caps.limits())
        self._patience_s = patience_s
        self._live: dict[str, Reservation] = {}
        # By the id of the row that they write.
        self._settling: dict[str, asyncio.Task[None]] = {}
        self._upkeep: asyncio.Task[None] | None = None
        self._outcomes: Counter[str] = Counter()
        self._granted_in_all = 0

    @property
    def refuses_unpriced(self) -> bool:
        """Whether a model is not asked whose price is not known."""
        return self._caps.refuse_unpriced

    def start(self) -> None:
        """Begin to look after reservations, those of replicas that are gone included."""
        if self._upkeep is None:
            self._upkeep = asyncio.create_task(self._look_after())

    async def reserve(self, account: Account, quote: Quote | None) -> Reservation:
        """Reserve what a call may cost; it must be settled, whatever becomes of the call.

        Args:
            account: Who it is made for.
            quote: What it may cost; none where that is nothing.

        Raises:
            BudgetExhausted: A cap is in the way.
            Unavailable: The database does not answer: then no call is made.
        """
        held = self._ledger.open(new_id(), account)
        if quote is None or not held.counters:
            return held
        self.start()
        try:
            granted = await self._granted(held, quote)
        except BudgetExhausted:
            raise
        except BaseException:
            # The commit may have gone through.
            self._settle_behind(held, None)
            raise
        held = msgspec.structs.replace(
            held,
            is_open=True,
            amount=granted.amount,
            output_tokens=granted.output_tokens if granted.amount else None,
        )
        self._live[held.id] = held
        is_whole = granted.output_tokens == quote.output_tokens
        self._outcomes["granted" if is_whole else "shortened"] += 1
        self._granted_in_all += granted.amount
        return held

    async def settle(self, held: Reservation, row: Mapping[str, Any]) -> None:
        """Count what a call has cost, together with its row in the table of usage.

        It goes on behind the caller where the database is slow or away.
        """
        await asyncio.wait([self._settle_behind(held, row)], timeout=_SETTLED_WITHIN_S)

    async def release(self, held: Reservation) -> None:
        """Give back what a call held that cost nothing."""
        if held.is_open:
            await asyncio.wait([self._settle_behind(held, None)], timeout=_SETTLED_WITHIN_S)

    async def standing(self, user_id: str, *, session_id: str = "") -> list[Standing]:
        """Say how the caps stand that hold for a user's calls today, or for those in a session."""
        await self.flush()
        day = utc_now().date().isoformat()
        account = Account(user_id=user_id, session_id=session_id, day=day)
        return standings(await self._ledger.standing(account), day)

    def outcomes(self) -> Iterable[tuple[str, float]]:
        """Return what became of requests for money here, each with how often it did."""
        return list(self._outcomes.items())

    def reserved(self) -> Iterable[tuple[str, float]]:
        """Return how much money was granted here in all, in US dollars."""
        return [("granted", dollars(self._granted_in_all))]

    def is_settling(self, numbers: Iterable[str]) -> bool:
        """Tell whether one of these calls is not settled yet."""
        return any(number in self._settling for number in numbers)

    async def flush(self) -> None:
        """Wait a moment for the settlements that go on."""
        if self._settling:
            await asyncio.wait(self._settling.values(), timeout=_SETTLED_WITHIN_S)

    async def close(self) -> None:
        """Finish what can be settled; another replica, or the next start, settles the rest."""
        if self._upkeep is not None:
            self._upkeep.cancel()
            await asyncio.gather(self._upkeep, return_exceptions=True)
        await self.flush()
        settling = list(self._settling.values())
        for task in settling:
            task.cancel()
        await asyncio.gather(*settling, return_exceptions=True)

    async def _granted(self, held: Reservation, quote: Quote) -> Granted:
        now = asyncio.get_running_loop().time
        give_up_at = now() + self._patience_s
        while isinstance(decision := await self._ledger.reserve(held, quote), Refused):
            if not decision.passing or now() >= give_up_at:
                self._outcomes[f"refused_{decision.balance.scope}"] += 1
                raise BudgetExhausted(refusal(decision, held.account.day))
            await asyncio.sleep(_PAUSE_S)
        return decision

    def _settle_behind(
        self, held: Reservation, row: Mapping[str, Any] | None
    ) -> asyncio.Task[None]:
        task = asyncio.create_task(self._settle(held, row))
        self._settling[held.id] = task
        task.add_done_callback(lambda done: self._settling.pop(held.id, None))
        return task

    async def _settle(self, held: Reservation, row: Mapping[str, Any] | None) -> None:
        # A reservation that nothing is to be told of may also be left to a sweep.
        for _ in count() if row else range(_TRIES_TO_RELEASE):
            try:
                await self._ledger.settle(held, row)
                break
            except Unavailable:
                _log.warning("settlement_waits_for_database", waiting=len(self._settling))
                await asyncio.sleep(_TRY_AGAIN_S)
            except Exception:
                _log.exception("settlement_failed", reservation=held.id)
                break
        self._live.pop(held.id, None)

    async def _look_after(self) -> None:
        for number in count():
            try:
                # One's own first: whoever slept for long must not take them for abandoned.
                if self._live:
                    await upkeep.renew(self._db, list(self._live))
                self._outcomes["abandoned"] += await upkeep.sweep(self._db)
                if number % _CLEAN_EVERY == 0:
                    await upkeep.clean(self._db)
            except Unavailable:
                _log.warning("budget_upkeep_waits_for_database")
            except Exception:
                _log.exception("budget_upkeep_failed")
            await asyncio.sleep(_LOOK_AFTER_EVERY_S)

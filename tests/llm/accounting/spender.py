"""A process that spends: reserves and settles at random, and may die with money in its hands.

`python -m tests.llm.accounting.spender URL USER CALLS SEED`
"""

from __future__ import annotations

import asyncio
import os
import sys

from codelab.kit.bus import Bus
from codelab.kit.db import Database
from codelab.llm.accounting.budget import Budget
from codelab.llm.accounting.caps import Caps, Quote
from codelab.llm.accounting.counters import Account
from codelab.llm.accounting.money import dollars
from codelab.llm.accounting.repository import usage_row
from codelab.llm.errors import BudgetExhausted
from codelab.llm.events import ModelCalled
from codelab.sdk.model import Usage
from tests.support.chance import Chance

CAPS = Caps(turn_usd=0.02, session_usd=0.05, user_day_usd=0.06, server_day_usd=0.07)
DAY = "2026-01-31"
QUOTE = Quote(
    input_tokens=100, input_nanos=100_000, output_tokens=1000, nanos_per_output_token=1000.0
)
_DIES_IN = 40


def account_of(user_id: str, number: int) -> Account:
    """Say who a call is made for: users have two sessions, and these several turns."""
    session = f"{user_id[:20]}-{number % 2}"
    turn = f"{session}-{number % 7}"
    return Account(day=DAY, user_id=user_id, session_id=session, turn_id=turn, model="m")


def called(account: Account, cost: int) -> ModelCalled:
    """Describe a call that has cost so many billionths."""
    return ModelCalled(
        session_id=account.session_id,
        user_id=account.user_id,
        turn_id=account.turn_id,
        agent="a",
        model="m",
        provider="p",
        usage=Usage(input_tokens=1, cost_usd=dollars(cost)),
        first_token_ms=None,
        duration_ms=1,
        ok=True,
    )


async def spend(url: str, user_id: str, calls: int, chance: Chance) -> None:
    """Make calls, four at a time."""
    db = Database(url, Bus())
    budget = Budget(db, CAPS, patience_s=0.3)

    async def one(number: int) -> None:
        account = account_of(user_id, number)
        try:
            held = await budget.reserve(account, QUOTE)
        except BudgetExhausted:
            return
        await asyncio.sleep(chance.between(0, 0.01))
        fate = chance.below(_DIES_IN)
        if not fate:
            os._exit(9)
        if fate < _DIES_IN // 4:
            await budget.release(held)
        else:
            await budget.settle(held, usage_row(called(account, chance.below(held.amount + 1))))

    for start in range(0, calls, 4):
        await asyncio.gather(*(one(number) for number in range(start, start + 4)))
    await budget.close()
    await db.close()


if __name__ == "__main__":
    _, place, user, count, seed = sys.argv
    asyncio.run(spend(place, user, int(count), Chance(int(seed))))

"""How caps stand, for people: in US dollars, and in the sentence of a refusal. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, time, timedelta

import msgspec

from codelab.llm.accounting.caps import Balance, Refused, Scope
from codelab.llm.accounting.money import dollars

_WHAT: dict[Scope, str] = {
    "turn": "The spending cap of {cap} for a turn",
    "session": "The spending cap of {cap} for a session",
    "user": "Your spending cap of {cap} for a day",
    "server": "This server's spending cap for a day",
}
_THEN: dict[Scope, str] = {
    "turn": "The next message has a cap of its own.",
    "session": "A new session has a cap of its own.",
}


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """How a cap stands, in US dollars.

    Args:
        scope: What it is for: a `turn`, a `session`, a `user` or the whole `server`.
        cap_usd: The cap.
        spent_usd: What calls have cost.
        reserved_usd: What calls under way may cost besides.
        left_usd: What may still be reserved.
        renews_at: When it begins anew; none where it does not.
    """

    scope: Scope
    cap_usd: float
    spent_usd: float
    reserved_usd: float
    left_usd: float
    renews_at: datetime | None = None


def standings(balances: Iterable[Balance], day: str) -> list[Standing]:
    """Describe how caps stand on a day."""
    return [
        Standing(
            scope=balance.scope,
            cap_usd=dollars(balance.cap),
            spent_usd=dollars(balance.settled),
            reserved_usd=dollars(balance.reserved),
            left_usd=dollars(max(0, balance.left)),
            renews_at=renewal(balance.scope, day),
        )
        for balance in balances
    ]


def renewal(scope: Scope, day: str) -> datetime | None:
    """Return when a cap begins anew: at midnight in UTC, or not at all."""
    if scope in _THEN:
        return None
    return datetime.combine(datetime.fromisoformat(day), time(), UTC) + timedelta(days=1)


def refusal(refused: Refused, day: str) -> str:
    """Say which cap is in the way, how much is spent, and when that changes.

    What all users together have spent is no user's business, and is not told.
    """
    balance = refused.balance
    what = _WHAT[balance.scope].format(cap=_money(balance.cap))
    spent = "" if balance.scope == "server" else f": {_money(balance.settled)} is spent"
    renews_at = renewal(balance.scope, day)
    then = f"It renews at {renews_at:%Y-%m-%d %H:%M} UTC." if renews_at else _THEN[balance.scope]
    if refused.passing:
        return f"{what} is held by calls that are under way{spent}. Try again when they are over."
    return f"{what} does not suffice for this call{spent}. {then}"


def _money(amount: int) -> str:
    return f"${dollars(amount):.4f}".removesuffix("00")

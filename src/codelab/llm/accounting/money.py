"""Money as whole numbers: billionths of a US dollar, so that sums are exact wherever they are made.

A call's cost is rounded to them once, when the call is over. Until a sum passes a million dollars
it then reads the same from the log, from the table and from a counter.
"""

from __future__ import annotations

import math

NANOS = 1_000_000_000


def nanos(usd: float) -> int:
    """Return the nearest whole number of billionths."""
    return round(usd * NANOS)


def nanos_up(usd: float) -> int:
    """Return the billionths of an amount that must suffice."""
    return math.ceil(usd * NANOS)


def dollars(amount: int) -> float:
    """Return billionths as US dollars."""
    return amount / NANOS


def whole(usd: float) -> float:
    """Round an amount in US dollars to whole billionths."""
    return dollars(nanos(usd))

"""The process's clock, for durations and for what no other replica compares."""

from __future__ import annotations

import time
from datetime import UTC, datetime


def utc_now() -> datetime:
    """Return the current time in UTC."""
    return datetime.now(UTC)


def monotonic_ms(since_s: float) -> int:
    """Return the milliseconds since a reading of `time.monotonic()`."""
    return round((time.monotonic() - since_s) * 1000)

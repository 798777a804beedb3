"""Identifiers that sort by the time they were made."""

from __future__ import annotations

import re
import secrets
import threading
import time
from datetime import datetime

_PATTERN = re.compile(r"[0-9a-f]{32}")


class _Ticks:
    """Numbers of 60 bits that always grow: the milliseconds since 1970 and a count within each."""

    def __init__(self) -> None:
        self._last = 0
        self._lock = threading.Lock()

    def take(self) -> int:
        """Return the next number."""
        now = time.time_ns() // 1_000_000 << 12 | secrets.randbits(11)
        with self._lock:
            self._last = max(now, self._last + 1)
            return self._last


_ticks = _Ticks()


def new_id() -> str:
    """Make a UUID of version 7 (RFC 9562) as 32 lower-case hexadecimal digits.

    Those of one process sort in the order they were made.
    """
    tick = _ticks.take()
    value = (
        (tick >> 12 & (1 << 48) - 1) << 80
        | 0x7 << 76
        | (tick & 0xFFF) << 64
        | 0b10 << 62
        | secrets.randbits(62)
    )
    return f"{value:032x}"


def first_id(moment: datetime) -> str:
    """Return what sorts before all identifiers that are made from this moment on."""
    return f"{int(moment.timestamp() * 1000):012x}".ljust(32, "0")


def is_id(text: str) -> bool:
    """Tell whether the text has the form of an identifier made here."""
    return _PATTERN.fullmatch(text) is not None

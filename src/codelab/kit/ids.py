"""Identifiers that sort by the time they were made."""

from __future__ import annotations

import re
import secrets
import time

_PATTERN = re.compile(r"[0-9a-f]{32}")


def new_id() -> str:
    """Make a UUID of version 7 (RFC 9562) as 32 lower-case hexadecimal digits."""
    milliseconds = time.time_ns() // 1_000_000
    noise = secrets.randbits(74)
    value = (
        (milliseconds & (1 << 48) - 1) << 80
        | 0x7 << 76
        | (noise >> 62) << 64
        | 0b10 << 62
        | noise & (1 << 62) - 1
    )
    return f"{value:032x}"


def is_id(text: str) -> bool:
    """Tell whether the text has the form of an identifier made here."""
    return _PATTERN.fullmatch(text) is not None

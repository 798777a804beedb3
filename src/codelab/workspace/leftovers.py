"""How old something is whose name holds an identifier; pure."""

from __future__ import annotations

from codelab.kit.ids import is_id

# The first 48 bits of an identifier are the milliseconds since 1970.
_BITS_BEHIND_TIME = 80


def is_older(identifier: str, age_s: float, now: float) -> bool:
    """Tell whether an identifier was made longer ago; false where it is none.

    Args:
        identifier: What `kit.ids` made.
        age_s: Seconds.
        now: Seconds since 1970.
    """
    if not is_id(identifier):
        return False
    return (int(identifier, 16) >> _BITS_BEHIND_TIME) / 1000 < now - age_s

"""What a killed server may have left behind: its names, and how old it is; pure."""

from __future__ import annotations

import re

from codelab.kit.ids import is_id

# The first 48 bits of an identifier are the milliseconds since 1970.
_BITS_BEHIND_TIME = 80

TEMPORARY = re.compile(r"\.codelab-([0-9a-f]{32})\.tmp")


def is_temporary(name: str) -> bool:
    """Tell whether a file is one that is being written, and will have another name in a moment."""
    return TEMPORARY.fullmatch(name) is not None


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

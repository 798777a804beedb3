"""What a provider says that a call has used, as far as it can be true.

Whatever a provider reports goes against caps and into sums, so a figure that cannot be true must
not get there: a cost below nothing would give money away.
"""

from __future__ import annotations

import math

import msgspec

from codelab.sdk.model import Usage

MOST_TOKENS = 10**9
MOST_USD = 10_000.0


def sound(usage: Usage) -> Usage:
    """Return a usage without the figures that cannot be true; 0 stands for those."""
    prompt = sound_count(usage.input_tokens)
    cached = min(sound_count(usage.cached_tokens), prompt)
    return msgspec.structs.replace(
        usage,
        input_tokens=prompt,
        output_tokens=sound_count(usage.output_tokens),
        cached_tokens=cached,
        cache_write_tokens=min(sound_count(usage.cache_write_tokens), prompt - cached),
        cost_usd=sound_cost(usage.cost_usd),
    )


def sound_count(count: object) -> int:
    """Return a count of tokens; 0 for what cannot be one."""
    return int(count) if isinstance(count, int) and 0 <= count <= MOST_TOKENS else 0


def sound_cost(cost: object) -> float:
    """Return a reported cost in US dollars; 0 for what cannot be one."""
    if isinstance(cost, bool) or not isinstance(cost, int | float):
        return 0.0
    # A comparison takes whole numbers of any size, and says no to what is no number.
    return float(cost) if 0 <= cost <= MOST_USD else 0.0


def bounded_cost(cost: float) -> float:
    """Return a reckoned cost in US dollars within what the books can hold."""
    return 0.0 if math.isnan(cost) else min(max(cost, 0.0), MOST_USD)

"""Usage adds up."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from codelab.sdk import Usage

TOKENS = st.integers(0, 1_000_000)
# Whole billionths of a dollar, as every recorded cost is.
COSTS = st.integers(0, 10**14).map(lambda number: number / 10**9)
USAGES = st.builds(
    Usage,
    input_tokens=TOKENS,
    output_tokens=TOKENS,
    cached_tokens=TOKENS,
    cache_write_tokens=TOKENS,
    cost_usd=COSTS,
    estimated=st.booleans(),
)


@given(USAGES)
def test_no_usage_adds_nothing(usage: Usage) -> None:
    assert usage.plus(Usage()) == usage == Usage().plus(usage)


@given(USAGES, USAGES, USAGES)
def test_the_order_of_adding_does_not_matter(one: Usage, two: Usage, three: Usage) -> None:
    assert one.plus(two).plus(three) == three.plus(one.plus(two))


@given(USAGES, USAGES)
def test_a_sum_with_a_guess_in_it_is_a_guess(one: Usage, two: Usage) -> None:
    assert one.plus(two).estimated == (one.estimated or two.estimated)
    assert one.plus(two).input_tokens == one.input_tokens + two.input_tokens

"""What a call costs."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codelab.llm.catalog.prices import ModelFacts, cost_of
from codelab.sdk.model import Usage

PRICED = ModelFacts(
    input_cost_per_token=1e-3,
    output_cost_per_token=1e-2,
    cache_read_input_token_cost=1e-4,
    cache_creation_input_token_cost=2e-3,
)
tokens = st.integers(0, 10_000)


@given(fresh=tokens, cached=tokens, written=tokens, answered=tokens)
def test_each_kind_of_token_has_its_own_price(
    fresh: int, cached: int, written: int, answered: int
) -> None:
    usage = Usage(
        input_tokens=fresh + cached + written,
        cached_tokens=cached,
        cache_write_tokens=written,
        output_tokens=answered,
    )
    expected = fresh * 1e-3 + cached * 1e-4 + written * 2e-3 + answered * 1e-2
    assert cost_of(usage, PRICED) == pytest.approx(expected)


def test_the_cache_costs_as_much_as_input_where_its_price_is_not_known() -> None:
    usage = Usage(input_tokens=30, cached_tokens=10, cache_write_tokens=10)
    assert cost_of(usage, ModelFacts(input_cost_per_token=1.0)) == 30

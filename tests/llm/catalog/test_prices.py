"""What a call costs."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codelab.llm.catalog.entries import ModelEntry
from codelab.llm.catalog.prices import ModelFacts, cost_of, read_price_list
from codelab.llm.catalog.role_defaults import roles_by_strength
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


# The list itself is wrong about the second one, and the first is too short a name to tell.
UNTOLD = {"azure/ada", "gemini-flash-experimental"}


def test_what_the_list_says_makes_vectors_gets_no_conversation() -> None:
    listed = [name for name, facts in read_price_list().items() if facts.mode == "embedding"]
    told = [name for name in listed if name not in UNTOLD]
    assert len(told) > 100
    entries = [ModelEntry(name=name, model=name) for name in told]
    assert [entry.name for entry in entries if not entry.is_embedding] == []
    chat = ModelEntry(name="chat", model="openai/something")
    assert set(roles_by_strength([*entries, chat]).values()) == {"chat"}


def test_no_model_for_conversations_is_taken_for_one_that_makes_vectors() -> None:
    chat = [n for n, facts in read_price_list().items() if facts.mode in ("chat", "responses")]
    # These make vectors whatever the list says.
    wrong = [n for n in chat if ModelEntry(name=n, model=n).is_embedding and "embed" not in n]
    assert wrong == []

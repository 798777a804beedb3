"""Whatever a provider reports, no figure gets into the books that cannot be true."""

from __future__ import annotations

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from codelab.llm.accounting.calls import Attribution, CallRecord
from codelab.llm.accounting.money import nanos
from codelab.llm.catalog.prices import ModelFacts, cost_of
from codelab.llm.providers.assembly import usage_of
from codelab.llm.providers.wire_chunks import UsageReport
from codelab.llm.sound_usage import MOST_TOKENS, MOST_USD, sound
from codelab.sdk.model import Completion, Usage
from tests.llm.layer import Heard, request

COUNTS = st.integers() | st.sampled_from((-1, 0, MOST_TOKENS, MOST_TOKENS + 1, 2**66, 10**400))
COSTS = st.floats() | COUNTS
USAGES = st.builds(
    Usage,
    input_tokens=COUNTS,
    output_tokens=COUNTS,
    cached_tokens=COUNTS,
    cache_write_tokens=COUNTS,
    cost_usd=COSTS,
)
REPORTS = st.builds(
    UsageReport,
    prompt_tokens=st.none() | COUNTS,
    completion_tokens=st.none() | COUNTS,
    total_tokens=st.none() | COUNTS,
    prompt_tokens_details=st.none()
    | st.text()
    | st.dictionaries(
        st.sampled_from(["cached_tokens", "cache_write_tokens", "cache_creation_tokens"]), COUNTS
    ),
    cost=st.none() | st.text() | st.booleans() | COSTS,
)
PRICES = ModelFacts(input_cost_per_token=1e-5, output_cost_per_token=1e-4)


def check(usage: Usage) -> None:
    """Every figure is one that the table and the counters can hold."""
    assert 0 <= usage.input_tokens <= MOST_TOKENS
    assert 0 <= usage.output_tokens <= MOST_TOKENS
    assert min(usage.cached_tokens, usage.cache_write_tokens) >= 0
    assert usage.cached_tokens + usage.cache_write_tokens <= usage.input_tokens
    assert 0 <= usage.cost_usd <= MOST_USD
    assert 0 <= nanos(usage.cost_usd) < 2**63


@given(USAGES)
def test_figures_that_cannot_be_true_are_left_out(usage: Usage) -> None:
    check(sound(usage))
    assert sound(sound(usage)) == sound(usage)


@given(REPORTS)
def test_so_are_those_of_openai_s_wire(report: UsageReport) -> None:
    check(usage_of(report))


@given(USAGES, st.floats())
def test_whatever_a_client_answers_is_reckoned(usage: Usage, price: float) -> None:
    def cost(model: str, used: Usage) -> float:
        return cost_of(used, msgspec.structs.replace(PRICES, input_cost_per_token=price))

    record = CallRecord(request("m"), Attribution(), Heard(), cost)
    answer = record.complete(Completion(model="m", text="a", usage=usage))
    check(answer.usage)
    assert answer.usage.input_tokens > 0


def test_sound_figures_stay_as_they_are() -> None:
    usage = Usage(
        input_tokens=10, output_tokens=5, cached_tokens=4, cache_write_tokens=6, cost_usd=0.25
    )
    assert sound(usage) == usage
    report = UsageReport(prompt_tokens=10, completion_tokens=5, total_tokens=20, cost=2)
    assert usage_of(report) == Usage(input_tokens=10, output_tokens=10, cost_usd=2.0)

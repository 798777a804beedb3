"""What a call is granted, for any prices and balances; and that its input is not underestimated."""

from __future__ import annotations

import base64
from importlib.metadata import distribution
from pathlib import Path

import pytest
import tiktoken
from hypothesis import given
from hypothesis import strategies as st

from codelab.llm.accounting.caps import (
    LEAST_ANSWER_TOKENS,
    Balance,
    Caps,
    Granted,
    Quote,
    Refused,
    decide,
    quote_of,
)
from codelab.llm.accounting.counters import Account
from codelab.llm.accounting.estimates import most_input_tokens
from codelab.llm.accounting.money import NANOS, dollars, nanos, whole
from codelab.llm.accounting.standing import refusal, standings
from codelab.llm.catalog.prices import ModelFacts, cost_of
from codelab.llm.providers.embeddings import embedding_request
from codelab.sdk.messages import UserMessage
from codelab.sdk.model import ModelInfo, ModelRequest, Usage
from tests.llm.layer import ASK, READ_FILE
from tests.support.chance import Chance

INFO = ModelInfo(name="m", provider="p", max_output_tokens=4000)
MONEY = st.integers(0, 10**13)
QUOTES = st.builds(
    Quote,
    input_tokens=st.integers(1, 200_000),
    input_nanos=MONEY,
    output_tokens=st.integers(1, 200_000),
    nanos_per_output_token=st.floats(0, 10**6) | st.just(0.0),
)
BALANCES = st.lists(
    st.builds(
        Balance,
        scope=st.sampled_from(("turn", "session", "user", "server")),
        cap=MONEY,
        settled=MONEY,
        reserved=MONEY,
    ),
    min_size=1,
    max_size=4,
)


@given(QUOTES, BALANCES)
def test_no_grant_passes_a_cap(quote: Quote, balances: list[Balance]) -> None:
    decision = decide(quote, balances)
    if isinstance(decision, Granted):
        assert all(decision.amount <= balance.left for balance in balances)
        assert 0 < decision.output_tokens <= quote.output_tokens
        assert decision.amount == quote.amount(decision.output_tokens)
        assert decision.output_tokens >= min(LEAST_ANSWER_TOKENS, quote.output_tokens)


@given(QUOTES, BALANCES)
def test_a_grant_is_as_large_as_it_can_be(quote: Quote, balances: list[Balance]) -> None:
    decision = decide(quote, balances)
    left = min(balance.left for balance in balances)
    if isinstance(decision, Granted):
        is_whole = decision.output_tokens == quote.output_tokens
        assert is_whole or quote.amount(decision.output_tokens + 2) > left
    else:
        least = min(LEAST_ANSWER_TOKENS, quote.output_tokens)
        assert left <= 0 or quote.amount(least + 1) > left


@given(QUOTES, BALANCES)
def test_a_refusal_passes_exactly_when_reserved_money_is_in_the_way(
    quote: Quote, balances: list[Balance]
) -> None:
    decision = decide(quote, balances)
    without = [Balance(scope=b.scope, cap=b.cap, settled=b.settled) for b in balances]
    if isinstance(decision, Refused):
        assert decision.passing == isinstance(decide(quote, without), Granted)
        assert decision.balance in balances
        assert refusal(decision, "2026-01-31")
        assert standings([decision.balance], "2026-01-31")[0].left_usd >= 0


def test_a_quote_is_for_the_dearest_way_to_read_the_input() -> None:
    request = ModelRequest(model="m", messages=ASK, tools=(READ_FILE,), max_output_tokens=500)
    facts = ModelFacts(
        input_cost_per_token=3e-6,
        output_cost_per_token=15e-6,
        cache_creation_input_token_cost=3.75e-6,
    )
    quote = quote_of(request, facts, INFO)
    assert quote is not None
    assert quote.input_nanos >= quote.input_tokens * 3750
    assert quote.output_tokens == 500
    cost = cost_of(Usage(input_tokens=quote.input_tokens, output_tokens=500), facts)
    assert quote.amount(500) >= nanos(cost)
    unbounded = quote_of(ModelRequest(model="m", messages=ASK), facts, INFO)
    assert unbounded is not None
    assert unbounded.output_tokens == INFO.max_output_tokens


def test_what_is_known_to_be_free_is_not_quoted_and_what_is_unknown_is_quoted_at_nothing() -> None:
    request = ModelRequest(model="m", messages=ASK)
    free = ModelFacts(input_cost_per_token=0, output_cost_per_token=0)
    assert quote_of(request, free, INFO) is None
    unknown = quote_of(request, ModelFacts(), INFO)
    assert unknown is not None
    assert unknown.amount(unknown.output_tokens) == 0
    spent = Balance(scope="user", cap=10, settled=10)
    assert isinstance(decide(unknown, [spent]), Refused)


def test_caps_that_are_not_set_are_none() -> None:
    assert Caps().limits() == {}
    assert Caps(turn_usd=0.5, server_day_usd=1e-9).limits() == {"turn": NANOS // 2, "server": 1}
    account = Account(day="2026-01-31", user_id="u")
    assert account.counters(("turn", "user")) == {"user": "user:u:2026-01-31"}


@given(st.lists(st.floats(0, 1000), max_size=50))
def test_money_is_the_same_in_whatever_order_it_is_added(costs: list[float]) -> None:
    amounts = [whole(cost) for cost in costs]
    total = Usage()
    for amount in amounts:
        total = total.plus(Usage(cost_usd=amount))
    assert total.cost_usd == whole(sum(reversed(amounts)))
    assert nanos(total.cost_usd) == sum(nanos(amount) for amount in amounts)
    assert dollars(nanos(total.cost_usd)) == total.cost_usd


def texts() -> dict[str, str]:
    chance = Chance(7)
    noise = bytes(chance.below(256) for _ in range(3000))
    return {
        "English": (Path(__file__).parents[3] / "docs/reliability.md").read_text("utf-8"),
        "code": Path(__file__).read_text("utf-8"),
        "Russian": "Почему тест не проходит? Прочитай файл и исправь ошибку. " * 50,
        "Chinese": "\u8bf7\u8bfb\u53d6\u8fd9\u4e2a\u6587\u4ef6\u5e76\u4fee\u590d\u9519\u8bef" * 50,
        "emoji": "\U0001f469\u200d\U0001f467\U0001f3f3\ufe0f\u200d\U0001f308\U0001f44d\U0001f3fd"
        * 50,
        "digits": "".join(str(byte % 10) for byte in noise),
        "base64": base64.b64encode(noise).decode(),
        "hexadecimal": noise.hex(),
        "punctuation": "".join("{}[]();,.!?<>/\\|"[byte % 16] for byte in noise),
        "white": "\n\t  \n" * 500,
    }


@pytest.fixture(scope="module")
def tokenizer() -> tiktoken.Encoding:
    """The tokenizer that litellm brings, so that none has to be fetched."""
    folder = distribution("litellm").locate_file("litellm/litellm_core_utils/tokenizers")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TIKTOKEN_CACHE_DIR", str(folder))
        return tiktoken.get_encoding("cl100k_base")


@pytest.mark.parametrize("name", texts())
def test_no_input_is_underestimated(tokenizer: tiktoken.Encoding, name: str) -> None:
    text = texts()[name]
    request = ModelRequest(model="m", messages=(UserMessage(text=text),))
    real = len(tokenizer.encode(text, disallowed_special=()))
    assert real <= most_input_tokens(request) <= 12 * real + 100


@pytest.mark.parametrize("name", texts())
def test_a_text_that_gets_a_vector_is_counted_once(tokenizer: tiktoken.Encoding, name: str) -> None:
    text = texts()[name]
    shown = most_input_tokens(ModelRequest(model="m", messages=(UserMessage(text=text),)))
    quoted = most_input_tokens(embedding_request("m", [text], None))
    real = len(tokenizer.encode(text, disallowed_special=()))
    assert real <= quoted <= shown
    tokens = tokenizer.encode(text, disallowed_special=())
    assert len(tokens) <= most_input_tokens(embedding_request("m", [tokens], None))

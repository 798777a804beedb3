"""What models may cost, and what a call is granted of it. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal

import msgspec

from codelab.llm.accounting.estimates import most_input_tokens
from codelab.llm.accounting.money import NANOS, nanos, nanos_up
from codelab.llm.catalog.prices import ModelFacts, cost_of
from codelab.sdk.model import ModelInfo, ModelRequest, Usage

Scope = Literal["turn", "session", "user", "server"]

# An answer of fewer tokens than this is of no use, unless nobody wants more.
LEAST_ANSWER_TOKENS = 256
_MANY = 1_000_000


class Caps(msgspec.Struct, frozen=True, kw_only=True):
    """The most that models may cost, in US dollars; 0 is no cap. Days are days in UTC.

    Args:
        turn_usd: Within one turn, with all its sub-tasks.
        session_usd: Within one session.
        user_day_usd: For one user in a day.
        server_day_usd: For everybody together in a day.
        refuse_unpriced: Whether a model without a known price is not asked while there is a cap.
    """

    turn_usd: float = 0.0
    session_usd: float = 0.0
    user_day_usd: float = 0.0
    server_day_usd: float = 0.0
    refuse_unpriced: bool = False

    def limits(self) -> dict[Scope, int]:
        """Return the caps that are set, in billionths of a dollar."""
        given: dict[Scope, float] = {
            "turn": self.turn_usd,
            "session": self.session_usd,
            "user": self.user_day_usd,
            "server": self.server_day_usd,
        }
        return {scope: nanos(usd) for scope, usd in given.items() if usd > 0}


class Balance(msgspec.Struct, frozen=True, kw_only=True):
    """How a cap stands, in billionths of a dollar."""

    scope: Scope
    cap: int
    settled: int = 0
    reserved: int = 0

    @property
    def left(self) -> int:
        """What may still be reserved."""
        return self.cap - self.settled - self.reserved

    @property
    def unspent(self) -> int:
        """What would be left if no reserved money were spent."""
        return self.cap - self.settled


class Quote(msgspec.Struct, frozen=True, kw_only=True):
    """The most that a call may cost, in billionths of a dollar.

    Args:
        input_tokens: More than it sends.
        input_nanos: What they cost.
        output_tokens: The longest answer.
        nanos_per_output_token: What a token of the answer costs.
    """

    input_tokens: int
    input_nanos: int
    output_tokens: int
    nanos_per_output_token: float

    def amount(self, output_tokens: int) -> int:
        """Return the cost with an answer of this length."""
        return self.input_nanos + math.ceil(output_tokens * self.nanos_per_output_token)

    def affordable(self, rest: int) -> int:
        """Return how long an answer may be for this much money; negative when none may be."""
        if rest < self.input_nanos or not self.nanos_per_output_token:
            return self.output_tokens if rest >= self.input_nanos else -1
        if self.amount(self.output_tokens) <= rest:
            return self.output_tokens
        tokens = int((rest - self.input_nanos) / self.nanos_per_output_token)
        return min(self.output_tokens, tokens if self.amount(tokens) <= rest else tokens - 1)


class Granted(msgspec.Struct, frozen=True):
    """A call may be made: so much is reserved for it, and its answer is bounded by this length."""

    amount: int
    output_tokens: int


class Refused(msgspec.Struct, frozen=True):
    """A call may not be made now.

    Args:
        balance: The cap that is in its way.
        passing: Whether it is so only while other calls hold what they have reserved.
    """

    balance: Balance
    passing: bool


def quote_of(request: ModelRequest, facts: ModelFacts, info: ModelInfo) -> Quote | None:
    """Say what a request may cost at most; none for a model that is known to cost nothing.

    Of a model without a known price it says 0, so that it is not asked either once a cap is used
    up: its provider may tell afterwards what it has cost.
    """
    tokens = most_input_tokens(request)
    plain = cost_of(Usage(input_tokens=tokens), facts)
    # Writing to a provider's prompt cache may cost more than not to use it.
    kept = cost_of(Usage(input_tokens=tokens, cache_write_tokens=tokens), facts)
    answer = cost_of(Usage(output_tokens=_MANY), facts) / _MANY
    if is_priced(facts) and not (plain or kept or answer):
        return None
    return Quote(
        input_tokens=tokens,
        input_nanos=nanos_up(max(plain, kept)),
        # Some providers refuse what would not fit their window together with the longest answer;
        # a prompt leaves room for a quarter of it.
        output_tokens=request.max_output_tokens
        or min(info.max_output_tokens, info.context_tokens // 4),
        nanos_per_output_token=answer * NANOS,
    )


def is_priced(facts: ModelFacts) -> bool:
    """Tell whether a model's price is known, be it nothing."""
    return facts.input_cost_per_token is not None and facts.output_cost_per_token is not None


def decide(quote: Quote, balances: Sequence[Balance]) -> Granted | Refused:
    """Decide what a call is granted: all it may need, a shorter answer, or nothing.

    Args:
        quote: What the call may cost.
        balances: How each cap stands that holds for it; at least one.
    """
    tightest = min(balances, key=lambda balance: balance.left)
    least = min(LEAST_ANSWER_TOKENS, quote.output_tokens)
    tokens = quote.affordable(tightest.left)
    if tokens >= least and tightest.left > 0:
        return Granted(quote.amount(tokens), tokens)
    emptiest = min(balances, key=lambda balance: balance.unspent)
    if quote.affordable(emptiest.unspent) >= least and emptiest.unspent > 0:
        return Refused(tightest, passing=True)
    return Refused(emptiest, passing=False)

"""Whatever a client answers, its call is settled, and what it held is not held any longer."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
import sqlalchemy as sa

from codelab.kit.bus import Bus
from codelab.llm.accounting.accounted import Accounted, Books
from codelab.llm.accounting.budget import Budget
from codelab.llm.accounting.calls import Attribution, CallRecord
from codelab.llm.accounting.caps import Caps
from codelab.llm.accounting.repository import UsageRepository
from codelab.llm.accounting.usage import UsageWriter
from codelab.llm.catalog.prices import ModelFacts, cost_of
from codelab.llm.errors import ModelRefused
from codelab.llm.models import llm_budgets, llm_reservations, llm_usage
from codelab.sdk.model import (
    Completion,
    Delta,
    ModelClient,
    ModelInfo,
    ModelRequest,
    OnDelta,
    Usage,
)
from tests.llm.layer import Heard, Layer, request

PRICES = ModelFacts(input_cost_per_token=1e-5, output_cost_per_token=1e-4)
LIES = [
    Usage(input_tokens=10, output_tokens=5, cost_usd=-100.0),
    Usage(input_tokens=10, output_tokens=5, cost_usd=1e308),
    Usage(input_tokens=10, output_tokens=5, cost_usd=float("nan")),
    Usage(input_tokens=10, output_tokens=5, cost_usd=10**400),
    Usage(input_tokens=-(10**6), output_tokens=2**66),
]


class OneModel:
    """A model that has a price."""

    def info(self, name: str) -> ModelInfo:
        return ModelInfo(name=name, provider="p", max_output_tokens=1000)

    def facts(self, name: str) -> ModelFacts:
        return PRICES

    def provider(self, name: str) -> str:
        return "p"


class Answering:
    """A client that reports what it is told to."""

    def __init__(self, usage: Any) -> None:
        self._usage = usage

    async def stream(self, request: ModelRequest, on_delta: OnDelta) -> Completion:
        return Completion(model=request.model, text="a", usage=self._usage)


class Endless:
    """A client whose provider keeps to no limit."""

    def __init__(self, piece: Delta) -> None:
        self.piece = piece
        self.asked = 0
        self.ended = False

    async def stream(self, request: ModelRequest, on_delta: OnDelta) -> Completion:
        self.asked = request.max_output_tokens or 0
        try:
            while True:
                on_delta(self.piece)
                await asyncio.sleep(0)
        finally:
            self.ended = True


def refuse(number: str, model: str, usage: Usage) -> None:
    """Fail as one who is told of usage."""
    raise ValueError("I want to know nothing.")


async def run(layer: Layer, user_id: str, usage: Any, on_usage: Any = None) -> Usage:
    """Make a call within a cap."""
    return (await ask(layer, user_id, Answering(usage), on_usage)).usage


async def ask(
    layer: Layer, user_id: str, answering: ModelClient, on_usage: Any = None
) -> Completion:
    """Ask a client within a cap."""
    budget = Budget(layer.db, Caps(user_day_usd=1))
    books = Books(Bus(), UsageWriter(UsageRepository(layer.db)), budget)
    asked = request("m")
    whose = Attribution(user_id=user_id)
    record = CallRecord(asked, whose, Heard(), lambda _, used: cost_of(used, PRICES))
    client = Accounted(answering, record, books, OneModel(), on_usage)
    try:
        return await client.stream(asked, record.take)
    finally:
        await budget.close()


async def settled(layer: Layer) -> tuple[int, float]:
    """What is settled, and what the table holds; nothing is reserved."""
    async with layer.db.read() as db:
        assert (await db.execute(sa.select(llm_reservations))).all() == []
        [counter] = (await db.execute(sa.select(llm_budgets))).all()
        [row] = (await db.execute(sa.select(llm_usage))).all()
    assert counter.reserved == 0
    return counter.settled, row.cost_usd


@pytest.mark.parametrize("lie", LIES)
async def test_no_reported_figure_breaks_a_cap(layer: Layer, user_id: str, lie: Usage) -> None:
    usage = await run(layer, user_id, lie)
    assert 0 < usage.cost_usd < 0.01
    assert await settled(layer) == (round(usage.cost_usd * 1e9), usage.cost_usd)


async def test_what_cannot_be_reckoned_costs_what_was_held(layer: Layer, user_id: str) -> None:
    with pytest.raises(AttributeError):
        await run(layer, user_id, None)
    amount, cost = await settled(layer)
    assert amount == round(cost * 1e9)
    # The longest answer, and its input.
    assert 0.1 < cost < 0.11


async def test_who_fails_to_be_told_keeps_nothing_from_being_settled(
    layer: Layer, user_id: str
) -> None:
    with pytest.raises(ValueError, match="nothing"):
        await run(layer, user_id, Usage(input_tokens=10, output_tokens=5), refuse)
    assert await settled(layer) == (600_000, 0.0006)


@pytest.mark.parametrize("piece", [Delta("word "), Delta(reasoning="мысль "), Delta()])
async def test_an_answer_that_keeps_to_no_limit_is_cut_off(
    layer: Layer, user_id: str, piece: Delta
) -> None:
    endless = Endless(piece)
    with pytest.raises(ModelRefused, match="keep to the limit"):
        await ask(layer, user_id, endless)
    assert endless.ended
    amount, cost = await settled(layer)
    assert amount == round(cost * 1e9)
    # Half as long again as it was to be, at the most, and what was asked.
    assert cost < 1.6 * endless.asked * 1e-4


async def test_an_answer_of_long_tokens_is_not_cut_off(layer: Layer, user_id: str) -> None:
    class Wordy:
        async def stream(self, request: ModelRequest, on_delta: OnDelta) -> Completion:
            for _ in range(request.max_output_tokens or 0):
                on_delta(Delta("words,"))
            return Completion(model=request.model, text="a", usage=Usage(output_tokens=1000))

    assert (await ask(layer, user_id, Wordy())).usage.output_tokens == 1000

"""Asks a model within what may be spent, and accounts for each attempt that cost something."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import msgspec

from codelab.kit.bus import Bus
from codelab.kit.clock import utc_now
from codelab.llm.accounting.budget import Budget
from codelab.llm.accounting.calls import CallRecord
from codelab.llm.accounting.caps import is_priced, quote_of
from codelab.llm.accounting.counters import Account
from codelab.llm.accounting.ledger import Reservation
from codelab.llm.accounting.money import dollars
from codelab.llm.accounting.overrun import LengthKept
from codelab.llm.accounting.repository import usage_row
from codelab.llm.accounting.usage import UsageWriter
from codelab.llm.catalog.prices import ModelFacts
from codelab.llm.errors import ModelUnpriced
from codelab.llm.events import ModelCalled
from codelab.sdk.model import Completion, ModelClient, ModelInfo, ModelRequest, OnDelta, Usage

# Takes the id of a row of the table, its model, and what it holds.
OnUsage = Callable[[str, str, Usage], None]


class KnownModels(Protocol):
    """What accounting asks of the catalogue."""

    def info(self, name: str) -> ModelInfo:
        """Describe a model."""
        ...

    def facts(self, name: str) -> ModelFacts:
        """Return a model's prices; unknown ones for a name that is not in the catalogue."""
        ...

    def provider(self, name: str) -> str:
        """Return who runs a model; empty for a name that is not in the catalogue."""
        ...


class Books:
    """Where calls are written down: announced, and kept in the table of usage.

    Args:
        bus: Where calls are announced.
        writer: Writes the rows that go against no cap.
        budget: Keeps calls within the caps; none where there are no caps.
    """

    def __init__(self, bus: Bus, writer: UsageWriter, budget: Budget | None) -> None:
        self._bus = bus
        self._writer = writer
        self.budget = budget

    async def note(
        self, call: ModelCalled, on_usage: OnUsage | None, held: Reservation | None = None
    ) -> None:
        """Write a call down, once; with a reservation in the same step as it is settled.

        It is written whatever becomes of those who are told of it.
        """
        row = usage_row(call, held.id if held else "")
        try:
            if on_usage is not None:
                on_usage(row["id"], call.model, call.usage)
            self._bus.publish(call)
        finally:
            if self.budget and held and (held.is_open or (held.counters and call.usage.cost_usd)):
                await self.budget.settle(held, row)
            else:
                self._writer.add(row)


class Accounted:
    """Reserves what an attempt may cost, bounds its answer by that, and settles what it has cost.

    Each model of a chain is paid for by its own price, and holds nothing while it is not asked.

    Args:
        client: The client that asks.
        record: What is noted of the call.
        books: Where it is written down.
        models: What there is to know of models.
        on_usage: Told what each row of the table holds.
    """

    def __init__(
        self,
        client: ModelClient,
        record: CallRecord,
        books: Books,
        models: KnownModels,
        on_usage: OnUsage | None,
    ) -> None:
        self._client = client
        self._record = record
        self._books = books
        self._models = models
        self._on_usage = on_usage

    async def stream(self, request: ModelRequest, on_delta: OnDelta) -> Completion:
        """Run the request.

        Raises:
            BudgetExhausted: A cap is in the way.
            ModelUnpriced: There is a cap, and no price to hold against it.
        """
        record, provider = self._record, self._models.provider(request.model)
        record.begin(request)
        held = await self._reserve(request, provider)
        client = self._client
        if held and held.output_tokens:
            request = msgspec.structs.replace(request, max_output_tokens=held.output_tokens)
            client = LengthKept(client, held.output_tokens)
        try:
            answer = await client.stream(request, on_delta)
        except BaseException as error:
            if record.cost_something(error):
                await self._books.note(record.broken_off(error, provider), self._on_usage, held)
            elif self._books.budget and held:
                await self._books.budget.release(held)
            raise
        try:
            answer = record.complete(answer)
            if answer.model != request.model:
                provider = self._models.provider(answer.model)
            call = record.finished(answer, provider)
        except Exception as error:
            # An answer that cannot be reckoned was given all the same: it costs what was held.
            cost = dollars(held.amount) if held else None
            call = record.broken_off(error, provider, cost)
            await self._books.note(call, self._on_usage, held)
            raise
        await self._books.note(call, self._on_usage, held)
        return answer

    async def _reserve(self, request: ModelRequest, provider: str) -> Reservation | None:
        budget, facts = self._books.budget, self._models.facts(request.model)
        if budget is None:
            return None
        if budget.refuses_unpriced and not is_priced(facts):
            raise ModelUnpriced(
                f"The price of {request.model} is not known, and this server asks no such model. "
                "Its administrator can state the price in the models file."
            )
        attribution = self._record.attribution
        account = Account(
            **msgspec.structs.asdict(attribution),
            model=request.model,
            provider=provider,
            day=utc_now().date().isoformat(),
        )
        return await budget.reserve(
            account, quote_of(request, facts, self._models.info(request.model))
        )

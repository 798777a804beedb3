"""Calls within caps: what is reserved, what is settled, who is refused; and that figures agree."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any

import pytest
import sqlalchemy as sa

from codelab.kit.bus import Bus
from codelab.kit.db import Database
from codelab.kit.errors import CodeLabError, Unavailable
from codelab.kit.ratelimit import RateLimiter
from codelab.llm.api import Attribution, Caps, LlmSettings, Models, UsageFilter
from codelab.llm.errors import BudgetExhausted, ModelUnpriced, NoModelAvailable
from codelab.llm.models import llm_budgets, llm_reservations, llm_usage
from codelab.llm.time_limits import TimeLimits
from codelab.sdk.messages import UserMessage
from codelab.sdk.model import Usage
from tests.llm.conftest import add_user
from tests.llm.layer import QUICK, Heard, Layer, ask, eventually, request
from tests.model_server import script
from tests.model_server.script import Reply, SeenRequest

pytestmark = pytest.mark.filterwarnings("default")

PRICES = {
    "input_cost_per_token": 1e-5,
    "output_cost_per_token": 1e-4,
    "max_output_tokens": 1000,
}
# More than the input of a short question, and 500 tokens of an answer.
HALF = Caps(turn_usd=0.052)
AMPLE = Caps(turn_usd=10, session_usd=10, user_day_usd=10, server_day_usd=10)


def priced(layer: Layer, name: str = "openai", key: str | None = None) -> dict[str, Any]:
    """An entry with a price."""
    return layer.entry("openai", name, key) | {"model_info": PRICES}


class Told:
    """What a caller is told of usage."""

    def __init__(self) -> None:
        self.usages: list[Usage] = []

    def __call__(self, number: str, model: str, usage: Usage) -> None:
        self.usages.append(usage)

    @property
    def total(self) -> Usage:
        total = Usage()
        for usage in self.usages:
            total = total.plus(usage)
        return total


def attribution(user_id: str, turn: str = "t") -> Attribution:
    """A turn of a user's."""
    return Attribution(user_id=user_id, session_id="s" * 32, turn_id=turn * 32, agent="ask")


async def check_books(models: Models, layer: Layer, told: Told) -> None:
    """The table, the counters and what the caller was told are the same; nothing is held."""
    sums = await models.usage("turn", UsageFilter())
    total = Usage()
    for one in sums:
        total = total.plus(
            Usage(
                input_tokens=one.input_tokens,
                output_tokens=one.output_tokens,
                cached_tokens=one.cached_tokens,
                cost_usd=one.cost_usd,
                estimated=one.estimated,
            )
        )
    assert told.total == total
    async with layer.db.read() as db:
        assert (await db.execute(sa.select(llm_reservations))).all() == []
        counters = (await db.execute(sa.select(llm_budgets))).all()
    assert all(one.reserved == 0 for one in counters)
    assert {one.settled for one in counters} <= {round(total.cost_usd * 1e9)}


async def bodies(layer: Layer) -> list[dict[str, Any]]:
    """What the server was sent."""
    seen: list[SeenRequest] = await layer.seen()
    return [dict(one.body) for one in seen]


async def test_money_is_held_while_a_call_runs_and_settled_with_its_row(any_layer: Layer) -> None:
    layer, user_id, told = any_layer, await add_user(any_layer.db), Told()
    models = layer.build(priced(layer), caps=AMPLE)
    await layer.script(
        Reply(text="one two three", token_delay_s=0.1, usage=script.Usage(10, 3, cached=4))
    )
    heard = Heard()
    running = asyncio.create_task(
        models.stream(request("openai"), heard, attribution=attribution(user_id), on_usage=told)
    )
    await heard.started.wait()
    standing = {one.scope: one for one in await models.standing(user_id, session_id="s" * 32)}
    assert {scope: one.reserved_usd > 0.1 for scope, one in standing.items()} == {
        "session": True,
        "user": True,
        "server": True,
    }
    assert standing["user"].spent_usd == 0
    assert standing["user"].renews_at is not None
    assert standing["session"].renews_at is None
    await running
    async with layer.db.read() as db:
        [row] = (await db.execute(sa.select(llm_usage))).all()
        turn = await db.scalar(
            sa.select(llm_budgets.c.settled).where(llm_budgets.c.id == "turn:" + "t" * 32)
        )
    assert row.cost_usd == 10 * 1e-5 + 3 * 1e-4
    assert turn == round(row.cost_usd * 1e9)
    assert (await bodies(layer))[0]["max_tokens"] == 1000
    await check_books(models, layer, told)


async def test_an_answer_is_bounded_by_what_is_left_and_then_refused(
    layer: Layer, user_id: str
) -> None:
    models = layer.build(priced(layer), caps=HALF)
    await layer.script(
        Reply(text="a", usage=script.Usage(10, 20)), Reply(text="b", usage=script.Usage(10, 400))
    )
    await ask(models, "openai", user_id=user_id)
    await ask(models, "openai", user_id=user_id)
    first, second = [body["max_tokens"] for body in await bodies(layer)]
    assert 256 < second < first < 510
    with pytest.raises(BudgetExhausted) as caught:
        await ask(models, "openai", user_id=user_id)
    assert (caught.value.status, caught.value.retryable) == (402, False)
    assert "$0.0422 is spent" in caught.value.message
    assert len(await layer.seen()) == 2
    assert layer.calls[-1].error_code == "budget_exhausted"
    # The next turn has a cap of its own.
    await layer.script(Reply(text="c"))
    await models.stream(request("openai"), Heard(), attribution=attribution(user_id, "u"))


async def test_a_cap_that_does_not_pay_for_the_question_refuses_it(
    layer: Layer, user_id: str
) -> None:
    models = layer.build(priced(layer), caps=Caps(user_day_usd=0.05))
    await layer.script(Reply(text="a", repeat=True))
    long = (UserMessage(text="word " * 4000),)
    with pytest.raises(BudgetExhausted, match=r"renews at \d{4}-\d\d-\d\d 00:00 UTC"):
        await ask(models, "openai", user_id=user_id, messages=long)
    assert await layer.seen() == []
    # A short answer is enough for who wants no more.
    await ask(models, "openai", user_id=user_id, max_output_tokens=5)


async def test_a_call_waits_for_money_that_another_may_give_back(
    layer: Layer, user_id: str
) -> None:
    models = layer.build(priced(layer), caps=HALF)
    await layer.script(Reply(text="one two", token_delay_s=0.2, repeat=True))
    answers = await asyncio.gather(*(ask(models, "openai", user_id=user_id) for _ in range(3)))
    assert [answer.text for answer in answers] == ["one two"] * 3


async def test_services_go_against_the_server_s_cap_only(layer: Layer) -> None:
    models = layer.build(priced(layer), caps=Caps(turn_usd=1e-6, server_day_usd=0.052))
    await layer.script(Reply(text="a", usage=script.Usage(10, 400), repeat=True))
    await models.stream(request("openai"), Heard(), attribution=Attribution())
    with pytest.raises(BudgetExhausted) as caught:
        await models.stream(request("openai"), Heard(), attribution=Attribution())
    # What all have spent together is nobody's business.
    assert "$" not in caught.value.message


@pytest.mark.parametrize("caps", [AMPLE, Caps()], ids=["capped", "uncapped"])
@pytest.mark.parametrize(
    ("reply", "rows"),
    [
        (Reply(text="one two three", usage=script.Usage(12, 3, cached=2)), 1),
        (Reply(text="раз два три", usage=None), 1),
        (Reply(text="one two three", cut_after=2), 1),
        (Reply(text="one two three", stall_after=1), 1),
        # The time of the first is gone, so it is not asked again.
        (Reply(text="one", delay_s=3), 1),
        (Reply(status=401), 1),
        (Reply(status=500), 1),
    ],
    ids=["well", "uncounted", "cut", "stalled", "silent", "refused", "failed"],
)
async def test_what_the_caller_is_told_is_what_the_table_holds(
    layer: Layer, user_id: str, reply: Reply, rows: int, caps: Caps
) -> None:
    limits = TimeLimits(first_token_s=0.5, idle_s=0.5)
    models = layer.build(priced(layer), caps=caps, time_limits=limits)
    told = Told()
    await layer.script(reply, reply, reply)
    with contextlib.suppress(CodeLabError):
        await models.stream(
            request("openai"), Heard(), attribution=attribution(user_id), on_usage=told
        )
    [total] = await models.usage("turn", UsageFilter())
    assert total.calls >= rows
    assert len(told.usages) == total.calls
    assert (total.cost_usd > 0) == (reply.status == 200)
    await check_books(models, layer, told)


@pytest.mark.parametrize("caps", [AMPLE, Caps()], ids=["capped", "uncapped"])
@pytest.mark.parametrize("begun", [True, False])
async def test_a_cancelled_call_costs_what_was_sent_and_written(
    layer: Layer, user_id: str, caps: Caps, begun: bool
) -> None:
    models, told, heard = layer.build(priced(layer), caps=caps), Told(), Heard()
    await layer.script(Reply(text="word " * 100, delay_s=0 if begun else 5, token_delay_s=0.05))
    running = asyncio.create_task(
        models.stream(request("openai"), heard, attribution=attribution(user_id), on_usage=told)
    )
    if begun:
        await heard.started.wait()
    else:

        async def is_asked() -> bool:
            return bool(await layer.seen())

        await eventually(is_asked)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert told.total.input_tokens > 0
    assert (told.total.output_tokens > 0) == begun
    await check_books(models, layer, told)


async def test_each_model_of_a_chain_is_paid_at_its_own_price(layer: Layer, user_id: str) -> None:
    second = f"{layer.key}-second"
    cheap = layer.entry("openai", "cheap", second)
    cheap["model_info"] = {"input_cost_per_token": 1e-6, "output_cost_per_token": 1e-6}
    models = layer.build(
        priced(layer, "dear"),
        cheap,
        ours={"fallbacks": ["cheap"]},
        caps=AMPLE,
        time_limits=TimeLimits(first_token_s=0.5),
    )
    told = Told()
    await layer.script(Reply(text="late", delay_s=3))
    await layer.script(Reply(text="Here.", usage=script.Usage(10, 5)), key=second)
    answer = await models.stream(
        request("dear"), Heard(), attribution=attribution(user_id), on_usage=told
    )
    assert answer.model == "cheap"
    by_model = {one.key: one for one in await models.usage("model", UsageFilter())}
    assert by_model["cheap"].cost_usd == pytest.approx(15e-6)
    # Nobody waited for it, but it had begun to work.
    assert by_model["dear"].cost_usd > 0
    assert by_model["dear"].failed_calls == 1
    await check_books(models, layer, told)


async def test_models_without_a_price_are_asked_or_not_as_the_administrator_says(
    layer: Layer, user_id: str
) -> None:
    unpriced = layer.entry("openai")
    unpriced["litellm_params"]["model"] = "openai/nobody-knows-its-price"
    free = layer.entry("openai", "free")
    free["model_info"] = {"input_cost_per_token": 0, "output_cost_per_token": 0}
    await layer.script(Reply(text="a", repeat=True))
    models = layer.build(unpriced, free, caps=HALF)
    assert (await ask(models, "openai", user_id=user_id)).usage.cost_usd == 0
    assert "max_tokens" not in (await bodies(layer))[-1]
    strict = layer.build(unpriced, free, caps=Caps(turn_usd=1, refuse_unpriced=True))
    with pytest.raises((ModelUnpriced, NoModelAvailable), match="price"):
        await ask(strict, "openai", user_id=user_id)
    assert (await ask(strict, "free", user_id=user_id)).text == "a"


async def test_a_provider_s_own_figure_counts_where_no_price_is_known(
    layer: Layer, user_id: str
) -> None:
    unpriced = layer.entry("openai")
    unpriced["litellm_params"]["model"] = "openai/nobody-knows-its-price"
    models = layer.build(unpriced, caps=HALF)
    await layer.script(Reply(text="a", usage=script.Usage(10, 5), repeat=True))
    await ask(models, "openai", user_id=user_id)
    async with layer.db.transaction() as tx:
        await tx.execute(sa.update(llm_budgets).values(settled=52_000_000))
    with pytest.raises(BudgetExhausted):
        await ask(models, "openai", user_id=user_id)


async def test_without_caps_a_call_makes_no_way_to_the_database(layer: Layer, user_id: str) -> None:
    queries: list[float] = []
    layer.db.on_query = queries.append
    await layer.script(Reply(text="a", repeat=True))
    await ask(layer.build(priced(layer)), "openai", user_id=user_id)
    assert queries == []
    assert await layer.build(priced(layer)).standing(user_id) == []
    # With caps it is one before the call and one after, once its counters are made.
    capped = layer.build(priced(layer), caps=AMPLE)
    await ask(capped, "openai", user_id=user_id)
    await asyncio.sleep(0.2)
    queries.clear()
    await ask(capped, "openai", user_id=user_id)
    assert len(queries) == 2


async def test_with_caps_and_no_database_no_model_is_asked(layer: Layer, tmp_path: Any) -> None:
    layer.build(priced(layer))
    [file] = tmp_path.glob("models-*.yaml")
    db = Database(f"sqlite+aiosqlite:///{tmp_path}/missing/file", Bus())
    settings = LlmSettings(models_file=file, retry=QUICK, caps=AMPLE)
    models = Models(settings, db, Bus(), RateLimiter())
    await layer.script(Reply(text="a", repeat=True))
    with pytest.raises(Unavailable):
        await ask(models, "openai", user_id="u")
    assert await layer.seen() == []
    await db.close()

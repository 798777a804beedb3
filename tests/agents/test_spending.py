"""What a turn says it has cost is what the table holds, however it went; and what caps do to it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable

import msgspec
import pytest
import sqlalchemy as sa

from codelab.llm.api import Caps, UsageFilter
from codelab.llm.errors import ModelInterrupted
from codelab.llm.models import llm_usage
from codelab.sdk.model import Completion, Usage
from codelab.sessions.api import TurnRef
from codelab.sessions.errors import NoTurnInProgress
from codelab.sessions.events import AnyFact, TurnEnded, TurnFailed, UsageRecorded
from tests.agents.cast import Held, call, say
from tests.agents.stage import ALONE, ANN, Stage, of, until
from tests.agents.test_takeover import STALLED, stall

CAPS = Caps(turn_usd=1, session_usd=1, user_day_usd=1, server_day_usd=1)
# Not to be added up exactly by halves.
COST = 0.0100000001


def dear(answer: Completion, cost: float = COST) -> Completion:
    """An answer with a price, which its provider tells."""
    usage = Usage(input_tokens=7, output_tokens=3, cached_tokens=2, cost_usd=cost)
    return msgspec.structs.replace(answer, usage=usage)


async def in_the_table(stage: Stage, turn_id: str) -> Usage:
    """Add up the rows of a turn, as SQL does."""
    await stage.first.models.calls_of(ANN.user_id)
    calls = llm_usage.c
    query = sa.select(
        sa.func.coalesce(sa.func.sum(calls.input_tokens), 0),
        sa.func.coalesce(sa.func.sum(calls.output_tokens), 0),
        sa.func.coalesce(sa.func.sum(calls.cached_tokens), 0),
        sa.func.coalesce(sa.func.sum(calls.cost_usd), 0.0),
        sa.func.coalesce(sa.func.max(sa.case((calls.estimated, 1), else_=0)), 0),
    ).where(calls.turn_id == turn_id)
    async with stage.first.db.read() as db:
        row = (await db.execute(query)).one()
    return Usage(
        input_tokens=int(row[0]),
        output_tokens=int(row[1]),
        cached_tokens=int(row[2]),
        cost_usd=round(row[3], 9),
        estimated=bool(row[4]),
    )


async def check(stage: Stage, turn: TurnRef, facts: list[AnyFact]) -> TurnEnded:
    """The last word of the turn, the usages before it, and the table are the same."""
    (ended,) = of(facts, TurnEnded)
    total = Usage()
    for fact in of(facts, UsageRecorded):
        total = total.plus(fact.usage)
    assert ended.usage == total
    # A settlement that was cancelled goes on behind.
    for replica in stage.replicas:
        await replica.models.close()
    assert await in_the_table(stage, turn.turn_id) == total
    return ended


async def plainly(stage: Stage) -> TurnRef:
    stage.cast.script("coder", dear(say("Here.")))
    return await stage.ask()


async def in_several_steps(stage: Stage) -> TurnRef:
    looks = [dear(say("", call("list_files", {"path": "."})), COST * number) for number in range(5)]
    stage.cast.script("coder", *looks, dear(say("Done.")))
    return await stage.ask()


async def with_sub_tasks(stage: Stage) -> TurnRef:
    tasks = [call("delegate", {"agent": name, "task": "go"}) for name in ("debug", "orchestrator")]
    stage.cast.script("coder", dear(say("", *tasks)), dear(say("Both are done.")))
    for name in ("debug", "orchestrator"):
        look = call("list_files", {"path": "."})
        stage.cast.script(name, dear(say("", look)), dear(say("Done.")))
    return await stage.ask()


async def with_a_sub_task_that_fails(stage: Stage) -> TurnRef:
    task = call("delegate", {"agent": "debug", "task": "go"})
    stage.cast.script("coder", dear(say("", task)), dear(say("It did not work.")))
    stage.cast.script("debug", ModelInterrupted("The answer broke off."))
    return await stage.ask()


async def into_a_failure(stage: Stage) -> TurnRef:
    look = call("list_files", {"path": "."})
    stage.cast.script("coder", dear(say("", look)), ModelInterrupted("The answer broke off."))
    return await stage.ask()


async def until_it_is_cancelled(stage: Stage) -> TurnRef:
    held = Held(say("Half an answer"))
    stage.cast.script("coder", dear(say("", call("list_files", {"path": "."}))), held)
    turn = await stage.ask()
    await asyncio.wait_for(held.reached.wait(), 10)
    await stage.cancel()
    return turn


async def until_sub_tasks_are_cancelled(stage: Stage) -> TurnRef:
    held = [Held(say("Half an answer")) for _ in range(2)]
    tasks = [call("delegate", {"agent": name, "task": "go"}) for name in ("debug", "orchestrator")]
    stage.cast.script("coder", dear(say("", *tasks)))
    stage.cast.script("debug", held[0])
    stage.cast.script("orchestrator", held[1])
    turn = await stage.ask()
    for each in held:
        await asyncio.wait_for(each.reached.wait(), 10)
    await stage.cancel()
    return turn


WAYS = [
    plainly,
    in_several_steps,
    with_sub_tasks,
    with_a_sub_task_that_fails,
    into_a_failure,
    until_it_is_cancelled,
    until_sub_tasks_are_cancelled,
]


@pytest.mark.parametrize("caps", [CAPS, None], ids=["capped", "uncapped"])
@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
async def test_the_last_word_is_what_the_table_holds(
    bare_stage: Stage, way: Callable[[Stage], Awaitable[TurnRef]], caps: Caps | None
) -> None:
    await bare_stage.replica(caps=caps)
    turn = await way(bare_stage)
    ended = await check(bare_stage, turn, await bare_stage.over(turn))
    assert ended.usage.input_tokens > 0


@pytest.mark.parametrize("moment", range(10))
async def test_it_is_so_at_whatever_moment_a_turn_is_cancelled(
    bare_stage: Stage, moment: int
) -> None:
    await bare_stage.replica(caps=CAPS, pace=ALONE)
    turn = await in_several_steps(bare_stage)
    await asyncio.sleep(moment * 0.004)
    with contextlib.suppress(NoTurnInProgress):
        await bare_stage.cancel()
    await check(bare_stage, turn, await bare_stage.over(turn))


async def test_it_is_so_when_another_replica_goes_on(bare_stage: Stage) -> None:
    first = await bare_stage.replica(caps=CAPS)
    held = Held(say("Half an answer"))
    bare_stage.cast.script("coder", held)
    turn = await bare_stage.ask()
    await asyncio.wait_for(held.reached.wait(), 10)
    bare_stage.cast.script("coder", dear(say("A whole one.")))
    await bare_stage.replica(caps=CAPS)
    await first.runner.close()
    facts = await bare_stage.over(turn)
    assert len(of(facts, UsageRecorded)) == 2
    await check(bare_stage, turn, facts)


async def test_a_turn_that_reaches_a_cap_ends_with_a_sentence(bare_stage: Stage) -> None:
    await bare_stage.replica(caps=Caps(turn_usd=0.015))
    look = call("list_files", {"path": "."})
    bare_stage.cast.script("coder", *[dear(say("Let me see.", look))] * 3)
    turn = await bare_stage.ask()
    facts = await bare_stage.over(turn)
    (failed,) = of(facts, TurnFailed)
    assert (failed.code, failed.retryable) == ("budget_exhausted", False)
    assert "$0.02 is spent" in failed.message
    assert of(facts, TurnEnded)[0].stop_reason == "budget"
    assert len(bare_stage.cast.asked("coder")) == 2
    # The session is free for the next message.
    bare_stage.cast.lines.clear()
    bare_stage.cast.script("coder", dear(say("Here.")))
    again = await bare_stage.ask("Again")
    assert of(await bare_stage.over(again), TurnEnded)[0].stop_reason == "end"
    await check(bare_stage, turn, facts)


async def test_sub_tasks_share_the_cap_of_their_turn(bare_stage: Stage) -> None:
    await bare_stage.replica(caps=Caps(turn_usd=0.03))
    tasks = [call("delegate", {"agent": name, "task": "go"}) for name in ("debug", "orchestrator")]
    bare_stage.cast.script("coder", dear(say("", *tasks)), dear(say("Enough.")))
    look = call("list_files", {"path": "."})
    for name in ("debug", "orchestrator"):
        bare_stage.cast.script(name, *[dear(say("", look))] * 9)
    turn = await bare_stage.ask()
    facts = await bare_stage.over(turn)
    assert of(facts, TurnEnded)[0].stop_reason == "budget"
    made = len(bare_stage.cast.requests)
    # What two ask at the same time of a model whose price nobody knows, they ask before it tells.
    assert 3 <= made <= 4
    await check(bare_stage, turn, facts)


@pytest.mark.parametrize("caps", [CAPS, None], ids=["capped", "uncapped"])
@pytest.mark.parametrize("wakes", ["before the end", "after the end"])
async def test_it_is_so_when_a_replica_loses_its_lease_and_lives_on(
    bare_stage: Stage, caps: Caps | None, wakes: str
) -> None:
    first = await bare_stage.replica(caps=caps, pace=STALLED)
    lost, kept = Held(dear(say("From the first."))), Held(dear(say("From the second.")))
    look = dear(say("", call("list_files", {"path": "."})))
    bare_stage.cast.script("coder", look, lost, kept)
    turn = await bare_stage.ask()
    await asyncio.wait_for(lost.reached.wait(), 10)
    await stall(bare_stage)
    second = await bare_stage.replica(caps=caps)
    await asyncio.wait_for(kept.reached.wait(), 10)
    if wakes == "before the end":
        lost.release.set()
        await until(lambda: not first.runner.running)
    kept.release.set()
    facts = await bare_stage.over(turn)
    lost.release.set()
    await until(lambda: not first.runner.running)
    await first.runner.close()
    assert len(of(facts, UsageRecorded)) == 2
    await check(bare_stage, turn, facts)
    # The money is spent all the same.
    sums = await second.models.usage("session", UsageFilter())
    assert [one.calls for one in sums] == [3]
    assert round(sums[0].cost_usd, 9) == round(3 * COST, 9)

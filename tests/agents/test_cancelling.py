"""Cancelling a turn in each of its phases: one end, one result for each call, nothing hangs."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from codelab.sessions.errors import NoTurnInProgress
from codelab.sessions.events import (
    AnyFact,
    AssistantMessageCompleted,
    FactsRecorded,
    ToolCallCompleted,
    ToolCallRequested,
    TurnCancelRequested,
    TurnEnded,
)
from tests.agents.cast import Held, call, say
from tests.agents.stage import ALONE, ANN, Stage, of, until

Phase = Callable[[Stage], Awaitable[None]]


def check_whole(facts: list[AnyFact]) -> None:
    """Each call has one result, and the turn has one end, which is its last fact."""
    requested = {fact.call_id for fact in of(facts, ToolCallRequested)}
    answered = [fact.call_id for fact in of(facts, ToolCallCompleted)]
    assert sorted(answered) == sorted(requested)
    assert [type(fact) for fact in facts].count(TurnEnded) == 1
    assert isinstance(facts[-1], TurnEnded)


async def while_the_model_writes(stage: Stage) -> None:
    held = Held(say("Half a"))
    stage.cast.script("coder", held)
    await stage.ask()
    await asyncio.wait_for(held.reached.wait(), 10)


async def while_a_call_is_prepared(stage: Stage) -> None:
    stage.cast.script("coder", say("I have read it.", call("ponder")))
    await stage.ask()
    await asyncio.wait_for(stage.first.props.ponder.running.wait(), 10)


async def while_a_tool_runs(stage: Stage) -> None:
    stage.cast.script("coder", say("", call("look"), call("push")))
    await stage.ask()
    for tool in (stage.first.props.look, stage.first.props.push):
        await asyncio.wait_for(tool.running.wait(), 10)


async def while_an_approved_tool_runs(stage: Stage) -> None:
    stage.cast.script("coder", say("", call("launch"), call("explode")))
    await stage.ask()
    (approval,) = await stage.asked()
    await stage.first.hitl.answer(ANN, approval.id, True)
    # Whichever replica finds the answer first goes on with the turn.
    await until(lambda: any(one.props.launch.running.is_set() for one in stage.replicas))


async def while_a_human_is_asked(stage: Stage) -> None:
    stage.cast.script("coder", say("", call("launch"), call("explode")))
    await stage.ask()
    await stage.asked()
    await stage.suspended()


async def while_sub_tasks_run(stage: Stage) -> None:
    held = Held(say("Half a"))
    tasks = [call("delegate", {"agent": name, "task": "go"}) for name in ("debug", "orchestrator")]
    stage.cast.script("coder", say("", *tasks))
    stage.cast.script("debug", say("", call("launch")))
    stage.cast.script("orchestrator", held)
    await stage.ask()
    await stage.asked()
    await asyncio.wait_for(held.reached.wait(), 10)


PHASES = [
    while_the_model_writes,
    while_a_call_is_prepared,
    while_a_tool_runs,
    while_an_approved_tool_runs,
    while_a_human_is_asked,
    while_sub_tasks_run,
]


@pytest.mark.parametrize("phase", PHASES, ids=lambda phase: phase.__name__)
async def test_cancelling(stage: Stage, phase: Phase) -> None:
    await phase(stage)
    turn = await stage.cancel()
    facts = await stage.over(turn)
    check_whole(facts)
    assert of(facts, TurnEnded)[0].stop_reason == "cancelled"
    assert not await stage.approvals()
    assert (await stage.first.sessions.get(ANN, stage.session_id)).active_turn_id is None
    with pytest.raises(NoTurnInProgress):
        await stage.first.sessions.request_cancel(ANN, stage.session_id)


@pytest.mark.parametrize("phase", PHASES, ids=lambda phase: phase.__name__)
async def test_cancelling_on_another_replica(bare_stage: Stage, phase: Phase) -> None:
    await bare_stage.replica()
    other = await bare_stage.replica()
    await phase(bare_stage)
    turn = await bare_stage.cancel(on=other)
    facts = await bare_stage.over(turn)
    check_whole(facts)
    assert of(facts, TurnEnded)[0].stop_reason == "cancelled"
    assert len(bare_stage.closed(turn)) == 1


@pytest.mark.parametrize("moment", range(20))
async def test_cancelling_at_any_moment(bare_stage: Stage, moment: int) -> None:
    stage = bare_stage
    await stage.replica(pace=ALONE)
    stage.cast.script("coder", say("Let me see.", call("list_files", {"path": "."})), say("Done."))
    turn = await stage.ask()
    # From before the first fact to after the last, wherever that falls on this machine.
    await asyncio.sleep(moment * 0.0007)
    cancelled = True
    try:
        await stage.cancel()
    except NoTurnInProgress:
        cancelled = False
    facts = await stage.over(turn)
    check_whole(facts)
    assert of(facts, TurnEnded)[0].stop_reason in (("cancelled", "end") if cancelled else ("end",))
    # What the user has read is in the log, whenever the turn was stopped.
    logged = "".join(fact.text for fact in of(facts, AssistantMessageCompleted))
    assert logged in ("", "Let me see.", "Let me see.Done.")


@pytest.mark.parametrize("steps", range(12))
async def test_cancelling_while_the_end_is_written(bare_stage: Stage, steps: int) -> None:
    replica = await bare_stage.replica(pace=ALONE)
    bare_stage.cast.script("coder", say("Done."))
    asking: list[asyncio.Task[None]] = []

    async def cancel_soon(session_id: str, turn_id: str) -> None:
        for _ in range(steps):
            await asyncio.sleep(0)
        replica.bus.publish(TurnCancelRequested(session_id=session_id, turn_id=turn_id))

    def on_facts(event: FactsRecorded) -> None:
        if any(isinstance(entry.fact, AssistantMessageCompleted) for entry in event.entries):
            turn_id = event.entries[0].turn_id
            asking.append(asyncio.create_task(cancel_soon(event.session_id, turn_id)))

    replica.bus.subscribe(FactsRecorded, on_facts)
    facts = await bare_stage.turn()
    check_whole(facts)
    assert asking


@pytest.mark.parametrize(
    ("phase", "text"),
    [(while_the_model_writes, "Half a"), (while_a_call_is_prepared, "I have read it.")],
)
async def test_what_was_read_is_kept(stage: Stage, phase: Phase, text: str) -> None:
    await phase(stage)
    facts = await stage.over(await stage.cancel())
    (message,) = of(facts, AssistantMessageCompleted)
    assert (message.text, message.finish_reason, message.tool_calls) == (text, "cancelled", ())
    assert of(facts, TurnEnded)[0].message_id == message.message_id


async def test_a_tool_that_was_stopped_is_not_said_to_be_undone(stage: Stage) -> None:
    await while_an_approved_tool_runs(stage)
    facts = await stage.over(await stage.cancel())
    stopped = [fact for fact in of(facts, ToolCallCompleted) if fact.tool == "launch"]
    assert "in part" in stopped[0].output


async def test_the_session_can_be_used_at_once_after_a_cancellation(stage: Stage) -> None:
    await while_the_model_writes(stage)
    await stage.over(await stage.cancel())
    stage.cast.script("coder", say("Here."))
    facts = await stage.turn("Again")
    assert of(facts, TurnEnded)[0].stop_reason == "end"
    texts = [getattr(message, "text", "") for message in stage.cast.asked("coder")[-1].messages]
    assert "Half a" in texts

"""Replicas that die, stall, stop or lose their database: turns go on, nothing runs twice."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
import sqlalchemy as sa

from codelab.agents.outcomes import OUTCOME_UNKNOWN
from codelab.agents.runner import Pace
from codelab.hitl.api import ApprovalRecord, Decision, Rule
from codelab.kit.clock import utc_now
from codelab.kit.errors import DatabaseUnavailable
from codelab.sessions.events import (
    AssistantMessageCompleted,
    ToolCallCompleted,
    ToolCallRequested,
    TurnEnded,
    TurnFailed,
    TurnLetGo,
)
from tests.agents.cast import Held, call, say
from tests.agents.stage import ANN, Replica, Stage, of, until, until_awaited
from tests.agents.test_cancelling import check_whole

# A replica that neither renews its leases nor looks after others': as good as stalled.
STALLED = Pace(heartbeat_s=3600, sweep_s=3600, drain_s=0)


async def stall(stage: Stage) -> None:
    """Let the lease of the session run out, as if its owner had stalled for too long."""
    await stage.change_session(lease_expires_at=utc_now() - timedelta(seconds=1))


async def test_a_turn_whose_owner_stalled_is_taken_over(bare_stage: Stage) -> None:
    first = await bare_stage.replica(pace=STALLED)
    held = Held(say("From the first."))
    bare_stage.cast.script("coder", held, say("From the second."))
    turn = await bare_stage.ask(on=first)
    await asyncio.wait_for(held.reached.wait(), 10)
    second = await bare_stage.replica()
    await stall(bare_stage)
    facts = await bare_stage.over(turn)
    # The first one wakes up, and whatever it writes now reaches no row.
    held.release.set()
    await until(lambda: not first.runner.running)
    assert await bare_stage.facts(turn) == facts
    assert [message.text for message in of(facts, AssistantMessageCompleted)] == [
        "From the second."
    ]
    assert len(bare_stage.closed(turn)) == 1
    assert not second.runner.running


async def test_a_lease_that_is_renewed_is_not_taken(bare_stage: Stage) -> None:
    first, second = await bare_stage.replica(), await bare_stage.replica()
    held = Held(say("From the first."))
    bare_stage.cast.script("coder", held)
    turn = await bare_stage.ask(on=first)
    await asyncio.wait_for(held.reached.wait(), 10)
    owner = await bare_stage.owner()
    soon = utc_now() + timedelta(seconds=5)
    await bare_stage.change_session(lease_expires_at=soon)

    async def renewed() -> bool:
        record = await bare_stage.lease()
        return bool(record.lease_expires_at > soon)

    await until_awaited(renewed)
    assert await bare_stage.owner() == owner
    assert not second.runner.running
    held.release.set()
    await bare_stage.over(turn)


async def test_a_replica_that_was_overtaken_stops_without_a_word(bare_stage: Stage) -> None:
    first = await bare_stage.replica()
    held = Held(say("Half"))
    bare_stage.cast.script("coder", held)
    turn = await bare_stage.ask(on=first)
    await asyncio.wait_for(held.reached.wait(), 10)
    await bare_stage.change_session(
        lease_owner="another",
        lease_generation=99,
        lease_expires_at=utc_now() + timedelta(hours=1),
    )
    await until(lambda: not first.runner.running)
    assert held.cut
    assert [event.session_id for event in first.events(TurnLetGo)] == [turn.session_id]
    assert not bare_stage.closed(turn)
    facts = await bare_stage.facts(turn)
    assert not of(facts, TurnFailed)
    assert not of(facts, AssistantMessageCompleted)


async def test_an_orderly_stop_hands_the_turn_over(bare_stage: Stage) -> None:
    first = await bare_stage.replica()
    held = Held(say("From the first."))
    bare_stage.cast.script("coder", held, say("From the second."))
    turn = await bare_stage.ask(on=first)
    await asyncio.wait_for(held.reached.wait(), 10)
    await first.runner.close()
    assert not of(await bare_stage.facts(turn), TurnEnded)
    await bare_stage.replica()
    facts = await bare_stage.over(turn)
    assert [message.text for message in of(facts, AssistantMessageCompleted)] == [
        "From the second."
    ]
    check_whole(facts)


@pytest.mark.parametrize("how", ["stalls", "stops"])
async def test_what_works_beside_a_call_that_waits_is_taken_over_too(
    bare_stage: Stage, how: str
) -> None:
    first = await bare_stage.replica(pace=STALLED)
    held = Held(say("From the first."))
    tasks = [call("delegate", {"agent": name, "task": "go"}) for name in ("coder", "debug")]
    bare_stage.cast.script("orchestrator", say("", *tasks), say("All done."))
    bare_stage.cast.script("coder", say("", call("launch")), say("Then not."))
    bare_stage.cast.script("debug", held, say("From the second."))
    turn = await bare_stage.ask(agent="orchestrator", on=first)
    (approval,) = await bare_stage.asked()
    await asyncio.wait_for(held.reached.wait(), 10)
    if how == "stalls":
        await stall(bare_stage)
    else:
        await first.runner.close()
    second = await bare_stage.replica()
    # The human has not answered yet, and the other sub-task need not wait for that.
    await until(lambda: len(bare_stage.cast.asked("debug")) == 2)
    await second.hitl.answer(ANN, approval.id, False)
    facts = await bare_stage.over(turn)
    check_whole(facts)
    assert "From the second." in [result.output for result in of(facts, ToolCallCompleted)]
    held.release.set()
    await until(lambda: not first.runner.running)


async def test_a_cancellation_that_nobody_heard_is_found(stage: Stage) -> None:
    stage.cast.script("coder", say("", call("launch")))
    turn = await stage.ask()
    await stage.asked()
    await stage.suspended()
    await stage.change_session(cancel_requested=True)
    facts = await stage.over(turn)
    assert of(facts, TurnEnded)[0].stop_reason == "cancelled"
    assert not await stage.approvals()


async def test_an_orderly_stop_lets_turns_finish_for_a_while(bare_stage: Stage) -> None:
    first = await bare_stage.replica(pace=Pace(heartbeat_s=0.05, sweep_s=0.05, drain_s=20))
    held = Held(say("Just in time."))
    bare_stage.cast.script("coder", held)
    turn = await bare_stage.ask(on=first)
    await asyncio.wait_for(held.reached.wait(), 10)
    closing = asyncio.create_task(first.runner.close())
    held.release.set()
    await closing
    assert of(await bare_stage.facts(turn), TurnEnded)[0].stop_reason == "end"


async def test_a_second_stop_has_only_what_is_left_of_the_first_ones_time(
    bare_stage: Stage,
) -> None:
    first = await bare_stage.replica(pace=Pace(heartbeat_s=0.05, sweep_s=0.05, drain_s=2))
    await first.runner.close()
    await asyncio.sleep(2)
    held = Held(say("Too late."))
    bare_stage.cast.script("coder", held)
    turn = await bare_stage.ask(on=first)
    await asyncio.wait_for(held.reached.wait(), 10)
    async with asyncio.timeout(1.5):
        await first.runner.close()
    assert first.runner.running == 0
    assert not bare_stage.closed(turn)


async def killed_in_a_tool(stage: Stage, tool: str, *, rules: tuple[Rule, ...] = ()) -> Replica:
    """Run a turn up to the middle of a tool on a replica, and let its lease end there."""
    first = await stage.replica(pace=STALLED, rules=rules)
    stage.cast.script("coder", say("", call(tool)), say("Going on."))
    await stage.ask(on=first)
    if tool == "launch" and not rules:
        (approval,) = await stage.asked()
        await stage.suspended()
        await first.hitl.answer(ANN, approval.id, True)
    prop = getattr(first.props, tool)
    await asyncio.wait_for(prop.running.wait(), 10)
    await stall(stage)
    return first


STARTED = pytest.mark.parametrize(
    ("tool", "rules"),
    [
        ("launch", ()),
        ("launch", (Rule(decision=Decision.ALLOW, tool="launch"),)),
        ("push", ()),
    ],
    ids=["approved", "allowed by policy", "unprotected"],
)


async def asked_to_retry(stage: Stage, tool: str, rules: tuple[Rule, ...]) -> ApprovalRecord:
    """Have the owner die in a tool that must not be repeated; return what another one asks."""
    first = await killed_in_a_tool(stage, tool, rules=rules)
    await stage.replica(rules=rules)
    (asked,) = await stage.asked()
    getattr(first.props, tool).release.set()
    await until(lambda: not first.runner.running)
    await stage.suspended()
    assert (asked.question, asked.tool) == ("retry", tool)
    assert "was started before" in asked.preview
    (turn,) = await stage.turns()
    assert of(await stage.facts(turn), ToolCallRequested)[-1].question == "retry"
    assert not of(await stage.facts(turn), ToolCallCompleted)
    return asked


def starts(stage: Stage, tool: str) -> list[int]:
    return [getattr(replica.props, tool).started for replica in stage.replicas]


@STARTED
async def test_a_call_that_was_started_is_left_at_that_when_the_human_says_no(
    bare_stage: Stage, tool: str, rules: tuple[Rule, ...]
) -> None:
    asked = await asked_to_retry(bare_stage, tool, rules)
    await bare_stage.replicas[1].hitl.answer(ANN, asked.id, False, feedback="It is up.")
    (turn,) = await bare_stage.turns()
    facts = await bare_stage.over(turn)
    (result,) = of(facts, ToolCallCompleted)
    assert not result.ok
    assert result.output.startswith(OUTCOME_UNKNOWN)
    assert "It is up." in result.output
    assert starts(bare_stage, tool) == [1, 0]
    check_whole(facts)


@STARTED
async def test_a_call_that_was_started_runs_again_when_the_human_says_yes(
    bare_stage: Stage, tool: str, rules: tuple[Rule, ...]
) -> None:
    asked = await asked_to_retry(bare_stage, tool, rules)
    second = bare_stage.replicas[1]
    getattr(second.props, tool).release.set()
    await second.hitl.answer(ANN, asked.id, True)
    (turn,) = await bare_stage.turns()
    facts = await bare_stage.over(turn)
    (result,) = of(facts, ToolCallCompleted)
    assert (result.ok, result.output) == (True, "waited")
    assert starts(bare_stage, tool) == [1, 1]
    check_whole(facts)


async def test_a_turn_may_be_stopped_at_a_call_that_was_started(bare_stage: Stage) -> None:
    await asked_to_retry(bare_stage, "launch", ())
    await bare_stage.first.sessions.request_cancel(ANN, bare_stage.session_id)
    (turn,) = await bare_stage.turns()
    facts = await bare_stage.over(turn)
    assert of(facts, TurnEnded)[0].stop_reason == "cancelled"
    (result,) = of(facts, ToolCallCompleted)
    assert "may be done in part" in result.output
    assert starts(bare_stage, "launch") == [1, 0]


async def test_a_call_that_may_be_repeated_is(bare_stage: Stage) -> None:
    first = await killed_in_a_tool(bare_stage, "look")
    second = await bare_stage.replica()
    second.props.look.release.set()
    (turn,) = await bare_stage.turns()
    facts = await bare_stage.over(turn)
    first.props.look.release.set()
    await until(lambda: not first.runner.running)
    (result,) = of(await bare_stage.facts(turn), ToolCallCompleted)
    assert (result.ok, result.output) == (True, "waited")
    check_whole(facts)


async def test_a_write_that_was_done_and_cannot_be_done_again_is_told_to_the_agent(
    bare_stage: Stage,
) -> None:
    first = await bare_stage.replica(pace=STALLED)
    write = call("write_file", {"path": "README.md", "content": "new\n"})
    bare_stage.cast.script("coder", say("", write), say("I look."))
    turn = await bare_stage.ask(on=first)
    (approval,) = await bare_stage.asked()
    await bare_stage.suspended()
    # As after a crash between the write and its record: used, changed, no result.
    hour = timedelta(hours=1)
    await bare_stage.change_session(lease_owner="dead", lease_expires_at=utc_now() + hour)
    await first.hitl.answer(ANN, approval.id, True)
    await bare_stage.use(approval.id)
    (bare_stage.project / "README.md").write_text("new\n")
    await stall(bare_stage)
    await bare_stage.replica()
    facts = await bare_stage.over(turn)
    (result,) = of(facts, ToolCallCompleted)
    # There is nothing left to write, so there is nothing to ask either.
    assert result.output.startswith(OUTCOME_UNKNOWN)
    assert "could not be" in result.output


async def test_a_database_that_is_away_leaves_the_turn_to_the_sweeper(bare_stage: Stage) -> None:
    first = await bare_stage.replica()
    tasks = [call("delegate", {"agent": "debug", "task": "go"})]
    away = DatabaseUnavailable("The database does not answer at the moment.")
    bare_stage.cast.script("orchestrator", say("", *tasks), say("All done."))
    # The condition rises from the depth of a sub-task, as it does from a failed statement there.
    bare_stage.cast.script("debug", away, say("Found it."))
    turn = await bare_stage.ask(agent="orchestrator", on=first)
    await until(lambda: len(bare_stage.cast.asked("debug")) == 1 and not first.runner.running)
    assert not of(await bare_stage.facts(turn), ToolCallCompleted)
    await stall(bare_stage)
    facts = await bare_stage.over(turn)
    (result,) = of(facts, ToolCallCompleted)
    assert (result.ok, result.output) == (True, "Found it.")
    assert not of(facts, TurnFailed)


async def test_many_that_wait_hide_no_orphan(stage: Stage) -> None:
    """Turns that wait for humans are no reason to overlook one that nobody carries."""
    await stage.add_waiting_sessions(300)
    await stage.open_another_session()
    stage.cast.script("coder", Held(say("Lost.")), say("Found."))
    turn = await stage.ask()
    await until(lambda: stage.cast.requests)
    await stage.change_session(
        lease_owner="dead", lease_generation=99, lease_expires_at=utc_now() - timedelta(seconds=1)
    )
    facts = await stage.over(turn)
    assert of(facts, AssistantMessageCompleted)[0].text == "Found."


async def test_a_heartbeat_between_two_turns_disturbs_neither(bare_stage: Stage) -> None:
    await bare_stage.replica(pace=Pace(heartbeat_s=0, sweep_s=3600, drain_s=0))
    for number in range(40):
        bare_stage.cast.script("coder", say(f"Answer {number}."))
        facts = await bare_stage.turn()
        assert of(facts, AssistantMessageCompleted)[0].text == f"Answer {number}."
    assert len(bare_stage.cast.asked("coder")) == 40


async def test_nothing_is_left_of_an_idle_replica(bare_stage: Stage) -> None:
    replica = await bare_stage.replica()
    await replica.runner.close()
    async with replica.db.read() as db:
        assert await db.scalar(sa.text("select count(*) from turns")) == 0

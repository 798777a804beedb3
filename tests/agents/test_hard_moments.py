"""Moments in which things go wrong together: who stalls at the gate, what never stays the same."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from codelab.agents.outcomes import OUTCOME_UNKNOWN
from codelab.agents.runner import Pace
from codelab.hitl.api import Decision, HitlSettings, Rule
from codelab.hitl.errors import ApprovalStale
from codelab.kit.clock import utc_now
from codelab.sdk.tool import Category, Preparation, Tool, ToolContext, ToolError, ToolResult
from codelab.sessions.events import ToolCallCompleted, ToolCallRequested
from tests.agents.cast import call, say
from tests.agents.props import Nothing
from tests.agents.stage import ANN, Stage, of, until, until_awaited
from tests.agents.test_takeover import STALLED, killed_in_a_tool, stall

HOUR = timedelta(hours=1)


class Held(Tool[Nothing]):
    """Stalls in a chosen preparation."""

    name = "held"
    description = "Hold."
    parameters = Nothing
    category = Category.RUN
    protected = True
    repeatable = False

    def __init__(self) -> None:
        self.prepared = self.ran = 0
        self.stalls_at = 0
        self.reached, self.release = asyncio.Event(), asyncio.Event()

    async def prepare(self, context: ToolContext, parameters: Nothing) -> Preparation:
        self.prepared += 1
        if self.prepared == self.stalls_at:
            self.reached.set()
            await self.release.wait()
        return Preparation(preview="held", state="the same")

    async def execute(self, context: ToolContext, parameters: Nothing) -> ToolResult:
        self.ran += 1
        return ToolResult(output="ran")


class Unstable(Tool[Nothing]):
    """What it would touch is never the same."""

    name = "unstable"
    description = "Change."
    parameters = Nothing
    category = Category.RUN
    repeatable = False

    def __init__(self) -> None:
        self.prepared = 0

    async def prepare(self, context: ToolContext, parameters: Nothing) -> Preparation:
        self.prepared += 1
        return Preparation(state=str(self.prepared))

    async def execute(self, context: ToolContext, parameters: Nothing) -> ToolResult:
        return ToolResult(output="ran")


class Fickle(Held):
    """Can be prepared so often, and then no more."""

    name = "fickle"

    def __init__(self) -> None:
        super().__init__()
        self.works_until = 1_000

    async def prepare(self, context: ToolContext, parameters: Nothing) -> Preparation:
        if self.prepared >= self.works_until:
            raise ToolError("There is no such thing any more.")
        return await super().prepare(context, parameters)


class SelfCancelling(Tool[Nothing]):
    """Waits for something that was cancelled, as a third party's mistake would have it."""

    name = "self_cancelling"
    description = "Fail."
    parameters = Nothing

    def __init__(self) -> None:
        self.runs = 0

    async def execute(self, context: ToolContext, parameters: Nothing) -> ToolResult:
        self.runs += 1
        waiting = asyncio.create_task(asyncio.sleep(10))
        waiting.cancel()
        await waiting
        return ToolResult(output="never")


async def at_the_gate(stage: Stage, pace: Pace) -> Held:
    """Bring a turn on the first replica to the last moment before its approved call starts."""
    first = await stage.replica(pace=pace)
    tool = Held()
    first.services.tools.register([tool])
    stage.cast.script("coder", say("", call("held")), say("Going on."))
    await stage.ask(on=first)
    (approval,) = await stage.asked()
    await stage.suspended()
    # The answer prepares it once, the turn once more, and a last time before the gate.
    tool.stalls_at = tool.prepared + 3
    await first.hitl.answer(ANN, approval.id, True)
    await asyncio.wait_for(tool.reached.wait(), 10)
    return tool


async def test_who_stalls_at_the_gate_starts_nothing_after_the_turns_end(
    bare_stage: Stage,
) -> None:
    tool = await at_the_gate(bare_stage, STALLED)
    await stall(bare_stage)
    second = await bare_stage.replica(pace=Pace(heartbeat_s=0.05, sweep_s=3600, drain_s=0))
    second.services.tools.register([Held()])
    await second.sessions.request_cancel(ANN, bare_stage.session_id)
    (turn,) = await bare_stage.turns()
    await bare_stage.over(turn)
    tool.release.set()
    await until(lambda: not bare_stage.first.runner.running)
    assert tool.ran == 0


async def test_nothing_starts_after_a_cancellation_was_acknowledged(bare_stage: Stage) -> None:
    tool = await at_the_gate(bare_stage, Pace(heartbeat_s=1, sweep_s=3600, drain_s=0))
    second = await bare_stage.replica(pace=STALLED)
    await second.sessions.request_cancel(ANN, bare_stage.session_id)
    tool.release.set()
    (turn,) = await bare_stage.turns()
    await bare_stage.over(turn)
    assert tool.ran == 0


async def test_what_never_stays_the_same_is_given_up(stage: Stage) -> None:
    stage.first.services.tools.register([Unstable()])
    stage.cast.script("coder", say("", call("unstable")), say("Done."))
    facts = await stage.turn()
    (result,) = of(facts, ToolCallCompleted)
    assert not result.ok
    assert "has changed" in result.output
    assert len(of(facts, ToolCallRequested)) == 1


async def test_an_answer_beside_an_open_request_is_found_when_its_replica_dies(
    bare_stage: Stage,
) -> None:
    first = await bare_stage.replica()
    writes = [call("write_file", {"path": f"{name}.txt", "content": name}) for name in "ab"]
    bare_stage.cast.script("coder", say("", *writes), say("Done."))
    turn = await bare_stage.ask(on=first)
    one, other = await bare_stage.asked(2)
    await bare_stage.suspended()
    dying = await bare_stage.replica(pace=STALLED)
    await dying.runner.close()
    await dying.hitl.answer(ANN, one.id, True)

    async def done() -> bool:
        return len(of(await bare_stage.facts(turn), ToolCallCompleted)) == 1

    await until_awaited(done)
    assert (await first.hitl.get(ANN, other.id)).status == "pending"


async def test_a_request_that_cannot_be_read_does_not_keep_its_session_for_good(
    stage: Stage,
) -> None:
    stage.cast.script("coder", say("", call("launch")), say("Done."))
    turn = await stage.ask()
    (approval,) = await stage.asked()
    await stage.suspended()
    await stage.change_approval(approval.id, preview=b"not what was written here")
    await stage.cancel()
    facts = await stage.over(turn)
    (result,) = of(facts, ToolCallCompleted)
    assert result.output.startswith("Not done.")


async def test_a_rule_that_forbids_a_retry_does_not_hide_that_it_may_have_run(
    bare_stage: Stage,
) -> None:
    first = await killed_in_a_tool(bare_stage, "push")
    await bare_stage.replica(rules=(Rule(decision=Decision.DENY, tool="push", reason="No."),))
    (turn,) = await bare_stage.turns()
    facts = await bare_stage.over(turn)
    first.props.push.release.set()
    (result,) = of(facts, ToolCallCompleted)
    assert result.output.startswith(OUTCOME_UNKNOWN)
    assert result.output.endswith("Policy forbids this. No.")


async def test_a_retry_that_cannot_be_does_not_hide_that_it_may_have_run(stage: Stage) -> None:
    tool = Fickle()
    stage.first.services.tools.register([tool])
    stage.cast.script("coder", say("", call("fickle")), say("Done."))
    turn = await stage.ask()
    (approval,) = await stage.asked()
    await stage.suspended()
    await stage.change_session(lease_owner="dead", lease_expires_at=utc_now() + HOUR)
    await stage.first.hitl.answer(ANN, approval.id, True)
    await stage.use(approval.id)
    await stall(stage)
    (retry,) = await stage.asked()
    await stage.suspended()
    # It can still be prepared when the human answers, and not when it would run.
    tool.works_until = tool.prepared + 1
    await stage.first.hitl.answer(ANN, retry.id, True)
    (result,) = of(await stage.over(turn), ToolCallCompleted)
    assert result.output.startswith(OUTCOME_UNKNOWN)
    assert result.output.endswith("There is no such thing any more.")


async def test_what_is_asked_about_once_more_is_not_counted(bare_stage: Stage) -> None:
    first = await bare_stage.replica(hitl=HitlSettings(requests_per_hour=1))
    write = call("write_file", {"path": "README.md", "content": "agent"})
    bare_stage.cast.script("coder", say("", write), say("Done."))
    turn = await bare_stage.ask(on=first)
    (approval,) = await bare_stage.asked()
    await bare_stage.suspended()
    (bare_stage.project / "README.md").write_text("changed")
    with pytest.raises(ApprovalStale):
        await first.hitl.answer(ANN, approval.id, True)
    (anew,) = await bare_stage.asked()
    await first.hitl.answer(ANN, anew.id, True)
    (result,) = of(await bare_stage.over(turn), ToolCallCompleted)
    assert result.ok


async def test_a_clock_that_stepped_back_asks_once(stage: Stage) -> None:
    stage.cast.script("coder", say("", call("launch")), say("Done."))
    turn = await stage.ask()
    (approval,) = await stage.asked()
    await stage.suspended()
    await stage.change_session(lease_owner="dead", lease_expires_at=utc_now() + HOUR)
    await stage.first.hitl.answer(ANN, approval.id, True)
    await stage.use(approval.id)
    # As from before a failover to a server whose clock is behind.
    await stage.change_approval(approval.id, created_at=utc_now() + timedelta(minutes=1))
    await stall(stage)
    (retry,) = await stage.asked()
    await stage.suspended()
    # Several sweeps later there is still one, and it is the one that counts.
    await asyncio.sleep(0.5)
    assert [one.id for one in await stage.approvals()] == [retry.id]
    await stage.first.hitl.answer(ANN, retry.id, False)
    (result,) = of(await stage.over(turn), ToolCallCompleted)
    assert result.output.startswith(OUTCOME_UNKNOWN)


async def test_a_tool_that_cancels_itself_fails_once(stage: Stage) -> None:
    tool = SelfCancelling()
    stage.first.services.tools.register([tool])
    stage.cast.script("coder", say("", call("self_cancelling")), say("Done."))
    (result,) = of(await stage.turn(), ToolCallCompleted)
    assert not result.ok
    assert tool.runs == 1

"""Turns that wait for a human: they are rows meanwhile, and an answer is never lost."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import msgspec
import pytest

from codelab.hitl.api import Decision, HitlSettings, Rule
from codelab.hitl.errors import ApprovalStale
from codelab.sessions.events import (
    ApprovalAnswered,
    SessionStateChanged,
    ToolCallCompleted,
    ToolCallRequested,
    TurnEnded,
)
from tests.agents.cast import Held, call, say
from tests.agents.stage import ALONE, ANN, Stage, of, until

FAR = datetime(2100, 1, 1, tzinfo=UTC)
WRITE = ("write_file", {"path": "a.txt", "content": "new\n"})


async def test_a_turn_that_waits_is_a_row(stage: Stage) -> None:
    stage.cast.script("coder", say("", call(*WRITE)), say("Written."))
    turn = await stage.ask()
    (approval,) = await stage.asked()
    await stage.suspended()
    assert stage.first.events(SessionStateChanged)[-1].state == "waiting"
    assert not (stage.project / "a.txt").exists()
    await stage.first.hitl.answer(ANN, approval.id, True)
    facts = await stage.over(turn)
    assert (stage.project / "a.txt").read_text() == "new\n"
    (requested,) = of(facts, ToolCallRequested)
    assert (requested.approval_id, requested.requires_approval) == (approval.id, True)
    assert "+new" in requested.preview
    assert [answer.status for answer in of(facts, ApprovalAnswered)] == ["approved"]
    assert [result.ok for result in of(facts, ToolCallCompleted)] == [True]
    # The whole turn counts, not only what came after the answer.
    waited = stage.first.events(SessionStateChanged)
    assert of(facts, TurnEnded)[0].duration_ms > 0
    assert waited[-1].state == "idle"


async def test_a_call_that_is_worse_than_its_tool_is_asked_about_whatever_is_allowed(
    bare_stage: Stage,
) -> None:
    allowed = Rule(decision=Decision.ALLOW, tool="escalate")
    await bare_stage.replica(rules=(allowed,))
    bare_stage.first.props.escalate.release.set()
    bare_stage.cast.script("coder", say("", call("escalate")), say("Done."))
    turn = await bare_stage.ask()
    (approval,) = await bare_stage.asked()
    assert (approval.tool, approval.risk) == ("escalate", "critical")
    await bare_stage.first.hitl.answer(ANN, approval.id, True)
    facts = await bare_stage.over(turn)
    assert [result.ok for result in of(facts, ToolCallCompleted)] == [True]
    assert bare_stage.first.props.escalate.started == 1


async def test_approvals_of_what_runs_in_a_box_name_the_layer(stage: Stage) -> None:
    stage.cast.script("coder", say("", call("launch"), call(*WRITE)), say("As you like."))
    turn = await stage.ask()
    for approval in await stage.asked(2):
        await stage.first.hitl.answer(ANN, approval.id, False)
    requested = of(await stage.over(turn), ToolCallRequested)
    assert {one.tool: one.layer for one in requested} == {"launch": "none", "write_file": ""}


async def test_a_refusal_with_feedback_reaches_the_model(stage: Stage) -> None:
    stage.cast.script("coder", say("", call(*WRITE)), say("As you like."))
    turn = await stage.ask()
    (approval,) = await stage.asked()
    await stage.first.hitl.answer(ANN, approval.id, False, feedback="Use b.txt")
    facts = await stage.over(turn)
    (told,) = stage.cast.told("coder")
    assert "Use b.txt" in told.content
    assert not (stage.project / "a.txt").exists()
    assert of(facts, TurnEnded)[0].stop_reason == "end"


async def test_edited_parameters_are_what_runs(stage: Stage) -> None:
    stage.cast.script("coder", say("", call(*WRITE)), say("Written."))
    turn = await stage.ask()
    (approval,) = await stage.asked()
    await stage.first.hitl.answer(
        ANN, approval.id, True, parameters={"path": "b.txt", "content": "mine\n"}
    )
    await stage.over(turn)
    assert (stage.project / "b.txt").read_text() == "mine\n"
    assert not (stage.project / "a.txt").exists()


async def test_nobody_answers(bare_stage: Stage) -> None:
    await bare_stage.replica(hitl=HitlSettings(timeout_s=0.3))
    bare_stage.cast.script("coder", say("", call(*WRITE)), say("Nobody was there."))
    facts = await bare_stage.turn()
    (answer,) = of(facts, ApprovalAnswered)
    assert (answer.status, answer.by) == ("timeout", "deadline")
    (told,) = bare_stage.cast.told("coder")
    assert "Nobody answered" in told.content
    assert not (bare_stage.project / "a.txt").exists()


@pytest.mark.parametrize("noticed", ["at the answer", "at the gate"])
async def test_a_target_that_changed_is_asked_about_again(stage: Stage, noticed: str) -> None:
    stage.cast.script("coder", say("", call("write_file", {"path": "README.md", "content": "x\n"})))
    stage.cast.script("coder", say("Written."))
    turn = await stage.ask()
    (first,) = await stage.asked()
    await stage.suspended()
    if noticed == "at the answer":
        (stage.project / "README.md").write_text("somebody else\n")
        with pytest.raises(ApprovalStale):
            await stage.first.hitl.answer(ANN, first.id, True)
    else:
        # Held back by a lease of somebody who is gone, the turn goes on after the change.
        await stage.change_session(lease_owner="gone", lease_expires_at=FAR)
        await stage.first.hitl.answer(ANN, first.id, True)
        (stage.project / "README.md").write_text("somebody else\n")
        await stage.change_session(lease_owner=None, lease_expires_at=None)
    (second,) = await stage.asked()
    assert second.call_id == first.call_id
    assert "-somebody else" in second.preview
    await stage.first.hitl.answer(ANN, second.id, True)
    facts = await stage.over(turn)
    assert (stage.project / "README.md").read_text() == "x\n"
    assert len(of(facts, ToolCallRequested)) == 2
    assert len(of(facts, ToolCallCompleted)) == 1


async def test_one_of_two_answers_lets_its_call_run(stage: Stage) -> None:
    calls = [call("write_file", {"path": name, "content": "x"}) for name in ("a", "b")]
    stage.cast.script("coder", say("", *calls), say("Both."))
    turn = await stage.ask()
    first, second = await stage.asked(2)
    await stage.first.hitl.answer(ANN, first.id, True)
    await until((stage.project / first.parameters["path"]).exists)
    await stage.suspended()
    assert not (stage.project / second.parameters["path"]).exists()
    await stage.first.hitl.answer(ANN, second.id, False)
    facts = await stage.over(turn)
    assert sorted(result.ok for result in of(facts, ToolCallCompleted)) == [False, True]


async def test_an_answer_while_a_sibling_still_works_is_not_lost(bare_stage: Stage) -> None:
    stage = bare_stage
    # Beats that meet the turn while its lease is given back and taken again.
    await stage.replica(pace=msgspec.structs.replace(ALONE, heartbeat_s=0.0))
    slow = Held(say("Read it."))
    tasks = [call("delegate", {"agent": name, "task": "go"}) for name in ("coder", "debug")]
    stage.cast.script("orchestrator", say("", *tasks), say("All done."))
    stage.cast.script("coder", say("", call(*WRITE)), say("Written."))
    stage.cast.script("debug", slow)
    turn = await stage.ask(agent="orchestrator")
    (approval,) = await stage.asked()
    await asyncio.wait_for(slow.reached.wait(), 10)
    await stage.first.hitl.answer(ANN, approval.id, True)
    slow.release.set()
    facts = await stage.over(turn)
    assert (stage.project / "a.txt").exists()
    assert of(facts, TurnEnded)[0].stop_reason == "end"
    # The sibling was not asked again.
    assert len(stage.cast.asked("debug")) == 1


async def test_both_replicas_hear_the_answer_and_one_goes_on(bare_stage: Stage) -> None:
    first, second = await bare_stage.replica(), await bare_stage.replica()
    bare_stage.cast.script("coder", say("", call("launch")), say("Launched."))
    turn = await bare_stage.ask(on=first)
    (approval,) = await bare_stage.asked()
    await bare_stage.suspended()
    for replica in (first, second):
        replica.props.launch.release.set()
    await second.hitl.answer(ANN, approval.id, True)
    facts = await bare_stage.over(turn)
    assert first.props.launch.started + second.props.launch.started == 1
    assert len(of(facts, ToolCallCompleted)) == 1
    assert len(bare_stage.closed(turn)) == 1


async def test_what_policy_asks_about_passes_the_gate_too(bare_stage: Stage) -> None:
    rules = (Rule(decision=Decision.ASK, tool="read_file"),)
    await bare_stage.replica(rules=rules)
    bare_stage.cast.script("coder", say("", call("read_file", {"path": "README.md"})), say("Read."))
    turn = await bare_stage.ask()
    (approval,) = await bare_stage.asked()
    await bare_stage.first.hitl.answer(ANN, approval.id, True)
    facts = await bare_stage.over(turn)
    assert [result.ok for result in of(facts, ToolCallCompleted)] == [True]
    (used,) = await bare_stage.approvals("approved")
    assert used.used_at is not None


async def test_policy_decides_without_a_human(bare_stage: Stage) -> None:
    rules = (
        Rule(decision=Decision.ALLOW, tool="write_file", paths=("*.txt",)),
        Rule(decision=Decision.DENY, tool="write_file", paths=("*.md",), reason="Docs are frozen."),
    )
    await bare_stage.replica(rules=rules)
    frozen = call("write_file", {"path": "README.md", "content": "x"})
    bare_stage.cast.script("coder", say("", call(*WRITE), frozen), say("Half."))
    facts = await bare_stage.turn()
    assert (bare_stage.project / "a.txt").read_text() == "new\n"
    assert (bare_stage.project / "README.md").read_text() == "# Shop\n"
    assert any("Docs are frozen." in told.content for told in bare_stage.cast.told("coder"))
    assert not any(requested.requires_approval for requested in of(facts, ToolCallRequested))

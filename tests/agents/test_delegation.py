"""Sub-tasks: contexts of their own, in parallel, within limits; and plans that show them."""

from __future__ import annotations

import asyncio
from typing import Any

from codelab.kit.marking import marked
from codelab.llm.errors import ModelRefused
from codelab.sdk.messages import UserMessage
from codelab.sessions.events import (
    AgentChosen,
    AssistantMessageCompleted,
    PlanUpdated,
    ToolCallCompleted,
    TurnEnded,
)
from tests.agents.cast import Held, call, say
from tests.agents.stage import Stage, of


def delegate(agent: str, task: str = "go", **more: Any) -> Any:
    return call("delegate", {"agent": agent, "task": task, **more})


async def test_a_sub_task_sees_its_own_context_only(stage: Stage) -> None:
    stage.cast.script("orchestrator", say("", delegate("coder", "Write it")), say("It is written."))
    stage.cast.script("coder", say("Report: written."))
    facts = await stage.turn("My secret wish", agent="orchestrator")
    (request,) = stage.cast.asked("coder")
    assert request.messages[1:] == (UserMessage(text="Write it"),)
    (told,) = stage.cast.told("orchestrator")
    assert (told.content, told.ok) == (marked("Report: written.", told.call_id), True)
    root, sub = of(facts, AgentChosen)
    assert (sub.agent, sub.previous, sub.prompt) == ("coder", "orchestrator", "Write it")
    assert (root.task_id, sub.task_id) == ("", told.call_id)


async def test_the_next_turn_does_not_see_the_sub_tasks_conversation(stage: Stage) -> None:
    stage.cast.script("orchestrator", say("", delegate("coder")), say("Done."), say("Bye."))
    stage.cast.script("coder", say("An inner word."))
    await stage.turn(agent="orchestrator")
    await stage.turn("And now?", agent="orchestrator")
    texts = [getattr(one, "text", "") for one in stage.cast.asked("orchestrator")[-1].messages]
    assert "Done." in texts
    assert "An inner word." not in texts


async def test_sub_tasks_run_at_the_same_time(stage: Stage) -> None:
    first, second = Held(say("One.")), Held(say("Two."))
    stage.cast.script("orchestrator", say("", delegate("coder"), delegate("debug")), say("Both."))
    stage.cast.script("coder", first)
    stage.cast.script("debug", second)
    turn = await stage.ask(agent="orchestrator")
    for held in (second, first):
        await asyncio.wait_for(held.reached.wait(), 10)
    for held in (second, first):
        held.release.set()
    facts = await stage.over(turn)
    told = {result.content.splitlines()[1] for result in stage.cast.told("orchestrator")}
    assert told == {"One.", "Two."}
    assert of(facts, TurnEnded)[0].stop_reason == "end"


async def test_a_failed_sub_task_is_reported_and_the_turn_goes_on(stage: Stage) -> None:
    stage.cast.script("orchestrator", say("", delegate("coder")), say("I tell the user."))
    stage.cast.script("coder", ModelRefused("Too long."))
    facts = await stage.turn(agent="orchestrator")
    (result,) = of(facts, ToolCallCompleted)
    assert not result.ok
    assert "Too long." in result.output
    assert of(facts, TurnEnded)[0].stop_reason == "end"


async def test_what_delegating_is_refused(stage: Stage) -> None:
    wrong = (
        delegate("nobody"),
        delegate("orchestrator"),
        call("delegate", {"agent": "coder"}),
        call("delegate", "{"),
    )
    stage.cast.script("orchestrator", say("", *wrong), say("I do it myself."))
    facts = await stage.turn(agent="orchestrator")
    results = of(facts, ToolCallCompleted)
    assert [result.ok for result in results] == [False] * 4
    assert all(result.invalid_arguments for result in results)
    assert len(of(facts, AgentChosen)) == 1


async def test_there_is_a_limit_to_how_deep_work_is_handed_down(stage: Stage) -> None:
    stage.cast.script("orchestrator", say("", delegate("coder")), say("End."))
    # Each hands the work to the other until one is refused and does it.
    stage.cast.script("coder", say("", delegate("debug")), say("", delegate("debug")), say("c"))
    stage.cast.script("debug", say("", delegate("coder")), say("d1"), say("d2"))
    stage.cast.script("coder", say("c2"))
    facts = await stage.turn(agent="orchestrator")
    refused = [result for result in of(facts, ToolCallCompleted) if not result.ok]
    assert len(refused) == 1
    assert "yourself" in refused[0].output
    assert len(of(facts, AgentChosen)) == 4
    assert of(facts, TurnEnded)[0].stop_reason == "end"


async def test_delegated_steps_tick_themselves_even_at_the_same_time(stage: Stage) -> None:
    steps = [{"id": name, "title": f"Step {name}"} for name in ("a", "b", "c")]
    held = [Held(say("A.")), Held(say("B."))]
    stage.cast.script(
        "orchestrator",
        say("", call("update_plan", {"steps": steps})),
        say("", delegate("coder", step="a"), delegate("debug", step="b")),
        say("", delegate("reader", step="c")),
        say("All but one."),
    )
    stage.cast.script("coder", held[0])
    stage.cast.script("debug", held[1])
    stage.cast.script("reader", ModelRefused("Too long."))
    turn = await stage.ask(agent="orchestrator")
    for one in held:
        await asyncio.wait_for(one.reached.wait(), 10)
    running = of(await stage.facts(turn), PlanUpdated)[-1]
    assert [step.status for step in running.steps] == ["running", "running", "pending"]
    for one in held:
        one.release.set()
    plans = of(await stage.over(turn), PlanUpdated)
    assert [step.status for step in plans[-1].steps] == ["done", "done", "failed"]


async def test_a_sub_task_cannot_replace_the_plan(stage: Stage) -> None:
    plan = call("update_plan", {"steps": [{"id": "1", "title": "Mine"}]})
    other = call("update_plan", {"steps": [{"id": "x", "title": "Not mine"}]})
    stage.cast.script("orchestrator", say("", plan), say("", delegate("coder")), say("Done."))
    stage.cast.script("coder", say("", other), say("Then not."))
    facts = await stage.turn(agent="orchestrator")
    assert [plan.steps[0].title for plan in of(facts, PlanUpdated)] == ["Mine"]
    offered = {tool.name for tool in stage.cast.asked("coder")[0].tools}
    assert "delegate" in offered
    assert "update_plan" not in offered


async def test_a_cancelled_turn_leaves_no_step_running(stage: Stage) -> None:
    held = Held(say("Half a"))
    plan = call("update_plan", {"steps": [{"id": "1", "title": "One"}]})
    stage.cast.script("orchestrator", say("", plan), say("", delegate("coder", step="1")))
    stage.cast.script("coder", held)
    turn = await stage.ask(agent="orchestrator")
    await asyncio.wait_for(held.reached.wait(), 10)
    await stage.cancel()
    facts = await stage.over(turn)
    assert [step.status for step in of(facts, PlanUpdated)[-1].steps] == ["failed"]
    (half,) = [fact for fact in of(facts, AssistantMessageCompleted) if fact.task_id]
    assert (half.text, half.finish_reason) == ("Half a", "cancelled")

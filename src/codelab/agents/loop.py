"""One turn, from the request to the answer."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterable
from typing import Any

import msgspec

from codelab.agents import calls, control, guards
from codelab.agents.answering import answer, cut_off
from codelab.agents.attaching import opening_attachments
from codelab.agents.errors import (
    AgentUnknown,
    DelegationRefused,
    ModelKeepsFailing,
    StepLimitReached,
)
from codelab.agents.gathering import gathered
from codelab.agents.live import LiveTurn
from codelab.agents.outcomes import result_of
from codelab.agents.routing import route
from codelab.kit.errors import CodeLabError, DatabaseUnavailable
from codelab.kit.ids import new_id
from codelab.sdk.messages import ToolCall
from codelab.sdk.tool import ToolResult
from codelab.sessions.api import Task
from codelab.sessions.errors import LeaseLost
from codelab.sessions.events import (
    CANCELLED,
    AgentChosen,
    AnyFact,
    AssistantMessageCompleted,
    PlanUpdated,
    StepStatus,
    ToolCallCompleted,
)

_BROKEN_CALLS = 3
_DEPTH = 3


async def run_turn(turn: LiveTurn) -> bool:
    """Carry a turn forward; return whether it is over, since otherwise it waits for a human.

    Raises:
        CodeLabError: The turn cannot go on; the user is told why.
    """
    if not turn.state.root.agent:
        await choose_agent(turn)
    return await run_task(turn, turn.state.root)


async def run_task(turn: LiveTurn, task: Task) -> bool:
    """Carry one agent's task forward, until its answer or until a human has to answer."""
    while not task.over:
        if not task.open_calls:
            await ask_model(turn, task)
        elif not await settle_calls(turn, task):
            return False
    return True


async def choose_agent(turn: LiveTurn) -> None:
    """Decide which agent takes the request, and say why.

    Raises:
        AgentUnknown: The user chose one that is not installed.
    """
    if turn.state.wanted_agent:
        turn.services.agents.get(turn.state.wanted_agent)
    choice = route(
        turn.state.request,
        turn.services.agents.all(),
        wanted=turn.state.wanted_agent,
        session_agent=turn.held.session_agent,
        previous=turn.earlier.agent,
    )
    attached = await opening_attachments(turn, choice.agent)
    found = await gathered(turn, choice.agent, attached)
    await turn.record(
        AgentChosen(agent=choice.agent, reason=choice.reason, previous=turn.earlier.agent),
        *attached,
        *found,
    )


async def ask_model(turn: LiveTurn, task: Task) -> None:
    """Stream the next message of the task's agent and have its tool calls reviewed."""
    if task.invalid_arguments >= _BROKEN_CALLS:
        raise ModelKeepsFailing(
            "The model could not write usable tool calls, three times in a row. "
            "Try again or choose another model."
        )
    if error := guards.repeated(task.agent, task.messages):
        raise error
    if task.steps >= turn.services.max_steps:
        raise StepLimitReached(f"The agent has taken {task.steps} steps, which is the limit.")
    turn.show("processing", task.agent)
    message_id, completion = await answer(turn, task)
    # Providers repeat identifiers or leave them out; ours are unique in the whole session.
    wanted = tuple(msgspec.structs.replace(call, id=new_id()) for call in completion.tool_calls)
    message = AssistantMessageCompleted(
        message_id=message_id,
        agent=task.agent,
        model=completion.model,
        text=completion.text,
        reasoning=completion.reasoning,
        tool_calls=wanted,
        finish_reason=completion.finish_reason,
        thinking=completion.thinking,
        tried=completion.tried,
        task_id=task.id,
    )
    # The user has read it already: if the turn is stopped now, its text is kept.
    turn.unfinished[message_id] = msgspec.structs.replace(
        message, tool_calls=(), thinking=None, finish_reason=CANCELLED
    )
    refused = cut_off(completion) or guards.repeated_by(task.agent, task.messages, wanted)
    used = turn.unrecorded[message_id]
    await calls.request(turn, task, wanted, before=(message, *used), refused=refused)
    del turn.unfinished[message_id], turn.unrecorded[message_id]


async def settle_calls(turn: LiveTurn, task: Task) -> bool:
    """Bring the open calls to their results, independent ones at the same time.

    Returns false while at least one of them waits for a human.
    """
    open_calls = tuple(task.open_calls.values())
    # What was prepared a moment ago and needs nobody's approval was never started.
    asked = any(
        task.requested[call.id].requires_approval or call.id not in turn.prepared
        for call in open_calls
        if call.name not in control.NAMES
    )
    approvals = await turn.approvals() if asked else {}
    settled = await _all_of(
        _settle_control(turn, task, call)
        if call.name in control.NAMES
        else calls.settle(turn, task, call, approvals.get(call.id))
        for call in open_calls
    )
    return all(settled)


async def delegate(turn: LiveTurn, task: Task, call: ToolCall) -> bool:
    """Have another agent do a sub-task in a context of its own, and report its answer."""
    sub_task = turn.state.task(call.id)
    if not sub_task.agent:
        wanted = control.decode(call, control.DelegateArguments)
        _check_delegation(turn, task, wanted.agent)
        chosen = AgentChosen(
            task_id=call.id,
            agent=wanted.agent,
            previous=task.agent,
            reason=f"{task.agent} hands over a sub-task.",
            prompt=wanted.task,
        )
        await _record_step(turn, chosen, wanted.step, "running")
    try:
        if not await run_task(turn, sub_task):
            return False
        ok, report = True, sub_task.last_text or f"{sub_task.agent} is done and reports nothing."
    except (LeaseLost, DatabaseUnavailable):
        raise
    except CodeLabError as error:
        ok, report = False, f"{sub_task.agent} could not finish: {error.message}"
    step = control.decode(call, control.DelegateArguments).step
    await _record_step(turn, _result(task, call, report, ok=ok), step, "done" if ok else "failed")
    return True


async def _settle_control(turn: LiveTurn, task: Task, call: ToolCall) -> bool:
    try:
        if call.name == control.DELEGATE:
            return await delegate(turn, task, call)
        await _update_plan(turn, task, call)
    except (msgspec.ValidationError, msgspec.DecodeError) as error:
        await turn.record(_result(task, call, f"Wrong arguments: {error}", invalid=True))
    except (AgentUnknown, DelegationRefused) as error:
        await turn.record(_result(task, call, error.message, invalid=True))
    return True


async def _update_plan(turn: LiveTurn, task: Task, call: ToolCall) -> None:
    plan = control.decode(call, control.PlanArguments)
    if task is not turn.state.root:
        raise DelegationRefused("The plan belongs to the whole turn, and this is a sub-task.")
    if not turn.agent(task).plans:
        raise DelegationRefused(f"{task.agent} keeps no plan.")
    async with turn.planning:
        await turn.record(
            PlanUpdated(steps=control.plan_steps(plan), task_id=task.id),
            _result(task, call, "The user sees the plan.", ok=True),
        )


def _check_delegation(turn: LiveTurn, task: Task, wanted: str) -> None:
    agent = turn.agent(task)
    turn.services.agents.get(wanted)
    if not agent.may_delegate_to(wanted):
        raise DelegationRefused(f"{agent.name} may not hand work to {wanted}.")
    if task.depth >= _DEPTH:
        raise DelegationRefused("This sub-task is too many hands away already: do it yourself.")


async def _record_step(turn: LiveTurn, fact: AnyFact, step_id: str, status: StepStatus) -> None:
    """Commit a fact, and with it the step of the plan that it is about."""
    # One after the other: each new plan is made from the last one.
    async with turn.planning:
        plan = turn.state.plan
        if any(step.id == step_id for step in plan):
            ticked = PlanUpdated(steps=control.with_status(plan, step_id, status))
            await turn.record(fact, ticked)
        else:
            await turn.record(fact)


def _result(
    task: Task, call: ToolCall, output: str, *, ok: bool = False, invalid: bool = False
) -> ToolCallCompleted:
    return result_of(task, call, ToolResult(output=output, ok=ok), invalid=invalid)


async def _all_of(coroutines: Iterable[Coroutine[Any, Any, bool]]) -> list[bool]:
    """Run all at the same time; when one fails, stop the others and pass its error on."""
    tasks = [asyncio.create_task(coroutine) for coroutine in coroutines]
    try:
        return await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

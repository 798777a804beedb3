"""A model's tool calls: checked and reviewed together, then settled one by one."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Sequence
from typing import Any

import msgspec

from codelab.agents import control
from codelab.agents.live import LiveTurn
from codelab.hitl.api import Allowed, ApprovalRecord, Denied, Pending, ReviewRequest
from codelab.hitl.errors import ApprovalStale as GateStale
from codelab.hitl.errors import ApprovalUsed
from codelab.kit.clock import monotonic_ms
from codelab.kit.db import Transaction
from codelab.kit.errors import CodeLabError, DatabaseUnavailable
from codelab.sdk.messages import ToolCall
from codelab.sdk.tool import Category, Risk, ToolResult
from codelab.sessions.api import Task
from codelab.sessions.events import AnyFact, ToolCallCompleted, ToolCallRequested
from codelab.tools.api import PreparedCall
from codelab.tools.errors import ApprovalStale as CallStale
from codelab.tools.errors import ToolArgumentsInvalid, ToolUnknown

# Found out by the tools when they look again, or by the gate when digests differ.
_STALE = (CallStale, GateStale)

OUTCOME_UNKNOWN = (
    "Outcome unknown: this call was started, and the server stopped before it could note the "
    "result. It was not run again. Look at the current state before you decide what to do."
)


async def request(
    turn: LiveTurn, task: Task, calls: Sequence[ToolCall], *, before: Sequence[AnyFact] = ()
) -> None:
    """Check the calls, have each reviewed, and commit all of it with what led to them."""
    checked = [await _check(turn, task, call) for call in calls]
    facts = [*before]
    async with turn.services.db.transaction() as tx:
        for call, outcome in zip(calls, checked, strict=True):
            facts += await _review(tx, turn, task, call, outcome)
        await turn.write(tx, facts)
    turn.take_in(facts)


async def settle(
    turn: LiveTurn, task: Task, call: ToolCall, approval: ApprovalRecord | None
) -> bool:
    """Bring one call to its result; return false while a human has to answer."""
    requested = task.requested[call.id]
    if requested.requires_approval:
        if approval is None or approval.status == "pending":
            return False
        if approval.status != "approved":
            await _complete(turn, task, call, _refusal(approval))
            return True
    started = time.monotonic()
    try:
        result = await _execute(turn, task, call, approval)
    except _STALE:
        await request(turn, task, [call])
        return call.id not in task.open_calls
    await _complete(turn, task, call, result, monotonic_ms(started))
    return True


async def _check(turn: LiveTurn, task: Task, call: ToolCall) -> PreparedCall | CodeLabError | None:
    if call.name in control.NAMES:
        return None
    try:
        prepared = await turn.services.tools.prepare(
            call, turn.agent(task), turn.tool_context(task, call.id), turn.held.turn_id
        )
    except CodeLabError as error:
        return error
    turn.prepared[call.id] = prepared
    return prepared


async def _review(
    tx: Transaction,
    turn: LiveTurn,
    task: Task,
    call: ToolCall,
    checked: PreparedCall | CodeLabError | None,
) -> list[AnyFact]:
    requested = ToolCallRequested(
        call_id=call.id,
        tool=call.name,
        agent=task.agent,
        parameters=_readable(call.arguments),
        risk=Risk.LOW,
        task_id=task.id,
    )
    if checked is None:
        return [requested]
    if isinstance(checked, CodeLabError):
        mendable = isinstance(checked, ToolArgumentsInvalid | ToolUnknown)
        return [requested, _failed(task, call, checked.message, invalid=mendable)]
    requested = msgspec.structs.replace(
        requested,
        parameters=msgspec.json.decode(checked.call.parameters),
        risk=checked.risk,
        preview=checked.preview,
    )
    try:
        verdict = await turn.services.hitl.review(tx, _review_request(checked), await tx.now())
    except DatabaseUnavailable:
        raise
    except CodeLabError as error:
        return [requested, _failed(task, call, error.message)]
    match verdict:
        case Denied(reason=reason):
            return [requested, _failed(task, call, reason)]
        case Pending(approval_id=approval_id, expires_at=expires_at):
            layer = turn.workspace.sandbox_layer() if checked.command else ""
            return [
                msgspec.structs.replace(
                    requested,
                    requires_approval=True,
                    approval_id=approval_id,
                    expires_at=expires_at,
                    layer=layer,
                )
            ]
        case Allowed():
            return [requested]


def _review_request(prepared: PreparedCall) -> ReviewRequest:
    return ReviewRequest(
        call=prepared.call,
        risk=prepared.risk,
        protected=prepared.protected,
        preview=prepared.preview,
        paths=prepared.paths,
        command=prepared.command,
    )


async def _execute(
    turn: LiveTurn, task: Task, call: ToolCall, approval: ApprovalRecord | None
) -> ToolResult:
    tools, context = turn.services.tools, turn.tool_context(task, call.id)
    try:
        if _may_have_run(turn, call, approval):
            return ToolResult(ok=False, output=OUTCOME_UNKNOWN)
        prepared = turn.prepared.pop(call.id, None) or await tools.prepare(
            call, turn.agent(task), context, turn.held.turn_id
        )
        if approval is not None and approval.edited_parameters is not None:
            prepared = await tools.with_parameters(prepared, approval.edited_parameters, context)
        if approval is not None:
            # The policy may have asked about a tool that does not: then the gate is for it too.
            prepared = msgspec.structs.replace(prepared, protected=True)
        turn.show("executing", task.agent)
        one_at_a_time = prepared.tool.category is not Category.READ
        async with turn.changing if one_at_a_time else contextlib.nullcontext():
            return await tools.execute(prepared, context)
    except (*_STALE, DatabaseUnavailable):
        raise
    except ApprovalUsed:
        return ToolResult(ok=False, output=OUTCOME_UNKNOWN)
    except CodeLabError as error:
        return ToolResult(ok=False, output=error.message)


def _may_have_run(turn: LiveTurn, call: ToolCall, approval: ApprovalRecord | None) -> bool:
    """Tell whether whoever carried the turn before may have started a call that must not repeat."""
    if approval is not None:
        return approval.used_at is not None
    return call.id not in turn.prepared and not turn.services.tools.get(call.name).repeatable


async def _complete(
    turn: LiveTurn, task: Task, call: ToolCall, result: ToolResult, duration_ms: int = 0
) -> None:
    fact = ToolCallCompleted(
        call_id=call.id,
        tool=call.name,
        ok=result.ok,
        output=result.output,
        truncated=result.truncated,
        duration_ms=duration_ms,
        task_id=task.id,
    )
    await turn.record_surely(fact)


def _failed(task: Task, call: ToolCall, output: str, *, invalid: bool = False) -> ToolCallCompleted:
    return ToolCallCompleted(
        call_id=call.id,
        tool=call.name,
        ok=False,
        output=output,
        invalid_arguments=invalid,
        task_id=task.id,
    )


def _refusal(approval: ApprovalRecord) -> ToolResult:
    if approval.status == "timeout":
        text = "Nobody answered in time, so this was not done. Say what you wanted to do and why."
    elif approval.feedback:
        text = f"The user refused this and said: {approval.feedback}"
    else:
        text = "The user refused this. Do not try the same again; ask or choose another way."
    return ToolResult(ok=False, output=text)


def _readable(arguments: str) -> dict[str, Any]:
    try:
        decoded = msgspec.json.decode(arguments or "{}")
    except msgspec.DecodeError:
        return {"unreadable": arguments[:2000]}
    return decoded if isinstance(decoded, dict) else {"unreadable": arguments[:2000]}

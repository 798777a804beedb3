"""A model's tool calls: checked and reviewed together, then settled one by one."""

from __future__ import annotations

import functools
import time
from collections.abc import Sequence
from typing import Any

import msgspec

from codelab.agents import control
from codelab.agents.attaching import nearest_instructions
from codelab.agents.checkpoints.checkpointing import keep_interrupted, kept
from codelab.agents.errors import CallCutOff
from codelab.agents.live import LiveTurn
from codelab.agents.outcomes import after_answer, failed, not_done, refusal, result_of
from codelab.hitl.api import Allowed, ApprovalRecord, Denied, Pending, ReviewRequest
from codelab.hitl.errors import ApprovalStale as GateStale
from codelab.hitl.errors import ApprovalUsed
from codelab.kit.clock import monotonic_ms
from codelab.kit.db import Transaction
from codelab.kit.errors import CodeLabError, DatabaseUnavailable
from codelab.sdk.facts import CallFacts
from codelab.sdk.messages import ToolCall
from codelab.sdk.tool import Category, Risk, ToolResult
from codelab.sessions.api import Task
from codelab.sessions.events import AnyFact, ContentAttached, Question, ToolCallRequested
from codelab.tools.api import PreparedCall
from codelab.tools.errors import ApprovalStale as CallStale
from codelab.tools.errors import ToolArgumentsInvalid, ToolUnknown
from codelab.workspace.api import LARGEST_KEPT

# What a model has written wrongly and can write better.
_MENDABLE = (CallCutOff, ToolArgumentsInvalid, ToolUnknown)
# Found out by the tools when they look again, or by the gate when digests differ.
_STALE = (CallStale, GateStale)


async def request(
    turn: LiveTurn,
    task: Task,
    calls: Sequence[ToolCall],
    *,
    before: Sequence[AnyFact] = (),
    refused: CodeLabError | None = None,
) -> None:
    """Check the calls, have each reviewed, and commit all of it with what led to them.

    Args:
        turn: The turn.
        task: The task whose agent makes the calls.
        calls: The calls.
        before: What led to them.
        refused: Why none of them may run.
    """
    checked = [(call, refused or await _check(turn, task, call)) for call in calls]

    async def commit() -> list[AnyFact]:
        facts = [*before]
        async with turn.services.db.transaction() as tx:
            for call, outcome in checked:
                facts += await _review(tx, turn, task, call, outcome, "run")
            await turn.write(tx, facts)
        return facts

    # The answer is paid for: a database that blinks must not make it be asked for again.
    turn.take_in(await turn.retried(commit, before[0] if before else None))


async def settle(
    turn: LiveTurn, task: Task, call: ToolCall, approval: ApprovalRecord | None
) -> bool:
    """Bring one call to its result; return false while a human has to answer."""
    requested = task.requested[call.id]
    if requested.requires_approval:
        if approval is None or approval.status == "pending":
            return False
        if approval.status != "approved":
            answer = refusal(requested.question, approval)
            await turn.record_surely(result_of(task, call, answer, refused=True))
            return True
    started = time.monotonic()
    if approval is not None and approval.used_at is not None:
        # Whoever carried the turn before has started it.
        await keep_interrupted(turn, task, call)
        return await _ask_again(turn, task, call, approval, "retry")
    try:
        result, touched = await _execute(turn, task, call, approval, requested.question)
    except ApprovalUsed:
        await keep_interrupted(turn, task, call)
        return await _ask_again(turn, task, call, approval, "retry")
    except _STALE as error:
        if requested.requires_approval:
            return await _ask_again(turn, task, call, approval, requested.question)
        # Nobody has seen it, so there is nobody to show it to once more.
        result, touched = ToolResult(ok=False, output=error.message), ()
    result = after_answer(result, approval)
    facts: list[AnyFact] = [result_of(task, call, result, duration_ms=monotonic_ms(started))]
    if attached := await nearest_instructions(turn, task, touched if result.ok else ()):
        facts.append(ContentAttached(attachments=attached, to=call.id, task_id=task.id))
    if changed := turn.unkept.pop(call.id, None):
        facts.append(changed)
    await turn.record_surely(*facts)
    return True


async def _ask_again(
    turn: LiveTurn,
    task: Task,
    call: ToolCall,
    approval: ApprovalRecord | None,
    question: Question,
) -> bool:
    """Have a call reviewed once more as it was approved; tell whether that settled it."""
    checked = await _check(turn, task, _as_approved(call, approval))
    async with turn.services.db.transaction() as tx:
        facts = await _review(tx, turn, task, call, checked, question, again=True)
        await turn.write(tx, facts)
    turn.take_in(facts)
    return call.id not in task.open_calls


async def _check(turn: LiveTurn, task: Task, call: ToolCall) -> PreparedCall | CodeLabError | None:
    if call.name in control.NAMES:
        return None
    try:
        prepared = await _prepare(turn, task, call)
    except CodeLabError as error:
        return error
    turn.prepared[call.id] = prepared
    return prepared


async def _prepare(turn: LiveTurn, task: Task, call: ToolCall) -> PreparedCall:
    return await turn.services.tools.prepare(
        call, turn.agent(task), turn.tool_context(task, call.id), turn.held.turn_id
    )


def _as_approved(call: ToolCall, approval: ApprovalRecord | None) -> ToolCall:
    """Return the call with the parameters that its approval is for, which a human may have set."""
    if approval is None:
        return call
    effective = msgspec.json.encode(approval.effective_parameters).decode()
    return msgspec.structs.replace(call, arguments=effective)


async def _review(
    tx: Transaction,
    turn: LiveTurn,
    task: Task,
    call: ToolCall,
    checked: PreparedCall | CodeLabError | None,
    question: Question,
    *,
    again: bool = False,
) -> list[AnyFact]:
    requested = ToolCallRequested(
        call_id=call.id,
        tool=call.name,
        agent=task.agent,
        parameters=_readable(call.arguments),
        risk=Risk.LOW,
        question=question,
        task_id=task.id,
    )
    if checked is None:
        return [requested]
    if isinstance(checked, CodeLabError):
        mendable = isinstance(checked, _MENDABLE) and not again
        why = not_done(question, checked.message)
        return [requested, failed(task, call, why, invalid=mendable)]
    requested = msgspec.structs.replace(
        requested,
        parameters=msgspec.json.decode(checked.call.parameters),
        risk=checked.risk,
        preview=checked.preview,
    )
    try:
        wanted = _review_request(turn, checked, question, again=again)
        verdict = await turn.services.hitl.review(tx, wanted, await tx.now())
    except DatabaseUnavailable:
        raise
    except CodeLabError as error:
        return [requested, failed(task, call, not_done(question, error.message))]
    match verdict:
        case Denied(reason=reason):
            return [requested, failed(task, call, not_done(question, reason))]
        case Pending(approval_id=approval_id, reason=reason, expires_at=expires_at, facts=known):
            is_boxed = checked.tool.boxed or checked.command is not None
            layer = turn.workspace.sandbox_layer() if is_boxed else ""
            return [
                msgspec.structs.replace(
                    requested,
                    requires_approval=True,
                    approval_id=approval_id,
                    reason=reason,
                    expires_at=expires_at,
                    layer=layer,
                    facts=known,
                )
            ]
        case Allowed():
            return [requested]


def _review_request(
    turn: LiveTurn, prepared: PreparedCall, question: Question, *, again: bool
) -> ReviewRequest:
    return ReviewRequest(
        call=prepared.call,
        risk=prepared.risk,
        protected=prepared.protected,
        gated=prepared.gated,
        question=question,
        again=again,
        preview=prepared.preview,
        paths=prepared.paths,
        command=prepared.command,
        raised=prepared.raised,
        workspace_id=turn.held.workspace_id,
        root=turn.workspace.root(),
        facts=_with_way_back(turn, prepared.facts),
    )


def _with_way_back(turn: LiveTurn, facts: CallFacts) -> CallFacts:
    """Say whether a checkpoint would bring a file back."""
    if facts.file is None:
        return facts
    restorable = turn.services.keeper is not None and facts.file.size <= LARGEST_KEPT
    return msgspec.structs.replace(
        facts, file=msgspec.structs.replace(facts.file, restorable=restorable)
    )


async def _execute(
    turn: LiveTurn,
    task: Task,
    call: ToolCall,
    approval: ApprovalRecord | None,
    question: Question,
) -> tuple[ToolResult, tuple[str, ...]]:
    """Run a call; return its result and the paths that it touched."""
    tools, context = turn.services.tools, turn.tool_context(task, call.id)
    try:
        prepared = turn.prepared.pop(call.id, None)
        if prepared is None or approval is not None:
            prepared = await _prepare(turn, task, _as_approved(call, approval))
        if approval is not None:
            # The policy may have asked about a tool that does not: then the gate is for it too.
            prepared = msgspec.structs.replace(prepared, gated=True)
        turn.show("executing", task.agent)
        running = functools.partial(tools.execute, prepared, context)
        if prepared.tool.category is Category.READ:
            return await running(), prepared.paths
        async with turn.changing:
            result = await kept(turn, task, prepared, running, read_only=context.read_only)
        return result, prepared.paths
    except (*_STALE, ApprovalUsed, DatabaseUnavailable):
        raise
    except CodeLabError as error:
        return ToolResult(ok=False, output=not_done(question, error.message)), ()


def _readable(arguments: str) -> dict[str, Any]:
    try:
        decoded = msgspec.json.decode(arguments or "{}")
    except msgspec.DecodeError:
        return {"unreadable": arguments[:2000]}
    return decoded if isinstance(decoded, dict) else {"unreadable": arguments[:2000]}

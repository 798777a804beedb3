"""How a turn ends: every call has its result, every approval its answer, then the last word."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import msgspec
import structlog

from codelab.agents.errors import StepLimitReached
from codelab.agents.live import LiveTurn
from codelab.hitl.api import ApprovalRecord
from codelab.kit.crypto import SealBroken
from codelab.kit.errors import CodeLabError
from codelab.sessions.api import TurnState
from codelab.sessions.events import (
    AnyFact,
    PlanUpdated,
    StopReason,
    ToolCallCompleted,
    TurnEnded,
    TurnFailed,
)

_log = structlog.get_logger(__name__)


async def end(turn: LiveTurn, stop_reason: StopReason, error: Exception | None = None) -> None:
    """Commit the end of a turn, whatever state it is in."""
    await turn.settle_writes()
    services, held = turn.services, turn.held
    facts: list[AnyFact] = []
    left_open = bool(turn.unfinished) or any(turn.state.open_calls())
    interrupted = left_open or stop_reason != "end"
    if interrupted:
        facts += await _closing_facts(turn, stop_reason)
    if error is not None:
        facts.append(_failure(error, held.session_id, held.turn_id))
    ended = TurnEnded(
        message_id=turn.state.root.last_message_id,
        stop_reason=stop_reason,
        duration_ms=turn.elapsed_ms(),
        usage=turn.state.usage,
    )
    async with services.db.transaction() as tx:
        if interrupted:
            await services.hitl.cancel_for_turn(tx, held.session_id, held.turn_id)
        await services.turns.end(tx, held, facts, ended, turn.state.root.agent)
    turn.show("error" if error else "idle")


def stop_reason_of(error: Exception) -> StopReason:
    """Say in the protocol's words why an error ended the turn."""
    return "max_steps" if isinstance(error, StepLimitReached) else "error"


async def _closing_facts(turn: LiveTurn, stop_reason: StopReason) -> list[AnyFact]:
    """Return what closes everything that was open when the turn was interrupted."""
    try:
        # A cancelled commit may have gone through: the log knows, our memory does not.
        entries = await turn.load()
    except SealBroken:
        # What cannot be read cannot be gone on with, and must not block the session for good.
        return []
    approvals = await turn.approvals()
    logged = {getattr(entry.fact, "message_id", "") for entry in entries}
    facts: list[AnyFact] = [draft for name, draft in turn.unfinished.items() if name not in logged]
    facts += _results_of_open_calls(turn.state, approvals, stop_reason)
    facts += _given_up(turn.state)
    for fact in facts:
        turn.state.apply(fact)
    return facts


def _results_of_open_calls(
    state: TurnState, approvals: Mapping[str, ApprovalRecord], stop_reason: StopReason
) -> Iterator[AnyFact]:
    why = "The turn was cancelled." if stop_reason == "cancelled" else "The turn ended."
    for task, call in state.open_calls():
        approval = approvals.get(call.id)
        asked_to_retry = task.requested[call.id].question == "retry"
        started = asked_to_retry or (approval is not None and approval.used_at is not None)
        what = "Stopped while it ran; it may be done in part." if started else "Not done."
        yield ToolCallCompleted(
            call_id=call.id, tool=call.name, ok=False, output=f"{what} {why}", task_id=task.id
        )


def _given_up(state: TurnState) -> Iterator[AnyFact]:
    if any(step.status == "running" for step in state.plan):
        yield PlanUpdated(
            steps=tuple(
                msgspec.structs.replace(step, status="failed") if step.status == "running" else step
                for step in state.plan
            )
        )


def _failure(error: Exception, session_id: str, turn_id: str) -> TurnFailed:
    if isinstance(error, CodeLabError):
        return TurnFailed(code=error.code, message=error.message, retryable=error.retryable)
    _log.error("turn_failed", session_id=session_id, turn_id=turn_id, exc_info=error)
    return TurnFailed(
        code="internal",
        message=f"Something went wrong inside CodeLab. The log has the details under {turn_id}.",
        retryable=True,
    )

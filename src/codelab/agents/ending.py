"""How a turn ends: every call has its result, every approval its answer, then the last word."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterator, Sequence

import msgspec
import structlog

from codelab.agents.errors import StepLimitReached, TurnTooLong
from codelab.agents.live import LiveTurn
from codelab.kit.crypto import SealBroken
from codelab.kit.errors import CodeLabError, Unavailable
from codelab.llm.errors import BudgetExhausted
from codelab.sessions.api import TurnState
from codelab.sessions.events import (
    AnyFact,
    AssistantMessageCompleted,
    Entry,
    PlanUpdated,
    StopReason,
    ToolCallCompleted,
    TurnEnded,
    TurnFailed,
    UsageRecorded,
)

_log = structlog.get_logger(__name__)
_TRY_AGAIN_S = 1.0


async def end(turn: LiveTurn, stop_reason: StopReason, error: Exception | None = None) -> None:
    """Commit the end of a turn, whatever state it is in."""
    await turn.settle_writes()
    services, held = turn.services, turn.held
    left_open = any(
        (turn.unfinished, turn.unkept, *turn.unrecorded.values(), *turn.state.open_calls())
    )
    interrupted = left_open or stop_reason != "end"
    facts: list[AnyFact] = []
    if interrupted:
        facts += await _left_over(turn)
    for fact in facts:
        turn.state.apply(fact)
    ended = TurnEnded(
        message_id=turn.state.root.last_message_id,
        stop_reason=stop_reason,
        duration_ms=turn.elapsed_ms(),
        usage=turn.state.usage,
    )
    async with services.db.transaction() as tx:
        if interrupted:
            await services.hitl.cancel_for_turn(tx, held.session_id, held.turn_id)
            started = await services.hitl.started_calls(tx, held.turn_id)
            facts += _results_of_open_calls(turn.state, started, stop_reason)
            facts += _given_up(turn.state)
        if error is not None:
            facts.append(_failure(error, held.session_id, held.turn_id))
        await services.turns.end(tx, held, facts, ended, turn.state.root.agent)
    turn.show("error" if error else "idle")


def stop_reason_of(error: Exception) -> StopReason:
    """Say in the protocol's words why an error ended the turn."""
    if isinstance(error, BudgetExhausted | TurnTooLong):
        return "budget"
    return "max_steps" if isinstance(error, StepLimitReached) else "error"


async def record_used(turn: LiveTurn) -> None:
    """Record what broken-off calls have used and changed, before another replica goes on."""
    if turn.unkept or any(turn.unrecorded.values()):
        facts = (*turn.unkept.values(), *_unrecorded(turn, await turn.load()))
        turn.unkept.clear()
        await turn.record(*facts)


async def disown_used(turn: LiveTurn) -> None:
    """Take what the log will never be told of out of the turn's figures, once that can be done.

    The turn is another's by now: it ends with a figure that does not hold these calls.
    """
    await turn.settle_writes()
    while any(turn.unrecorded.values()):
        try:
            lost = _unrecorded(turn, await turn.load())
            await turn.services.models.take_from_turn([fact.usage_id for fact in lost])
            return
        except Unavailable:
            await asyncio.sleep(_TRY_AGAIN_S)
        except CodeLabError as error:
            _log.error("usage_not_disowned", turn_id=turn.held.turn_id, code=error.code)
            return


async def _left_over(turn: LiveTurn) -> list[AnyFact]:
    """Read the log once more, and return the messages and usages that are not in it."""
    try:
        # A cancelled commit may have gone through: the log knows, our memory does not.
        entries = await turn.load()
    except SealBroken:
        # What cannot be read cannot be gone on with, and must not block the session for good.
        turn.state = TurnState(turn.held.turn_id)
        return []
    logged = {
        entry.fact.message_id
        for entry in entries
        if isinstance(entry.fact, AssistantMessageCompleted)
    }
    drafts = [draft for name, draft in turn.unfinished.items() if name not in logged]
    return [*drafts, *_unrecorded(turn, entries), *turn.unkept.values()]


def _unrecorded(turn: LiveTurn, entries: Sequence[Entry]) -> list[UsageRecorded]:
    logged = {entry.fact.usage_id for entry in entries if isinstance(entry.fact, UsageRecorded)}
    return [
        fact for used in turn.unrecorded.values() for fact in used if fact.usage_id not in logged
    ]


def _results_of_open_calls(
    state: TurnState, started: Collection[str], stop_reason: StopReason
) -> Iterator[AnyFact]:
    why = "The turn was cancelled." if stop_reason == "cancelled" else "The turn ended."
    for task, call in state.open_calls():
        begun = "Stopped while it ran; it may be done in part."
        what = begun if call.id in started else "Not done."
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

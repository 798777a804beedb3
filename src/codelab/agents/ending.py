"""How a turn ends: every call has its result, every approval its answer, then the last word."""

from __future__ import annotations

from collections.abc import Sequence

import structlog

from codelab.agents.errors import StepLimitReached
from codelab.agents.live import LiveTurn
from codelab.kit.errors import CodeLabError
from codelab.sessions.api import TurnState, replay
from codelab.sessions.events import (
    AnyFact,
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
    # A cancelled commit may have gone through: the log knows, our memory does not.
    entries = await services.turns.entries(held.session_id, held.turn_id)
    state = replay(held.turn_id, (entry.fact for entry in entries))
    facts = [*turn.unfinished, *_results_of_open_calls(state, stop_reason)]
    if error is not None:
        facts.append(_failure(error, held.session_id, held.turn_id))
    ended = TurnEnded(
        message_id=state.root.last_message_id,
        stop_reason=stop_reason,
        duration_ms=turn.elapsed_ms(),
        usage=state.usage,
    )
    async with services.db.transaction() as tx:
        await services.hitl.cancel_for_turn(tx, held.session_id, held.turn_id)
        await services.turns.end(tx, held, facts, ended, state.root.agent)
    turn.show("error" if error else "idle")


def stop_reason_of(error: Exception) -> StopReason:
    """Say in the protocol's words why an error ended the turn."""
    return "max_steps" if isinstance(error, StepLimitReached) else "error"


def _results_of_open_calls(state: TurnState, stop_reason: StopReason) -> Sequence[AnyFact]:
    why = "The turn was cancelled." if stop_reason == "cancelled" else "The turn ended."
    return [
        ToolCallCompleted(
            call_id=call.id,
            tool=call.name,
            ok=False,
            output=f"Not done. {why}",
            task_id=task.id,
        )
        for task in state.tasks.values()
        for call in task.open_calls.values()
    ]


def _failure(error: Exception, session_id: str, turn_id: str) -> TurnFailed:
    if isinstance(error, CodeLabError):
        return TurnFailed(code=error.code, message=error.message, retryable=error.retryable)
    _log.error("turn_failed", session_id=session_id, turn_id=turn_id, exc_info=error)
    return TurnFailed(
        code="internal",
        message=f"Something went wrong inside CodeLab. The log has the details under {turn_id}.",
        retryable=True,
    )

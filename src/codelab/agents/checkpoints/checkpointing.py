"""Checkpoints of a turn: before its first change, and after each call that changes files.

What cannot be kept stops nobody: the call runs, and the user is told, once in a turn, that what it
does cannot be undone here.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

from codelab.agents.checkpoints.keeping import Keeper, Watch, named, reason_of
from codelab.agents.live import LiveTurn
from codelab.kit.errors import CodeLabError, DatabaseUnavailable
from codelab.sdk.messages import ToolCall
from codelab.sdk.tool import Category, ToolResult
from codelab.sessions.api import Task
from codelab.sessions.errors import LeaseLost
from codelab.sessions.events import CheckpointMissed, CheckpointTaken
from codelab.tools.api import PreparedCall


async def kept(
    turn: LiveTurn,
    task: Task,
    prepared: PreparedCall,
    run: Callable[[], Awaitable[ToolResult]],
    *,
    read_only: bool,
) -> ToolResult:
    """Have a call run, and keep what it changes; nothing else of the turn runs meanwhile.

    Args:
        turn: The turn.
        task: The task whose agent makes the call.
        prepared: The call.
        run: Runs it; what it raises means that it did not run.
        read_only: Whether its commands may not write.
    """
    if not _may_change(prepared, read_only=read_only):
        return await run()
    keeper = turn.services.keeper
    watch = await _begin(turn, keeper, prepared) if keeper else None
    if keeper is None or watch is None:
        try:
            return await run()
        finally:
            turn.changed(_touched(prepared))
    try:
        result = await run()
    except asyncio.CancelledError:
        # What it has done until then is done.
        await turn.surely(_finish(turn, task, keeper, watch, prepared))
        raise
    except BaseException:
        keeper.drop(watch)
        raise
    await turn.surely(_finish(turn, task, keeper, watch, prepared))
    return result


async def keep_interrupted(turn: LiveTurn, task: Task, call: ToolCall) -> None:
    """Note what has changed around a call that was started before a crash.

    Nobody knows whose changes they are, so that no way back may touch them.
    """
    keeper, held = turn.services.keeper, turn.held
    earlier = turn.state.checkpoints
    if keeper is None or not earlier or any(one.call_id == call.id for one in earlier):
        return
    root = Path(turn.workspace.root())
    try:
        async with turn.changing:
            found = await keeper.since(held.workspace_id, root, held.session_id, earlier)
    except (CodeLabError, OSError) as error:
        _miss(turn, call.id, error)
        return
    if found.changes:
        await turn.record(
            CheckpointTaken(
                checkpoint_id=found.snapshot_id,
                base_id=found.base_id,
                tool=call.name,
                call_id=call.id,
                changes=found.changes,
                agent=task.agent,
                task_id=task.id,
            )
        )


def _may_change(prepared: PreparedCall, *, read_only: bool) -> bool:
    category = prepared.tool.category
    return category is Category.WRITE or (category is Category.RUN and not read_only)


def _touched(prepared: PreparedCall) -> tuple[str, ...]:
    """Return the files that a call touches; none where it runs programs, which touch any."""
    return () if prepared.tool.boxed else prepared.paths


async def _begin(turn: LiveTurn, keeper: Keeper, prepared: PreparedCall) -> Watch | None:
    held, root = turn.held, Path(turn.workspace.root())
    if not turn.state.checkpoints and _has_missed(turn):
        # It may have taken a minute to find out, and nothing has changed since.
        return None
    is_first = not turn.state.checkpoints
    try:
        watch = await keeper.begin(
            held.workspace_id, root, held.session_id, prepared.paths, whole=is_first
        )
        if is_first:
            await _record_first(turn, keeper, watch)
        return watch
    except (DatabaseUnavailable, LeaseLost):
        raise
    except (CodeLabError, OSError) as error:
        _miss(turn, prepared.call.call_id, error)
        return None


async def _record_first(turn: LiveTurn, keeper: Keeper, watch: Watch) -> None:
    before = watch.before
    fact = CheckpointTaken(checkpoint_id=before.id, left_out=named(before.left_out))
    try:
        await turn.record(fact)
    except BaseException:
        keeper.drop(watch)
        raise


async def _finish(
    turn: LiveTurn, task: Task, keeper: Keeper, watch: Watch, prepared: PreparedCall
) -> None:
    call = prepared.call
    try:
        found = await keeper.finish(watch)
    except (CodeLabError, OSError) as error:
        turn.changed(_touched(prepared))
        _miss(turn, call.call_id, error)
        return
    if changed := [change.path for change in found.changes]:
        turn.changed(changed)
    elif prepared.command is None or found.left_out:
        # It may have changed what git knows, or what is not kept.
        turn.changed(_touched(prepared))
    if found.changes or found.left_out:
        turn.unkept[call.call_id] = CheckpointTaken(
            checkpoint_id=found.snapshot_id,
            base_id=found.base_id,
            agent=call.agent,
            tool=call.tool,
            call_id=call.call_id,
            changes=found.changes,
            folders=found.folders,
            left_out=found.left_out,
            task_id=task.id,
        )


def _miss(turn: LiveTurn, call_id: str, error: Exception) -> None:
    if not _has_missed(turn):
        turn.unkept[call_id] = CheckpointMissed(reason=reason_of(error), call_id=call_id)


def _has_missed(turn: LiveTurn) -> bool:
    waiting = any(isinstance(fact, CheckpointMissed) for fact in turn.unkept.values())
    return waiting or turn.state.missed_checkpoint

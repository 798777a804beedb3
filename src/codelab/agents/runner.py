"""Carries turns forward: starts them, resumes them after an answer, takes over, cancels."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Coroutine
from functools import partial
from typing import Any

import msgspec
import structlog

from codelab.agents.carried import Carried
from codelab.agents.ending import disown_used, end, record_used, stop_reason_of
from codelab.agents.errors import TurnTooLong
from codelab.agents.live import LiveTurn, Services
from codelab.agents.loop import run_turn
from codelab.hitl.events import ApprovalResolved
from codelab.kit.bus import Bus
from codelab.kit.errors import CodeLabError, DatabaseUnavailable
from codelab.sessions.api import Lease
from codelab.sessions.errors import LeaseLost
from codelab.sessions.events import Entry, TurnCancelRequested, TurnLetGo, TurnStarted
from codelab.workspace.api import Audience, Workspaces

_log = structlog.get_logger(__name__)
_DISOWNED_WITHIN_S = 3.0


class Pace(msgspec.Struct, frozen=True, kw_only=True):
    """How often the runner looks after its turns, and how patient it is at the end.

    Args:
        heartbeat_s: The pause between two renewals of all leases, far below a lease's length.
        sweep_s: The pause between two searches for turns that nobody carries forward.
        drain_s: How long running turns may go on when the process is to end.
    """

    heartbeat_s: float = 1.0
    sweep_s: float = 1.0
    drain_s: float = 20.0


class Runner:
    """The turns that this replica carries forward.

    A turn that waits for a human is not among them: it is a row, and whichever replica hears
    the answer takes it up again.
    """

    def __init__(
        self, services: Services, workspaces: Workspaces, *, pace: Pace | None = None
    ) -> None:
        self._services = services
        self._workspaces = workspaces
        self._pace = pace or Pace()
        self._running: dict[str, Carried] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._called_for: set[str] = set()
        self._background: list[asyncio.Task[None]] = []
        self._resuming: set[asyncio.Task[None]] = set()
        self._disowning: set[asyncio.Task[None]] = set()
        self._drained_at: float | None = None

    @property
    def running(self) -> int:
        """How many turns are carried forward here right now."""
        return len(self._running)

    async def start(self, bus: Bus) -> None:
        """Begin to listen for turns, and to look after those that nobody carries forward."""
        bus.subscribe(TurnStarted, self._on_started)
        bus.subscribe(TurnCancelRequested, self._on_cancel)
        bus.subscribe(ApprovalResolved, self._on_resolved)
        pace, hitl = self._pace, self._services.hitl
        self._background = [
            asyncio.create_task(_every(pace.heartbeat_s, self._heartbeat)),
            asyncio.create_task(_every(pace.sweep_s, self._sweep)),
            asyncio.create_task(_every(pace.sweep_s, hitl.expire_due)),
        ]

    async def close(self) -> None:
        """Let running turns finish for a while, then hand the others over to whoever is left.

        Called twice, it waits no longer than once: a turn that came in between has what is left.
        """
        now = asyncio.get_running_loop().time()
        if self._drained_at is None:
            self._drained_at = now + self._pace.drain_s
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=max(0.0, self._drained_at - now))
        # The heartbeat first: it must not renew what is handed over.
        for task in self._background:
            task.cancel()
        await asyncio.gather(*self._background, *self._resuming, return_exceptions=True)
        for carried in self._running.values():
            carried.interrupt("let_go")
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._disowning:
            # Without a database they would go on for ever.
            _, waiting = await asyncio.wait(self._disowning, timeout=_DISOWNED_WITHIN_S)
            for task in waiting:
                task.cancel()
            await asyncio.gather(*waiting, return_exceptions=True)

    def _on_started(self, event: TurnStarted) -> None:
        self._spawn(event.held, (event.opening,))

    def _on_resolved(self, event: ApprovalResolved) -> None:
        self._resume_soon(event.session_id)

    def _on_cancel(self, event: TurnCancelRequested) -> None:
        carried = self._running.get(event.session_id)
        if carried and carried.held.turn_id == event.turn_id:
            carried.interrupt("cancelled")
        else:
            self._resume_soon(event.session_id)

    def _resume_soon(self, session_id: str) -> None:
        task = asyncio.create_task(self._resume(session_id))
        self._resuming.add(task)
        task.add_done_callback(self._resuming.discard)

    async def _resume(self, session_id: str) -> None:
        if self._drained_at is not None:
            return
        if session_id in self._running:
            # Whoever carries it may be past looking at answers: look again when it is let go.
            self._called_for.add(session_id)
            return
        with contextlib.suppress(DatabaseUnavailable):
            held = await self._services.turns.take_lease(session_id)
            if held is not None:
                self._spawn(held, ())

    def _disown_soon(self, turn: LiveTurn) -> None:
        task = asyncio.create_task(disown_used(turn))
        self._disowning.add(task)
        task.add_done_callback(self._disowning.discard)

    def _spawn(self, held: Lease, entries: tuple[Entry, ...]) -> None:
        carried = Carried(held)
        task = asyncio.create_task(self._run(carried, entries))
        self._running[held.session_id] = carried
        self._tasks.add(task)
        task.add_done_callback(lambda done: self._finished(carried, done))

    def _finished(self, carried: Carried, done: asyncio.Task[None]) -> None:
        session_id = carried.session_id
        self._tasks.discard(done)
        if self._running.get(session_id) is carried:
            del self._running[session_id]
            self._services.bus.publish(TurnLetGo(session_id=session_id))
        # A cancellation may have come too late for the work: then the turn waits, and is ended
        # from there.
        if session_id in self._called_for or carried.interrupted == "cancelled":
            self._called_for.discard(session_id)
            self._resume_soon(session_id)
        if not done.cancelled() and (error := done.exception()):
            # The lease runs out by itself, and the sweeper of any replica takes the turn up.
            _log.error("turn_dropped", session_id=session_id, exc_info=error)

    async def _run(self, carried: Carried, entries: tuple[Entry, ...]) -> None:
        try:
            held: Lease | None = carried.held
            while held is not None:
                carried.held = held
                held = await self._carry(carried, entries)
                entries = ()
        except LeaseLost:
            _log.info("turn_taken_over", session_id=carried.session_id)

    async def _carry(self, carried: Carried, entries: tuple[Entry, ...]) -> Lease | None:
        """Carry a turn as far as it goes; return a new lease when it can go on at once."""
        turn = LiveTurn(self._services, carried.held)
        try:
            return await self._carry_on(turn, carried, entries)
        except Exception:
            # It is out of our hands, and what it has used is not in its log.
            self._disown_soon(turn)
            raise

    async def _carry_on(
        self, turn: LiveTurn, carried: Carried, entries: tuple[Entry, ...]
    ) -> Lease | None:
        if carried.held.cancel_requested:
            carried.interrupt("cancelled")
        conclusion: Coroutine[Any, Any, Lease | None]
        try:
            is_over = await carried.work(self._advance(turn, entries))
            conclusion = end(turn, "end") if is_over else self._wait(turn)
        except asyncio.CancelledError as error:
            conclusion = self._conclude_interrupted(turn, carried, error)
        except (LeaseLost, DatabaseUnavailable):
            raise
        except Exception as error:
            conclusion = end(turn, stop_reason_of(error), error)
        return await conclusion

    def _conclude_interrupted(
        self, turn: LiveTurn, carried: Carried, error: asyncio.CancelledError
    ) -> Coroutine[Any, Any, None]:
        if carried.interrupted == "cancelled":
            return end(turn, "cancelled")
        current = asyncio.current_task()
        if carried.interrupted is None and not (current and current.cancelling()):
            # Nobody asked for it: something inside has cancelled itself, and would do so again.
            return end(turn, "error", RuntimeError(f"cancelled by itself: {error!r}"))
        return self._hand_over(turn)

    async def _advance(self, turn: LiveTurn, entries: tuple[Entry, ...]) -> bool:
        if self._services.retrieval:
            # What its agents will look for is indexed while the model is asked.
            self._services.retrieval.open(turn.held.workspace_id)
        _, turn.workspace = await asyncio.gather(
            turn.recall(entries), self._workspaces.open(turn.held.workspace_id)
        )
        turn.users_view = partial(
            self._workspaces.open, turn.held.workspace_id, audience=Audience.SHOWING
        )
        limit_s = self._services.turn_time_s
        left_s = limit_s - turn.worked_s
        if left_s <= 0:
            raise _too_long(limit_s)
        try:
            async with asyncio.timeout(left_s) as bound:
                return await run_turn(turn)
        except TimeoutError as error:
            if bound.expired():
                raise _too_long(limit_s) from error
            raise
        finally:
            # It knows this task, whose error knows this frame: they would keep each other, and
            # long answers with them, until somebody collects garbage.
            del bound

    async def _hand_over(self, turn: LiveTurn) -> None:
        """Leave the turn, at a shutdown, to another replica or the next start."""
        await turn.settle_writes()
        await record_used(turn)
        await self._services.turns.abandon_lease(turn.held)

    async def _wait(self, turn: LiveTurn) -> Lease | None:
        turns = self._services.turns
        await record_used(turn)
        turn.show("waiting", turn.state.root.agent)
        was_cancelled = await turns.release_lease(turn.held)
        # An answer that came while the lease was still ours found nobody to take the turn up.
        approvals = await turn.approvals()
        asked = [approvals[call.id] for _, call in turn.state.open_calls() if call.id in approvals]
        if not was_cancelled and all(approval.status == "pending" for approval in asked):
            return None
        return await turns.take_lease(turn.held.session_id)

    async def _heartbeat(self) -> None:
        if not self._running:
            return
        working = [(c, c.held) for c in self._running.values() if c.is_working]
        owned = await self._services.turns.renew_leases(tuple(self._running))
        for carried, held in working:
            # Meanwhile it may have come to its end, or go on under another lease.
            if not carried.is_working or carried.held is not held:
                continue
            current = owned.get(held.session_id)
            if current is None or current.generation != held.generation:
                carried.interrupt("let_go")
            elif current.cancel_requested:
                carried.interrupt("cancelled")

    async def _sweep(self) -> None:
        found = await self._services.turns.unowned()
        waiting = [turn.turn_id for turn in found if not turn.is_orphan]
        undecided = await self._services.hitl.pending_turns(waiting)
        for turn in found:
            if turn.turn_id not in undecided:
                self._resume_soon(turn.session_id)


def _too_long(limit_s: float) -> TurnTooLong:
    return TurnTooLong(
        f"This turn was worked on for {limit_s / 60:g} minutes, which is the limit. What was done "
        "stays. Send a message to go on."
    )


async def _every(interval_s: float, work: Callable[[], Awaitable[object]]) -> None:
    """Do the work again and again; a failure is logged and the next round tries again."""
    while True:
        await asyncio.sleep(interval_s)
        try:
            await work()
        except CodeLabError as error:
            _log.warning("background_work_failed", work=work.__qualname__, code=error.code)
        except Exception:
            _log.exception("background_work_failed", work=work.__qualname__)

"""Carries turns forward: starts them, resumes them after an answer, takes over, cancels."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable

import structlog

from codelab.agents.context import earlier_messages
from codelab.agents.ending import end, stop_reason_of
from codelab.agents.live import LiveTurn, Services
from codelab.agents.loop import run_turn
from codelab.hitl.events import ApprovalResolved
from codelab.kit.bus import Bus
from codelab.kit.errors import CodeLabError, DatabaseUnavailable
from codelab.sessions.api import Lease, replay
from codelab.sessions.errors import LeaseLost
from codelab.sessions.events import (
    AgentChosen,
    Entry,
    TurnCancelRequested,
    TurnStarted,
)
from codelab.workspace.api import Workspaces

_HEARTBEAT_S = 1.0
_SWEEP_S = 1.0
_DRAIN_S = 20.0
_log = structlog.get_logger(__name__)


class Runner:
    """The turns that this replica carries forward.

    A turn that waits for a human is not among them: it is a row, and whichever replica hears
    the answer takes it up again.
    """

    def __init__(self, services: Services, workspaces: Workspaces) -> None:
        self._services = services
        self._workspaces = workspaces
        self._running: dict[str, asyncio.Task[None]] = {}
        self._cancelled: set[str] = set()
        self._background: list[asyncio.Task[None]] = []
        self._resuming: set[asyncio.Task[None]] = set()
        self._closing = False

    @property
    def running(self) -> int:
        """How many turns are carried forward here right now."""
        return len(self._running)

    async def start(self, bus: Bus) -> None:
        """Begin to listen for turns, and to look after those that nobody carries forward."""
        bus.subscribe(TurnStarted, self._on_started)
        bus.subscribe(TurnCancelRequested, self._on_cancel)
        bus.subscribe(ApprovalResolved, self._on_resolved)
        self._background = [
            asyncio.create_task(_every(_HEARTBEAT_S, self._heartbeat)),
            asyncio.create_task(_every(_SWEEP_S, self._sweep)),
        ]

    async def close(self) -> None:
        """Let running turns finish for a while, then hand the others over to whoever is left."""
        self._closing = True
        for task in self._background[1:]:
            task.cancel()
        if self._running:
            await asyncio.wait(self._running.values(), timeout=_DRAIN_S)
        for task in (*self._background, *self._resuming, *self._running.values()):
            task.cancel()
        left = (*self._background, *self._resuming, *self._running.values())
        await asyncio.gather(*left, return_exceptions=True)

    def _on_started(self, event: TurnStarted) -> None:
        self._spawn(event.held, (event.opening,))

    def _on_resolved(self, event: ApprovalResolved) -> None:
        self._resume_soon(event.session_id)

    def _on_cancel(self, event: TurnCancelRequested) -> None:
        running = self._running.get(event.session_id)
        if running is None:
            self._resume_soon(event.session_id)
        elif event.session_id not in self._cancelled:
            self._cancelled.add(event.session_id)
            running.cancel()

    def _resume_soon(self, session_id: str) -> None:
        task = asyncio.create_task(self._resume(session_id))
        self._resuming.add(task)
        task.add_done_callback(self._resuming.discard)

    async def _resume(self, session_id: str) -> None:
        if self._closing or session_id in self._running:
            return
        with contextlib.suppress(DatabaseUnavailable):
            held = await self._services.turns.take_lease(session_id)
            if held is not None:
                self._spawn(held, None)

    def _spawn(self, held: Lease, entries: tuple[Entry, ...] | None) -> None:
        task = asyncio.create_task(self._run(held, entries))
        self._running[held.session_id] = task
        task.add_done_callback(lambda done: self._finished(held.session_id, done))

    def _finished(self, session_id: str, done: asyncio.Task[None]) -> None:
        if self._running.get(session_id) is done:
            del self._running[session_id]
        self._cancelled.discard(session_id)
        if not done.cancelled() and (error := done.exception()):
            # The lease runs out by itself, and the sweeper of any replica takes the turn up.
            _log.error("turn_dropped", session_id=session_id, exc_info=error)

    async def _run(self, held: Lease, entries: tuple[Entry, ...] | None) -> None:
        try:
            lease: Lease | None = held
            while lease is not None:
                lease = await self._carry(lease, entries)
                entries = None
        except LeaseLost:
            _log.info("turn_taken_over", session_id=held.session_id, turn_id=held.turn_id)

    async def _carry(self, held: Lease, entries: tuple[Entry, ...] | None) -> Lease | None:
        """Carry a turn as far as it goes; return a new lease when it can go on at once."""
        turn = await self._load(held, entries)
        if held.cancel_requested:
            await end(turn, "cancelled")
            return None
        try:
            turn.workspace = await self._workspaces.open(held.workspace_id)
            over = await run_turn(turn)
        except asyncio.CancelledError:
            await self._cancel(turn)
            return None
        except (LeaseLost, DatabaseUnavailable):
            raise
        except Exception as error:
            await end(turn, stop_reason_of(error), error)
            return None
        if over:
            await end(turn, "end")
            return None
        return await self._wait(turn)

    async def _cancel(self, turn: LiveTurn) -> None:
        if turn.held.session_id in self._cancelled:
            await end(turn, "cancelled")
            return
        # Not the user's wish but a shutdown: another replica, or the next start, goes on.
        await turn.settle_writes()
        await self._services.turns.release_lease(turn.held)

    async def _wait(self, turn: LiveTurn) -> Lease | None:
        turns = self._services.turns
        turn.show("waiting", turn.state.root.agent)
        await turns.release_lease(turn.held)
        # An answer that came while the lease was still ours found nobody to take the turn up.
        approvals = await turn.approvals()
        waiting = [
            approvals[call_id]
            for task in turn.state.tasks.values()
            for call_id in task.open_calls
            if call_id in approvals
        ]
        if all(approval.status == "pending" for approval in waiting):
            return None
        return await turns.take_lease(turn.held.session_id)

    async def _load(self, held: Lease, entries: tuple[Entry, ...] | None) -> LiveTurn:
        turns = self._services.turns
        if entries is None:
            entries = tuple(await turns.entries(held.session_id, held.turn_id))
        state = replay(held.turn_id, (entry.fact for entry in entries))
        earlier: list[Entry] = []
        if entries[0].seq > 1:
            earlier = await turns.conversation(held.session_id, held.turn_id)
        chosen = [entry.fact.agent for entry in earlier if isinstance(entry.fact, AgentChosen)]
        return LiveTurn(
            self._services,
            held,
            state,
            history=earlier_messages(earlier),
            previous_agent=chosen[-1] if chosen else None,
        )

    async def _heartbeat(self) -> None:
        if not self._running:
            return
        owned = await self._services.turns.renew_leases(tuple(self._running))
        for session_id, task in list(self._running.items()):
            held = owned.get(session_id)
            if held is None:
                # Overtaken, or just finished: either way there is nothing left to do here.
                task.cancel()
            elif held.cancel_requested and session_id not in self._cancelled:
                self._cancelled.add(session_id)
                task.cancel()

    async def _sweep(self) -> None:
        await self._services.hitl.expire_due()
        waiting = await self._services.turns.unowned()
        undecided = await self._services.hitl.pending_turns([turn for _, turn in waiting])
        for session_id, turn_id in waiting:
            if turn_id not in undecided:
                self._resume_soon(session_id)


async def _every(interval_s: float, work: Callable[[], Awaitable[None]]) -> None:
    """Do the work again and again; a failure is logged and the next round tries again."""
    while True:
        await asyncio.sleep(interval_s)
        try:
            await work()
        except CodeLabError as error:
            _log.warning("background_work_failed", work=work.__qualname__, code=error.code)
        except Exception:
            _log.exception("background_work_failed", work=work.__qualname__)

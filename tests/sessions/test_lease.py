"""Leases as a state machine: whatever replicas do, in whatever order, one at most can write."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from codelab.sessions.api import Lease
from codelab.sessions.errors import LeaseLost, TurnInProgress
from codelab.sessions.events import TurnFailed, TurnStarted
from tests.sessions.desk import Desk

REPLICAS = st.integers(min_value=0, max_value=2)


class Leases(RuleBasedStateMachine):
    """Three replicas, one session; the model is who holds the lease and with which generation."""

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.Runner()
        self.folder = TemporaryDirectory()
        path = Path(self.folder.name)
        self.desk = Desk(f"sqlite+aiosqlite:///{path / 'leases.sqlite3'}", path)
        for _ in range(3):
            self.desk.office()
        self.run(self.desk.prepare())
        # Every lease that a replica ever held, by replica; and the one that counts.
        self.believed: list[list[Lease]] = [[], [], []]
        self.real: Lease | None = None
        self.owner: int | None = None
        self.has_run_out = False
        self.turn_runs = False
        self.written = 0

    def run(self, work: Coroutine[Any, Any, Any]) -> Any:
        """Run to the end."""
        return self.loop.run(work)

    def teardown(self) -> None:
        """Close everything."""
        for office in self.desk.offices:
            self.run(office.close())
        self.loop.close()
        self.folder.cleanup()

    def got(self, replica: int, lease: Lease) -> None:
        """Note that a replica got the lease."""
        self.believed[replica].append(lease)
        self.real, self.owner, self.has_run_out = lease, replica, False

    @rule(replica=REPLICAS)
    def start(self, replica: int) -> None:
        """Start a turn, if none runs."""
        office = self.desk.offices[replica]
        try:
            turn = self.run(self.desk.start(at=office))
        except TurnInProgress:
            assert self.turn_runs
            return
        assert not self.turn_runs
        self.turn_runs = True
        self.written += 1
        started = office.events(TurnStarted)[-1]
        assert started.turn_id == turn.turn_id
        self.got(replica, started.held)

    @rule(replica=REPLICAS)
    def take(self, replica: int) -> None:
        """Take the lease, if nobody has it."""
        taken = self.run(self.desk.offices[replica].turns.take_lease(self.desk.session_id))
        free = self.turn_runs and (self.owner is None or self.has_run_out)
        assert (taken is not None) == free
        if taken is not None:
            self.got(replica, taken)

    @rule(replica=REPLICAS)
    def renew(self, replica: int) -> None:
        """Renew, if it is one's own."""
        renewed = self.run(self.desk.offices[replica].turns.renew_leases([self.desk.session_id]))
        assert bool(renewed) == (self.owner == replica)
        if renewed:
            self.has_run_out = False

    @precondition(lambda self: self.owner is not None)
    @rule()
    def run_out(self) -> None:
        """Let time go by."""
        self.run(self.desk.run_out())
        self.has_run_out = True

    @precondition(lambda self: any(self.believed))
    @rule(data=st.data())
    def write(self, data: st.DataObject) -> None:
        """Write with any lease that was ever held: only the last one that was taken may."""
        replica, lease = self.any_lease(data)
        fact = TurnFailed(code="x", message="y")

        async def append() -> None:
            office = self.desk.offices[replica]
            async with office.db.transaction() as tx:
                await office.turns.append(tx, lease.session_id, lease.turn_id, [fact], held=lease)

        assert self.succeeds(append()) == (lease == self.real)
        self.written += lease == self.real

    @precondition(lambda self: any(self.believed))
    @rule(data=st.data())
    def release(self, data: st.DataObject) -> None:
        """Give any lease back."""
        replica, lease = self.any_lease(data)
        released = self.succeeds(self.desk.offices[replica].turns.release_lease(lease))
        assert released == (lease == self.real)
        if released:
            self.owner = None

    @precondition(lambda self: any(self.believed))
    @rule(data=st.data())
    def abandon(self, data: st.DataObject) -> None:
        """End any lease at once."""
        replica, lease = self.any_lease(data)
        abandoned = self.succeeds(self.desk.offices[replica].turns.abandon_lease(lease))
        assert abandoned == (lease == self.real)
        if abandoned:
            self.has_run_out = True

    @precondition(lambda self: self.turn_runs)
    @rule(data=st.data())
    def end(self, data: st.DataObject) -> None:
        """End the turn with any lease."""
        replica, lease = self.any_lease(data)
        ended = self.succeeds(self.desk.offices[replica].end(lease))
        assert ended == (lease == self.real)
        if ended:
            self.written += 1
            self.turn_runs, self.owner = False, None

    @invariant()
    def the_log_has_no_gap(self) -> None:
        """Everything that was allowed is there, in order, and nothing else."""
        entries = self.run(self.desk.log())
        assert [entry.seq for entry in entries] == list(range(1, self.written + 1))

    def any_lease(self, data: st.DataObject) -> tuple[int, Lease]:
        """Draw one of the leases that were ever held."""
        known = [(number, one) for number, leases in enumerate(self.believed) for one in leases]
        return data.draw(st.sampled_from(known))

    def succeeds(self, work: Coroutine[Any, Any, object]) -> bool:
        """Tell whether it was allowed."""
        try:
            self.run(work)
        except LeaseLost:
            return False
        return True


Leases.TestCase.settings = settings(max_examples=15, stateful_step_count=25)
TestLeases = Leases.TestCase

"""Turns as their runner sees them: appending facts under a lease, ending, taking over."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from codelab.kit.clock import utc_now
from codelab.kit.crypto import Cipher
from codelab.kit.db import Database, Transaction
from codelab.sessions import lease
from codelab.sessions.between import MARKS
from codelab.sessions.conversation import Earlier, conversation_of, in_force
from codelab.sessions.errors import LeaseLost, SessionNotFound
from codelab.sessions.events import (
    AgentChosen,
    AnyFact,
    Entry,
    FactsRecorded,
    TurnClosed,
    TurnEnded,
    UserMessageReceived,
)
from codelab.sessions.lease import Lease, Unowned
from codelab.sessions.log import SessionLog
from codelab.sessions.models import sessions
from codelab.sessions.repository import SessionRepository
from codelab.sessions.rewinding import counting, in_force_of

# Entries of earlier turns that are read at all; compaction hides them long before.
_LONGEST = 10_000


class Turns:
    """The running turns of all sessions.

    Args:
        db: The database.
        cipher: Seals what users and models wrote.
        replica: This process's own identifier, which leases name.
    """

    def __init__(self, db: Database, cipher: Cipher, *, replica: str) -> None:
        self._db = db
        self._replica = replica
        self._repository = SessionRepository(cipher)
        self._log = SessionLog(cipher)

    async def entries(self, session_id: str, turn_id: str) -> list[Entry]:
        """Return the log of one turn, for whoever carries it forward."""
        async with self._db.read() as db:
            return await self._log.of_turn(db, session_id, turn_id)

    async def earlier(self, session_id: str, before_turn: str = "") -> Earlier:
        """Return what earlier turns leave to a turn, for whoever carries it forward."""
        async with self._db.read() as db:
            marks = await self._log.of_kinds(db, session_id, *MARKS)
            force = in_force_of(marks)
            # What happened between turns is of all of them.
            marks = [one for one in marks if not one.turn_id or one.turn_id != before_turn]
            marks = counting(marks, force)
            compactions = tuple(fact for _, fact in in_force(marks))
            hidden = max((one.hidden_through_seq for one in compactions), default=0)
            said = await self._log.conversation(db, session_id, before_turn, hidden, _LONGEST)
            chosen = await self._log.chosen(db, session_id, before_turn)
        agents = [one.fact.agent for one in chosen if isinstance(one.fact, AgentChosen)]
        return Earlier(
            said=conversation_of(counting(said, force)),
            compactions=compactions,
            agent=agents[-1] if agents else None,
        )

    async def origin_of(self, session_id: str, turn_id: str) -> tuple[str, str]:
        """Return the workspace that a turn works on, and the name of the user who asked.

        Raises:
            SessionNotFound: There is no such session.
        """
        async with self._db.read() as db:
            record = await self._repository.get(db, session_id)
            opening = await self._log.of_turn(db, session_id, turn_id, limit=1)
        if record is None:
            raise SessionNotFound("There is no such session.")
        asked = [one.fact.by for one in opening if isinstance(one.fact, UserMessageReceived)]
        return record.workspace_id, "".join(asked)

    async def known(self, session_ids: Collection[str]) -> frozenset[str]:
        """Return those of these sessions that there still are."""
        query = sa.select(sessions.c.id).where(sessions.c.id.in_(session_ids))
        async with self._db.read() as db:
            return frozenset(await db.scalars(query))

    async def append(
        self,
        tx: Transaction,
        session_id: str,
        turn_id: str,
        facts: Sequence[AnyFact],
        *,
        held: Lease | None = None,
    ) -> tuple[Entry, ...]:
        """Append facts within a transaction; they are published after its commit.

        Args:
            tx: The transaction.
            session_id: The session.
            turn_id: The turn that the facts belong to.
            facts: What happened, in order.
            held: The lease that entitles the writer; none for an answer from outside, which
                whoever takes the lease next has to look at.

        Raises:
            LeaseLost: The lease was overtaken; nothing was written.
            SessionNotFound: The session was deleted meanwhile.
        """
        changes = {} if held else {"has_answer": True}
        return await self._append(tx, session_id, turn_id, facts, held, changes)

    async def end(
        self, tx: Transaction, held: Lease, facts: Sequence[AnyFact], ended: TurnEnded, agent: str
    ) -> None:
        """Append the last facts of a turn and free its session for the next one.

        Raises:
            LeaseLost: The lease was overtaken; nothing was written.
        """
        freed = {
            "active_turn_id": None,
            "cancel_requested": False,
            "has_answer": False,
            "lease_owner": None,
            "lease_expires_at": None,
        }
        await self._append(tx, held.session_id, held.turn_id, [*facts, ended], held, freed)
        await self._repository.end_turn(tx, held.turn_id, ended.stop_reason)
        tx.publish(
            TurnClosed(
                session_id=held.session_id,
                turn_id=held.turn_id,
                user_id=held.user_id,
                agent=agent,
                stop_reason=ended.stop_reason,
                duration_ms=ended.duration_ms,
                usage=ended.usage,
            )
        )

    async def _append(
        self,
        tx: Transaction,
        session_id: str,
        turn_id: str,
        facts: Sequence[AnyFact],
        held: Lease | None,
        changes: Mapping[str, Any],
    ) -> tuple[Entry, ...]:
        statement = sa.update(sessions).where(sessions.c.id == session_id)
        if held is not None:
            statement = statement.where(sessions.c.lease_generation == held.generation)
        result = await tx.execute(
            statement.values(
                last_seq=sessions.c.last_seq + len(facts), last_activity_at=utc_now(), **changes
            ).returning(sessions.c.last_seq, sessions.c.epoch, sessions.c.user_id)
        )
        row = result.first()
        if row is None:
            if held is not None:
                raise LeaseLost("Another replica has taken over this turn.")
            raise SessionNotFound("There is no such session.")
        numbered = await self._log.write(
            tx, session_id, turn_id, facts, epoch=row.epoch, last_seq=row.last_seq
        )
        tx.publish(FactsRecorded(session_id=session_id, user_id=row.user_id, entries=numbered))
        return numbered

    async def is_running(self, tx: Transaction, session_id: str, turn_id: str) -> bool:
        """Tell whether a turn goes on, uncancelled, and keep it so until the transaction ends."""
        query = sa.select(sessions.c.id).where(
            sessions.c.id == session_id,
            sessions.c.active_turn_id == turn_id,
            sessions.c.cancel_requested.is_(False),
        )
        return (await tx.execute(query.with_for_update(read=True))).first() is not None

    async def take_lease(self, session_id: str) -> Lease | None:
        """Take the lease of a running turn that nobody carries forward."""
        async with self._db.transaction() as tx:
            return await lease.take(tx, session_id, self._replica)

    async def renew_leases(self, session_ids: Sequence[str]) -> dict[str, Lease]:
        """Renew this replica's leases of these sessions; one that is missing was lost."""
        async with self._db.transaction() as tx:
            return await lease.renew(tx, self._replica, session_ids)

    async def release_lease(self, held: Lease) -> bool:
        """Give the lease back while the turn waits; tell whether it was cancelled until then.

        Raises:
            LeaseLost: It was not ours any more.
        """
        async with self._db.transaction() as tx:
            return await lease.release(tx, held)

    async def abandon_lease(self, held: Lease) -> None:
        """End the lease now, so that whoever looks next takes the turn up.

        Raises:
            LeaseLost: It was not ours any more.
        """
        async with self._db.transaction() as tx:
            await lease.abandon(tx, held)

    async def unowned(self) -> list[Unowned]:
        """Find running turns that nobody carries forward."""
        async with self._db.transaction() as tx:
            return await lease.unowned(tx)

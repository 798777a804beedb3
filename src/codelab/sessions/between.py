"""What happens to a session's log between its turns: compactions, and their undoing."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa

from codelab.kit.crypto import Cipher
from codelab.kit.db import Database
from codelab.sessions.conversation import in_force, unseen
from codelab.sessions.errors import CompactionNotFound, TurnInProgress
from codelab.sessions.events import AnyFact, ContextCompacted, ContextRestored, Entry, FactsRecorded
from codelab.sessions.log import SessionLog
from codelab.sessions.models import sessions
from codelab.sessions.repository import SessionRecord

_NO_TURN = ""


class BetweenTurns:
    """Reads and writes what belongs to no turn; whoever calls has asked whether he may.

    Args:
        db: The database.
        cipher: Seals what users and models wrote.
    """

    def __init__(self, db: Database, cipher: Cipher) -> None:
        self._db = db
        self._log = SessionLog(cipher)

    async def unseen(self, session_id: str) -> frozenset[str]:
        """Return the messages and calls of which models are shown nothing, or only a note."""
        return unseen(await self._marks(session_id))

    async def compactions(self, session_id: str) -> list[tuple[Entry, bool]]:
        """Return what was hidden from models in a session, each with whether it still is."""
        marks = await self._marks(session_id)
        active = {seq for seq, _ in in_force(marks)}
        return [
            (entry, entry.seq in active)
            for entry in marks
            if isinstance(entry.fact, ContextCompacted) and not entry.fact.task_id
        ]

    async def restore(self, session: SessionRecord, compaction_seq: int, *, by: str) -> None:
        """Undo a compaction, and with it all later ones: models are shown again what was hidden.

        Raises:
            CompactionNotFound: There is none at this place, or it is undone already.
            TurnInProgress: A turn is being worked on.
        """
        active = [seq for seq, _ in in_force(await self._marks(session.id))]
        if compaction_seq not in active:
            raise CompactionNotFound("There is no such compaction, or it was undone already.")
        restored = ContextRestored(compaction_seq=compaction_seq, by=by)
        await self.append(session, [restored])

    async def append(self, session: SessionRecord, facts: Sequence[AnyFact]) -> tuple[Entry, ...]:
        """Append facts, if nothing has happened since the session was read.

        Raises:
            TurnInProgress: A turn is being worked on, or was meanwhile.
        """
        async with self._db.transaction() as tx:
            result = await tx.execute(
                sa.update(sessions)
                .where(
                    sessions.c.id == session.id,
                    sessions.c.active_turn_id.is_(None),
                    sessions.c.last_seq == session.last_seq,
                )
                .values(last_seq=sessions.c.last_seq + len(facts))
                .returning(sessions.c.last_seq, sessions.c.epoch)
            )
            row = result.first()
            if row is None:
                raise TurnInProgress(
                    "This session is working on a message. Wait for its answer or cancel it."
                )
            numbered = await self._log.write(
                tx, session.id, _NO_TURN, facts, epoch=row.epoch, last_seq=row.last_seq
            )
            tx.publish(
                FactsRecorded(session_id=session.id, user_id=session.user_id, entries=numbered)
            )
        return numbered

    async def _marks(self, session_id: str) -> list[Entry]:
        async with self._db.read() as db:
            return await self._log.of_kinds(db, session_id, "compacted", "restored")

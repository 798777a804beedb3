"""What happens to a session's log between its turns: compactions, ways back, their undoing."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import sqlalchemy as sa

from codelab.kit.crypto import Cipher
from codelab.kit.db import Database
from codelab.kit.ids import new_id
from codelab.sessions.conversation import in_force, unseen
from codelab.sessions.errors import CompactionNotFound, MessageNotFound, TurnInProgress
from codelab.sessions.events import (
    AnyFact,
    CheckpointRestored,
    ContextCompacted,
    ContextRestored,
    Entry,
    FactsRecorded,
    UserMessageReceived,
)
from codelab.sessions.log import SessionLog
from codelab.sessions.models import sessions
from codelab.sessions.repository import SessionRecord
from codelab.sessions.rewinding import InForce, counting, in_force_of

# What tells of the rest of a log how much of it models are shown.
MARKS = ("compacted", "restored", "checkpoint_restored")
_NO_TURN = ""


class Unseen(msgspec.Struct, frozen=True):
    """What models are not shown: what was compacted, and what a way back has undone."""

    keys: frozenset[str] = frozenset()
    force: InForce = InForce(((0, None),))

    def hides(self, key: str | None, seq: int) -> bool:
        """Tell whether a message or call is hidden."""
        return key in self.keys or not self.force.holds(seq)


class BetweenTurns:
    """Reads and writes what belongs to no turn; whoever calls has asked whether he may.

    Args:
        db: The database.
        cipher: Seals what users and models wrote.
    """

    def __init__(self, db: Database, cipher: Cipher) -> None:
        self._db = db
        self._log = SessionLog(cipher)

    async def unseen(self, session_id: str) -> Unseen:
        """Return the messages and calls of which models are shown nothing, or only a note."""
        marks = await self._marks(session_id)
        force = in_force_of(marks)
        return Unseen(unseen(counting(marks, force)), force)

    async def compactions(self, session_id: str) -> list[tuple[Entry, bool]]:
        """Return what was hidden from models in a session, each with whether it still is."""
        marks = await self._marks(session_id)
        active = {seq for seq, _ in in_force(counting(marks, in_force_of(marks)))}
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
        marks = await self._marks(session.id)
        active = [seq for seq, _ in in_force(counting(marks, in_force_of(marks)))]
        if compaction_seq not in active:
            raise CompactionNotFound("There is no such compaction, or it was undone already.")
        restored = ContextRestored(compaction_seq=compaction_seq, by=by)
        await self.append(session, [restored])

    async def rewind(
        self, session: SessionRecord, before_seq: int, *, by: str
    ) -> CheckpointRestored:
        """Show models nothing any more from a user's message on; no file is touched.

        It is a way back like those to a checkpoint, and can be undone like them.

        Raises:
            MessageNotFound: No user's message stands at this place.
            TurnInProgress: A turn is being worked on.
        """
        async with self._db.read() as db:
            found = await self._log.after(db, session.id, before_seq - 1, 1)
        if not found or found[0].seq != before_seq or not _is_question(found[0]):
            raise MessageNotFound("There is no message of yours at this place.")
        fact = CheckpointRestored(
            restoration_id=new_id(),
            checkpoint_id="",
            through_seq=before_seq - 1,
            conversation=True,
            by=by,
        )
        await self.append(session, [fact])
        return fact

    async def append(self, session: SessionRecord, facts: Sequence[AnyFact]) -> tuple[Entry, ...]:
        """Append facts, if nothing has happened since the session was read.

        Raises:
            TurnInProgress: A turn is being worked on, or was meanwhile.
        """
        is_quiet = (
            sessions.c.active_turn_id.is_(None),
            sessions.c.last_seq == session.last_seq,
        )
        numbered = await self._append(session, facts, *is_quiet)
        if not numbered:
            raise TurnInProgress(
                "This session is working on a message. Wait for its answer or cancel it."
            )
        return numbered

    async def append_done(
        self, session: SessionRecord, facts: Sequence[AnyFact]
    ) -> tuple[Entry, ...]:
        """Append what cannot be taken back, whatever has happened since the session was read."""
        return await self._append(session, facts)

    async def checkpoints(self, session_id: str) -> list[Entry]:
        """Return the checkpoints of a session and the ways back to them, oldest first."""
        async with self._db.read() as db:
            return await self._log.of_kinds(db, session_id, "checkpoint", "checkpoint_restored")

    async def beginning(self, session_id: str, turn_id: str) -> int:
        """Return the place in the log at which a turn begins."""
        async with self._db.read() as db:
            entries = await self._log.of_turn(db, session_id, turn_id, limit=1)
        return entries[0].seq if entries else 0

    async def said_behind(self, session_id: str, seq: int, limit: int) -> list[Entry]:
        """Return the newest messages behind a place that still count, oldest first."""
        marks = await self._marks(session_id)
        async with self._db.read() as db:
            said = await self._log.conversation(db, session_id, _NO_TURN, seq, limit)
        return counting(said, in_force_of(marks))

    async def _append(
        self, session: SessionRecord, facts: Sequence[AnyFact], *conditions: sa.ColumnElement[bool]
    ) -> tuple[Entry, ...]:
        async with self._db.transaction() as tx:
            result = await tx.execute(
                sa.update(sessions)
                .where(sessions.c.id == session.id, *conditions)
                .values(last_seq=sessions.c.last_seq + len(facts))
                .returning(sessions.c.last_seq, sessions.c.epoch)
            )
            row = result.first()
            if row is None:
                return ()
            numbered = await self._log.write(
                tx, session.id, _NO_TURN, facts, epoch=row.epoch, last_seq=row.last_seq
            )
            tx.publish(
                FactsRecorded(session_id=session.id, user_id=session.user_id, entries=numbered)
            )
        return numbered

    async def _marks(self, session_id: str) -> list[Entry]:
        async with self._db.read() as db:
            return await self._log.of_kinds(db, session_id, *MARKS)


def _is_question(entry: Entry) -> bool:
    return isinstance(entry.fact, UserMessageReceived)

"""The append-only log of a session: gapless numbers, sealed bodies, replay."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from codelab.kit.clock import utc_now
from codelab.kit.crypto import Cipher
from codelab.kit.db import Transaction
from codelab.sessions.events import AnyFact, Entry
from codelab.sessions.models import entries

_decoder: msgspec.json.Decoder[AnyFact] = msgspec.json.Decoder(AnyFact)
_encoder = msgspec.json.Encoder()


class SessionLog:
    """Writes entries at numbers that the caller has reserved, and reads them back."""

    def __init__(self, cipher: Cipher) -> None:
        self._cipher = cipher

    async def write(
        self,
        tx: Transaction,
        session_id: str,
        turn_id: str,
        facts: Sequence[AnyFact],
        *,
        epoch: int,
        last_seq: int,
    ) -> tuple[Entry, ...]:
        """Store the facts; the last of them gets the number `last_seq`."""
        at = utc_now()
        first = last_seq - len(facts) + 1
        numbered = tuple(
            Entry(seq=first + index, epoch=epoch, turn_id=turn_id, at=at, fact=fact)
            for index, fact in enumerate(facts)
        )
        rows = [self._row(session_id, entry) for entry in numbered]
        await tx.execute(sa.insert(entries), rows)
        return numbered

    async def after(
        self, db: AsyncConnection, session_id: str, seq: int, limit: int
    ) -> list[Entry]:
        """Read the entries that follow a number, oldest first."""
        query = (
            sa.select(entries)
            .where(entries.c.session_id == session_id, entries.c.seq > seq)
            .order_by(entries.c.seq)
            .limit(limit)
        )
        return [self._entry(row) for row in await db.execute(query)]

    async def of_turn(
        self, db: AsyncConnection, session_id: str, turn_id: str, *, limit: int | None = None
    ) -> list[Entry]:
        """Read the entries of one turn, oldest first: all, or so many."""
        query = (
            sa.select(entries)
            .where(entries.c.session_id == session_id, entries.c.turn_id == turn_id)
            .order_by(entries.c.seq)
            .limit(limit)
        )
        return [self._entry(row) for row in await db.execute(query)]

    async def of_kinds(self, db: AsyncConnection, session_id: str, *kinds: str) -> list[Entry]:
        """Read the entries of some kinds, oldest first."""
        query = (
            sa.select(entries)
            .where(entries.c.session_id == session_id, entries.c.kind.in_(kinds))
            .order_by(entries.c.seq)
        )
        return [self._entry(row) for row in await db.execute(query)]

    async def messages(self, db: AsyncConnection, session_id: str, limit: int) -> list[Entry]:
        """Read the newest messages of people and agents, newest first."""
        kinds = ("user_message", "assistant_message")
        query = (
            sa.select(entries)
            .where(entries.c.session_id == session_id, entries.c.kind.in_(kinds))
            .order_by(entries.c.seq.desc())
            .limit(limit)
        )
        return [self._entry(row) for row in await db.execute(query)]

    async def conversation(
        self, db: AsyncConnection, session_id: str, before_turn: str, after: int, limit: int
    ) -> list[Entry]:
        """Read the newest messages and results before a turn and after a number, oldest first.

        Delegated tasks are left out: their conversations are their own.
        """
        kinds = ("user_message", "assistant_message", "restarted", "tool_result", "attached")
        query = (
            sa.select(entries)
            .where(
                entries.c.session_id == session_id,
                entries.c.turn_id != before_turn,
                entries.c.seq > after,
                entries.c.task_id == "",
                entries.c.kind.in_(kinds),
            )
            .order_by(entries.c.seq.desc())
            .limit(limit)
        )
        newest_first = [self._entry(row) for row in await db.execute(query)]
        return newest_first[::-1]

    async def chosen(self, db: AsyncConnection, session_id: str, before_turn: str) -> list[Entry]:
        """Read which agent took the last turn before this one, if there was any."""
        query = (
            sa.select(entries)
            .where(
                entries.c.session_id == session_id,
                entries.c.turn_id != before_turn,
                entries.c.task_id == "",
                entries.c.kind == "agent",
            )
            .order_by(entries.c.seq.desc())
            .limit(1)
        )
        return [self._entry(row) for row in await db.execute(query)]

    async def has_message(self, db: AsyncConnection, session_id: str, message_id: str) -> bool:
        """Tell whether a session has a message, the newest looked at first."""
        query = (
            sa.select(entries)
            .where(
                entries.c.session_id == session_id,
                entries.c.kind.in_(("user_message", "assistant_message")),
            )
            .order_by(entries.c.seq.desc())
        )
        rows = await db.execute(query)
        return any(getattr(self._entry(row).fact, "message_id", "") == message_id for row in rows)

    def _row(self, session_id: str, entry: Entry) -> dict[str, Any]:
        context = _context(session_id, entry.seq)
        return {
            "session_id": session_id,
            "seq": entry.seq,
            "epoch": entry.epoch,
            "turn_id": entry.turn_id,
            "task_id": getattr(entry.fact, "task_id", ""),
            "kind": entry.fact.__struct_config__.tag,
            "at": entry.at,
            "body": self._cipher.seal(_encoder.encode(entry.fact), context),
        }

    def _entry(self, row: sa.Row[Any]) -> Entry:
        body = self._cipher.open(row.body, _context(row.session_id, row.seq))
        return Entry(
            seq=row.seq,
            epoch=row.epoch,
            turn_id=row.turn_id,
            at=row.at,
            fact=_decoder.decode(body),
        )


def _context(session_id: str, seq: int) -> str:
    return f"session_entries.body:{session_id}:{seq}"

"""The rows of sessions, turns and feedback."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from codelab.kit.clock import utc_now
from codelab.kit.crypto import Cipher
from codelab.kit.db import Transaction
from codelab.kit.ids import new_id
from codelab.sessions.models import feedback, sessions, turns


class SessionRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A session as its user sees it.

    While a turn is active and `lease_owner` is none, the turn waits for a human.
    """

    id: str
    user_id: str
    workspace_id: str
    title: str
    agent: str | None
    model: str | None
    archived: bool
    created_at: datetime
    last_activity_at: datetime
    epoch: int
    last_seq: int
    active_turn_id: str | None
    lease_owner: str | None = None


class FeedbackRecord(msgspec.Struct, frozen=True, kw_only=True):
    """What a user thought of a message."""

    session_id: str
    message_id: str
    rating: str
    comment: str
    created_at: datetime


class SessionRepository:
    """Reads and writes the rows; knows nothing of rights."""

    def __init__(self, cipher: Cipher) -> None:
        self._cipher = cipher

    async def insert(
        self,
        tx: Transaction,
        *,
        user_id: str,
        workspace_id: str,
        title: str,
        agent: str | None,
        model: str | None,
    ) -> SessionRecord:
        """Add a session."""
        now = utc_now()
        record = SessionRecord(
            id=new_id(),
            user_id=user_id,
            workspace_id=workspace_id,
            title=title,
            agent=agent,
            model=model,
            archived=False,
            created_at=now,
            last_activity_at=now,
            epoch=1,
            last_seq=0,
            active_turn_id=None,
        )
        row = msgspec.structs.asdict(record) | {"title": self._seal_title(record.id, title)}
        await tx.execute(sa.insert(sessions).values(**row))
        return record

    async def get(self, db: AsyncConnection, session_id: str) -> SessionRecord | None:
        """Read one session."""
        row = (await db.execute(sa.select(sessions).where(sessions.c.id == session_id))).first()
        return None if row is None else self._record(row)

    async def of_user(
        self, db: AsyncConnection, user_id: str, *, archived: bool, before: str | None, limit: int
    ) -> list[SessionRecord]:
        """Read a page of a user's sessions, the most recently made first."""
        query = sa.select(sessions).where(
            sessions.c.user_id == user_id, sessions.c.archived == archived
        )
        if before:
            query = query.where(sessions.c.id < before)
        rows = await db.execute(query.order_by(sessions.c.id.desc()).limit(limit))
        return [self._record(row) for row in rows]

    async def update(self, tx: Transaction, session_id: str, changes: dict[str, Any]) -> None:
        """Change a session's own columns."""
        if "title" in changes:
            changes = changes | {"title": self._seal_title(session_id, changes["title"])}
        await tx.execute(sa.update(sessions).where(sessions.c.id == session_id).values(**changes))

    async def delete(self, tx: Transaction, session_id: str) -> None:
        """Remove a session and, by the database's own rule, all that belongs to it."""
        await tx.execute(sa.delete(sessions).where(sessions.c.id == session_id))

    async def insert_turn(
        self, tx: Transaction, turn_id: str, session_id: str, request_id: str | None
    ) -> None:
        """Add a turn; the same request twice breaks the table's uniqueness."""
        await tx.execute(
            sa.insert(turns).values(
                id=turn_id, session_id=session_id, request_id=request_id, started_at=utc_now()
            )
        )

    async def end_turn(self, tx: Transaction, turn_id: str, stop_reason: str) -> None:
        """Write down how a turn ended."""
        await tx.execute(
            sa.update(turns)
            .where(turns.c.id == turn_id)
            .values(ended_at=utc_now(), stop_reason=stop_reason)
        )

    async def turn_of_request(
        self, db: AsyncConnection, session_id: str, request_id: str
    ) -> str | None:
        """Find the turn that an earlier, identical request started."""
        query = sa.select(turns.c.id).where(
            turns.c.session_id == session_id, turns.c.request_id == request_id
        )
        turn_id: str | None = await db.scalar(query)
        return turn_id

    async def put_feedback(self, tx: Transaction, user_id: str, record: FeedbackRecord) -> None:
        """Store feedback; the same user's later word on a message replaces the earlier."""
        # One after the other: two words on the same message at once would both be added.
        await tx.execute(
            sa.select(sessions.c.id).where(sessions.c.id == record.session_id).with_for_update()
        )
        await tx.execute(
            sa.delete(feedback).where(
                feedback.c.session_id == record.session_id,
                feedback.c.user_id == user_id,
                feedback.c.message_id == record.message_id,
            )
        )
        key = new_id()
        await tx.execute(
            sa.insert(feedback).values(
                id=key,
                session_id=record.session_id,
                user_id=user_id,
                message_id=record.message_id,
                rating=record.rating,
                comment=self._cipher.seal(record.comment.encode(), f"feedback.comment:{key}"),
                created_at=record.created_at,
            )
        )

    async def feedback_of(self, db: AsyncConnection, session_id: str) -> list[FeedbackRecord]:
        """Read all feedback of a session."""
        rows = await db.execute(sa.select(feedback).where(feedback.c.session_id == session_id))
        return [
            FeedbackRecord(
                session_id=row.session_id,
                message_id=row.message_id,
                rating=row.rating,
                comment=self._cipher.open(row.comment, f"feedback.comment:{row.id}").decode(),
                created_at=row.created_at,
            )
            for row in rows
        ]

    def open_title(self, session_id: str, sealed: bytes) -> str:
        """Read a title that another statement returned."""
        return self._cipher.open(sealed, f"sessions.title:{session_id}").decode()

    def _seal_title(self, session_id: str, title: str) -> bytes:
        return self._cipher.seal(title.encode(), f"sessions.title:{session_id}")

    def _record(self, row: sa.Row[Any]) -> SessionRecord:
        title = self.open_title(row.id, row.title)
        fields = {name: getattr(row, name) for name in SessionRecord.__struct_fields__}
        return SessionRecord(**(fields | {"title": title}))

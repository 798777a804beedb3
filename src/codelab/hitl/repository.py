"""The rows of approvals: each change of state is one conditional update."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from codelab.hitl.approval import ApprovalRecord
from codelab.hitl.models import approvals
from codelab.kit.crypto import Cipher
from codelab.kit.db import Transaction
from codelab.sdk.facts import CallFacts
from codelab.sdk.gate import Call

_JSON = ("parameters", "edited_parameters", "facts")
_TEXT = ("preview", "feedback", "reason", "edit_diff")
_OUTCOME = ("status", "responded_at", "responded_by", "feedback", "response_time_ms")
_EDIT = ("preview", "edited_parameters", "edited_digest", "edit_diff")


class ApprovalRepository:
    """Reads and writes the rows; knows nothing of rights."""

    def __init__(self, cipher: Cipher) -> None:
        self._cipher = cipher

    async def insert(self, tx: Transaction, record: ApprovalRecord) -> None:
        """Add a row."""
        row = msgspec.structs.asdict(record)
        await tx.execute(sa.insert(approvals).values(**self._sealed(record.id, row)))

    async def get(self, db: AsyncConnection, approval_id: str) -> ApprovalRecord | None:
        """Read one row."""
        query = sa.select(approvals).where(approvals.c.id == approval_id)
        row = (await db.execute(query)).first()
        return None if row is None else self._record(row)

    async def of_user(
        self,
        db: AsyncConnection,
        user_id: str,
        *,
        status: str | None,
        session_id: str | None,
        before: str | None,
        limit: int,
    ) -> list[ApprovalRecord]:
        """Read a page of a user's rows, newest first."""
        query = sa.select(approvals).where(approvals.c.user_id == user_id)
        if status:
            query = query.where(approvals.c.status == status)
        if session_id:
            query = query.where(approvals.c.session_id == session_id)
        if before:
            query = query.where(approvals.c.id < before)
        rows = await db.execute(query.order_by(approvals.c.id.desc()).limit(limit))
        return [self._record(row) for row in rows]

    async def of_turn(self, db: AsyncConnection, turn_id: str) -> list[ApprovalRecord]:
        """Read a turn's rows, oldest first."""
        query = (
            sa.select(approvals)
            .where(approvals.c.turn_id == turn_id)
            .order_by(approvals.c.created_at, approvals.c.id)
        )
        return [self._record(row) for row in await db.execute(query)]

    async def waiting(self, db: AsyncConnection, user_id: str) -> list[ApprovalRecord]:
        """Read a user's rows that wait for an answer, without what is sealed in them."""
        query = _unsealed().where(approvals.c.user_id == user_id, approvals.c.status == "pending")
        rows = await db.execute(query.order_by(approvals.c.expires_at, approvals.c.id))
        return [_closed_record(row) for row in rows]

    async def pending_of(
        self, tx: Transaction, session_id: str, turn_id: str
    ) -> list[ApprovalRecord]:
        """Read a turn's rows that wait for an answer, without what is sealed in them."""
        query = _unsealed().where(
            approvals.c.session_id == session_id,
            approvals.c.turn_id == turn_id,
            approvals.c.status == "pending",
        )
        return [_closed_record(row) for row in await tx.execute(query.order_by(approvals.c.id))]

    async def started_calls(self, tx: Transaction, turn_id: str) -> set[str]:
        """Find the calls of a turn that have passed the gate."""
        query = sa.select(approvals.c.call_id).where(
            approvals.c.turn_id == turn_id, approvals.c.used_at.is_not(None)
        )
        return {row.call_id for row in await tx.execute(query)}

    async def pending_turns(self, db: AsyncConnection, turn_ids: Sequence[str]) -> set[str]:
        """Find those of the turns that wait for an answer."""
        query = (
            sa.select(approvals.c.turn_id)
            .where(approvals.c.turn_id.in_(turn_ids), approvals.c.status == "pending")
            .distinct()
        )
        return set(await db.scalars(query))

    async def expiring(
        self, tx: Transaction, until: datetime, limit: int = 200
    ) -> list[ApprovalRecord]:
        """Read pending rows whose deadline comes before a moment, the first one first.

        What is sealed in them is left out: one that cannot be opened must not keep the others
        waiting.
        """
        query = (
            _unsealed()
            .where(approvals.c.status == "pending", approvals.c.expires_at <= until)
            .order_by(approvals.c.expires_at)
            .limit(limit)
        )
        return [_closed_record(row) for row in await tx.execute(query)]

    async def settle(self, tx: Transaction, record: ApprovalRecord) -> bool:
        """Store the terminal state of a pending row; false when somebody was first."""
        in_time = (
            approvals.c.expires_at <= record.responded_at
            if record.status == "timeout"
            else approvals.c.expires_at > record.responded_at
        )
        # Only who approves a call can have changed it.
        names = (*_OUTCOME, *_EDIT) if record.status == "approved" else _OUTCOME
        changes = {name: getattr(record, name) for name in names}
        result = await tx.execute(
            sa.update(approvals)
            .where(approvals.c.id == record.id, approvals.c.status == "pending", in_time)
            .values(**self._sealed(record.id, changes))
        )
        return result.rowcount == 1

    async def warn(self, tx: Transaction, approval_id: str, now: datetime) -> bool:
        """Note that the warning was given; false when it was before, or is of no use now."""
        result = await tx.execute(
            sa.update(approvals)
            .where(
                approvals.c.id == approval_id,
                approvals.c.status == "pending",
                approvals.c.warned_at.is_(None),
            )
            .values(warned_at=now)
        )
        return result.rowcount == 1

    async def use(self, tx: Transaction, call: Call) -> str | None:
        """Mark the newest approval of a call as used, if it allows exactly this call."""
        approved_digest = sa.func.coalesce(approvals.c.edited_digest, approvals.c.digest)
        result = await tx.execute(
            sa.update(approvals)
            .where(
                approvals.c.id == _newest(call).scalar_subquery(),
                approvals.c.status == "approved",
                approvals.c.used_at.is_(None),
                approvals.c.tool == call.tool,
                approved_digest == call.digest,
            )
            .values(used_at=tx.moment())
            .returning(approvals.c.id)
        )
        found: str | None = result.scalar()
        return found

    async def newest_at(self, tx: Transaction, call: Call) -> datetime:
        """Return when a call was asked about last; long ago when it never was."""
        query = sa.select(approvals.c.created_at).where(
            approvals.c.id == _newest(call).scalar_subquery()
        )
        row = (await tx.execute(query)).first()
        return datetime.min.replace(tzinfo=UTC) if row is None else row.created_at

    async def newest_of(self, tx: Transaction, call: Call) -> ApprovalRecord | None:
        """Read the newest approval of a call."""
        query = sa.select(approvals).where(approvals.c.id == _newest(call).scalar_subquery())
        row = (await tx.execute(query)).first()
        return None if row is None else self._record(row)

    def _sealed(self, approval_id: str, row: Mapping[str, Any]) -> dict[str, Any]:
        sealed = dict(row)
        for name in (*_JSON, *_TEXT):
            value = sealed.get(name)
            if value is not None:
                plain = msgspec.json.encode(value) if name in _JSON else value.encode()
                sealed[name] = self._cipher.seal(plain, _context(name, approval_id))
        return sealed

    def _record(self, row: sa.Row[Any]) -> ApprovalRecord:
        values = dict(row._mapping)
        for name in (*_JSON, *_TEXT):
            if values[name] is not None:
                plain = self._cipher.open(values[name], _context(name, values["id"]))
                values[name] = msgspec.json.decode(plain) if name in _JSON else plain.decode()
        # What was asked before there were facts has none.
        values["facts"] = msgspec.convert(values["facts"] or {}, CallFacts)
        values["edit_diff"] = values["edit_diff"] or ""
        return ApprovalRecord(**values)


def _unsealed() -> sa.Select[Any]:
    return sa.select(*(one for one in approvals.c if one.name not in (*_JSON, *_TEXT)))


def _closed_record(row: sa.Row[Any]) -> ApprovalRecord:
    return ApprovalRecord(**row._mapping, parameters={}, preview="")


def _newest(call: Call) -> sa.Select[tuple[str]]:
    # A call may have been asked for again: only what was shown last counts.
    return (
        sa.select(approvals.c.id)
        .where(
            approvals.c.session_id == call.session_id,
            approvals.c.turn_id == call.turn_id,
            approvals.c.call_id == call.call_id,
        )
        .order_by(approvals.c.created_at.desc(), approvals.c.id.desc())
        .limit(1)
    )


def _context(column: str, approval_id: str) -> str:
    return f"approvals.{column}:{approval_id}"

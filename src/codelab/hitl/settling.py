"""Brings requests to their one terminal state and tells the session's log and everybody else.

Here the approvals' rows are touched first, in the order of their ids, and the session's row after
them. Whoever needs both keeps to that order, or two transactions may wait for each other.
"""

from __future__ import annotations

from datetime import timedelta

import msgspec

from codelab.hitl.approval import ApprovalRecord, Outcome, about
from codelab.hitl.events import ApprovalExpiring, ApprovalResolved
from codelab.hitl.repository import ApprovalRepository
from codelab.kit.db import Database, Transaction
from codelab.sessions.api import Turns
from codelab.sessions.events import ApprovalAnswered

DEADLINE = "deadline"
CANCELLATION = "cancellation"


class Settlements:
    """The ends of requests: answered, timed out or cancelled.

    Args:
        db: The database.
        repository: The rows.
        turns: Takes the answers into the session's log.
    """

    def __init__(self, db: Database, repository: ApprovalRepository, turns: Turns) -> None:
        self._db = db
        self._repository = repository
        self._turns = turns

    async def settle(
        self, tx: Transaction, record: ApprovalRecord, wish: Outcome, by: str, feedback: str
    ) -> ApprovalRecord | None:
        """End a pending request: as wished, or by timeout from the deadline on.

        Returns:
            The settled request, or none when somebody was first, or its time is not over yet.
        """
        settled = await self._settle(tx, record, wish, by, feedback)
        if settled is not None:
            await self._tell(tx, settled)
        return settled

    async def expire_due(self, warning_s: float) -> list[ApprovalRecord]:
        """Time out what is due, and warn of what will be, once."""
        async with self._db.transaction() as tx:
            now = await tx.now()
            soon = await self._repository.expiring(tx, now + timedelta(seconds=warning_s))
            for record in sorted(soon, key=lambda one: one.id):
                if now < record.expires_at and await self._repository.warn(tx, record.id, now):
                    tx.publish(ApprovalExpiring(**about(record), expires_at=record.expires_at))
        over = []
        for record in soon:
            if record.expires_at <= now:
                # Each in a transaction of its own: they belong to different sessions.
                async with self._db.transaction() as tx:
                    over.append(await self.settle(tx, record, "timeout", DEADLINE, ""))
        return [record for record in over if record is not None]

    async def cancel(self, tx: Transaction, session_id: str, turn_id: str) -> None:
        """Reject what a turn still waits for."""
        why = "The turn was cancelled."
        settled = [
            await self._settle(tx, record, "rejected", CANCELLATION, why)
            for record in await self._repository.pending_of(tx, session_id, turn_id)
        ]
        for record in settled:
            if record is not None:
                await self._tell(tx, record)

    async def _settle(
        self, tx: Transaction, record: ApprovalRecord, wish: Outcome, by: str, feedback: str
    ) -> ApprovalRecord | None:
        now = await tx.now()
        status = record.lifecycle.answer(wish, now).status
        if status == "pending":
            return None
        late = status == "timeout"
        settled = msgspec.structs.replace(
            record,
            status=status,
            responded_at=now,
            responded_by=DEADLINE if late else by,
            feedback="" if late else feedback,
            response_time_ms=max(0, round((now - record.created_at) / timedelta(milliseconds=1))),
        )
        return settled if await self._repository.settle(tx, settled) else None

    async def _tell(self, tx: Transaction, settled: ApprovalRecord) -> None:
        by = settled.responded_by or ""
        fact = ApprovalAnswered(
            approval_id=settled.id,
            call_id=settled.call_id,
            status=settled.status,
            by=by,
            feedback=settled.feedback,
        )
        await self._turns.append(tx, settled.session_id, settled.turn_id, [fact])
        tx.publish(
            ApprovalResolved(
                **about(settled),
                status=settled.status,
                by=by,
                feedback=settled.feedback,
                response_time_ms=settled.response_time_ms or 0,
                digest=settled.effective_digest,
                edited=settled.edited_parameters is not None,
            )
        )

"""Sessions: who may see them, how a turn starts, how facts get into the log."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from codelab.auth.api import Principal
from codelab.kit.clock import utc_now
from codelab.kit.crypto import Cipher
from codelab.kit.db import Database, Transaction
from codelab.kit.errors import InvalidInput
from codelab.kit.ids import new_id
from codelab.sessions import lease
from codelab.sessions.between import BetweenTurns
from codelab.sessions.errors import (
    MessageNotFound,
    NoTurnInProgress,
    SessionNotFound,
    TurnInProgress,
)
from codelab.sessions.events import (
    Entry,
    FactsRecorded,
    MessageContext,
    TurnCancelRequested,
    TurnStarted,
    UserMessageReceived,
)
from codelab.sessions.lease import Lease
from codelab.sessions.log import SessionLog
from codelab.sessions.models import sessions
from codelab.sessions.repository import FeedbackRecord, SessionRecord, SessionRepository
from codelab.sessions.searching import SessionSearch

MAX_MESSAGE_CHARACTERS = 200_000
_TITLE_CHARACTERS = 80

CheckWorkspace = Callable[[Principal, str], Awaitable[object]]
_PAGE = 1000


class TurnRef(msgspec.Struct, frozen=True, kw_only=True):
    """A turn that was started, or found started by the same request."""

    session_id: str
    turn_id: str
    message_id: str


class Sessions:
    """The sessions of all users.

    Args:
        db: The database.
        cipher: Seals what users and models wrote.
        check_workspace: Raises for a project folder that is not the user's.
        replica: This process's own identifier, which leases name.
    """

    def __init__(
        self, db: Database, cipher: Cipher, check_workspace: CheckWorkspace, *, replica: str
    ) -> None:
        self._db = db
        self._check_workspace = check_workspace
        self._replica = replica
        self._repository = SessionRepository(cipher)
        self._log = SessionLog(cipher)
        self.between = BetweenTurns(db, cipher)
        self.search = SessionSearch(db, cipher)

    async def create(
        self,
        principal: Principal,
        workspace_id: str,
        *,
        title: str = "",
        agent: str | None = None,
        model: str | None = None,
    ) -> SessionRecord:
        """Open a session on one of the user's workspaces."""
        await self._check_workspace(principal, workspace_id)
        async with self._db.transaction() as tx:
            return await self._repository.insert(
                tx,
                user_id=principal.user_id,
                workspace_id=workspace_id,
                title=title,
                agent=agent,
                model=model,
            )

    async def get(self, principal: Principal, session_id: str) -> SessionRecord:
        """Return the user's session.

        Raises:
            SessionNotFound: There is none, or it is somebody else's.
        """
        async with self._db.read() as db:
            record = await self._repository.get(db, session_id)
        if record is None or record.user_id != principal.user_id:
            raise SessionNotFound("There is no such session.")
        return record

    async def list_for(
        self,
        principal: Principal,
        *,
        archived: bool = False,
        before: str | None = None,
        limit: int = 100,
    ) -> list[SessionRecord]:
        """Return a page of the user's sessions, newest first."""
        async with self._db.read() as db:
            return await self._repository.of_user(
                db, principal.user_id, archived=archived, before=before, limit=limit
            )

    async def update(
        self, principal: Principal, session_id: str, changes: dict[str, Any]
    ) -> SessionRecord:
        """Change `title`, `agent`, `model` or `archived`."""
        await self.get(principal, session_id)
        allowed = {"title", "agent", "model", "archived"}
        if changes and changes.keys() <= allowed:
            async with self._db.transaction() as tx:
                await self._repository.update(tx, session_id, changes)
        return await self.get(principal, session_id)

    async def delete(self, principal: Principal, session_id: str) -> None:
        """Delete the session with its log; a running turn is cancelled first."""
        record = await self.get(principal, session_id)
        async with self._db.transaction() as tx:
            await self._repository.delete(tx, session_id)
            if record.active_turn_id:
                tx.publish(
                    TurnCancelRequested(session_id=session_id, turn_id=record.active_turn_id)
                )

    async def start_turn(
        self,
        principal: Principal,
        session_id: str,
        text: str,
        *,
        agent: str | None = None,
        model: str | None = None,
        context: MessageContext | None = None,
        request_id: str | None = None,
    ) -> TurnRef:
        """Append the user's message and open a turn, which this replica then carries forward.

        Args:
            principal: Who asks.
            session_id: Where.
            text: The message.
            agent: The agent the user chose, or none for routing.
            model: The model the user chose, or none for the agent's own.
            context: What the user is looking at.
            request_id: The client's own mark: the same one twice starts one turn.

        Raises:
            SessionNotFound: There is no such session for this user.
            TurnInProgress: An earlier message is still being worked on.
        """
        _check_message(text)
        turn_id, message_id = new_id(), new_id()
        fact = UserMessageReceived(
            message_id=message_id,
            text=text,
            by=principal.name,
            agent=agent,
            model=model,
            context=context or MessageContext(),
        )
        try:
            async with self._db.transaction() as tx:
                await self._open_turn(tx, principal, session_id, turn_id, request_id, fact)
        except IntegrityError:
            return await self._earlier(principal, session_id, request_id)
        except TurnInProgress:
            if request_id is None:
                raise
            return await self._earlier(principal, session_id, request_id)
        return TurnRef(session_id=session_id, turn_id=turn_id, message_id=message_id)

    async def request_cancel(self, principal: Principal, session_id: str) -> str:
        """Ask whoever runs the session's turn to stop it; returns the turn's id.

        Raises:
            SessionNotFound: There is no such session for this user.
            NoTurnInProgress: Nothing runs.
        """
        async with self._db.transaction() as tx:
            result = await tx.execute(
                sa.update(sessions)
                .where(
                    sessions.c.id == session_id,
                    sessions.c.user_id == principal.user_id,
                    sessions.c.active_turn_id.is_not(None),
                )
                .values(cancel_requested=True)
                .returning(sessions.c.active_turn_id)
            )
            turn_id: str | None = result.scalar()
            if turn_id:
                tx.publish(TurnCancelRequested(session_id=session_id, turn_id=turn_id))
        if turn_id is None:
            await self.get(principal, session_id)
            raise NoTurnInProgress("Nothing is running in this session.")
        return turn_id

    async def entries(
        self, principal: Principal, session_id: str, after_seq: int = 0, limit: int = _PAGE
    ) -> list[Entry]:
        """Return a page of the session's log after a number."""
        await self.get(principal, session_id)
        async with self._db.read() as db:
            return await self._log.after(db, session_id, after_seq, min(limit, _PAGE))

    async def rate(
        self, principal: Principal, session_id: str, message_id: str, rating: str, comment: str
    ) -> None:
        """Store what the user thought of a message: `up` or `down`.

        Raises:
            MessageNotFound: The session has no such message.
        """
        await self.get(principal, session_id)
        async with self._db.read() as db:
            if not await self._log.has_message(db, session_id, message_id):
                raise MessageNotFound("There is no such message in this session.")
        record = FeedbackRecord(
            session_id=session_id,
            message_id=message_id,
            rating=rating,
            comment=comment,
            created_at=utc_now(),
        )
        async with self._db.transaction() as tx:
            await self._repository.put_feedback(tx, principal.user_id, record)

    async def feedback(self, principal: Principal, session_id: str) -> list[FeedbackRecord]:
        """Return what was thought of the session's messages."""
        await self.get(principal, session_id)
        async with self._db.read() as db:
            return await self._repository.feedback_of(db, session_id)

    async def _open_turn(
        self,
        tx: Transaction,
        principal: Principal,
        session_id: str,
        turn_id: str,
        request_id: str | None,
        fact: UserMessageReceived,
    ) -> None:
        now = await tx.now()
        result = await tx.execute(
            sa.update(sessions)
            .where(
                sessions.c.id == session_id,
                sessions.c.user_id == principal.user_id,
                sessions.c.active_turn_id.is_(None),
            )
            .values(
                active_turn_id=turn_id,
                cancel_requested=False,
                last_seq=sessions.c.last_seq + 1,
                last_activity_at=now,
                # The lease comes with the turn: taking it in a second transaction would only
                # make the user wait longer.
                lease_owner=self._replica,
                lease_generation=sessions.c.lease_generation + 1,
                lease_expires_at=now + lease.TTL,
            )
            .returning(
                sessions.c.last_seq,
                sessions.c.epoch,
                sessions.c.lease_generation,
                sessions.c.workspace_id,
                sessions.c.title,
                sessions.c.agent,
                sessions.c.model,
            )
        )
        row = result.first()
        if row is None:
            await self._refuse(tx, principal, session_id)
            return
        await self._repository.insert_turn(tx, turn_id, session_id, request_id)
        if not self._repository.open_title(session_id, row.title):
            title = " ".join(fact.text.split())[:_TITLE_CHARACTERS]
            await self._repository.update(tx, session_id, {"title": title})
        numbered = await self._log.write(
            tx, session_id, turn_id, [fact], epoch=row.epoch, last_seq=row.last_seq
        )
        tx.publish(
            FactsRecorded(session_id=session_id, user_id=principal.user_id, entries=numbered)
        )
        held = Lease(
            session_id=session_id,
            turn_id=turn_id,
            user_id=principal.user_id,
            workspace_id=row.workspace_id,
            generation=row.lease_generation,
            session_agent=row.agent,
            session_model=row.model,
        )
        tx.publish(
            TurnStarted(
                session_id=session_id,
                turn_id=turn_id,
                user_id=principal.user_id,
                held=held,
                opening=numbered[0],
            )
        )

    async def _refuse(self, tx: Transaction, principal: Principal, session_id: str) -> None:
        query = sa.select(sessions.c.user_id).where(sessions.c.id == session_id)
        if (await tx.execute(query)).scalar() != principal.user_id:
            raise SessionNotFound("There is no such session.")
        raise TurnInProgress(
            "This session is still working on your last message. Wait for it or cancel it."
        )

    async def _earlier(
        self, principal: Principal, session_id: str, request_id: str | None
    ) -> TurnRef:
        await self.get(principal, session_id)
        async with self._db.read() as db:
            turn_id = await self._repository.turn_of_request(db, session_id, request_id or "")
            if turn_id is None:
                raise TurnInProgress(
                    "This session is still working on your last message. Wait for it or cancel it."
                )
            first = (await self._log.of_turn(db, session_id, turn_id))[0].fact
        message_id = first.message_id if isinstance(first, UserMessageReceived) else ""
        return TurnRef(session_id=session_id, turn_id=turn_id, message_id=message_id)


def _check_message(text: str) -> None:
    if not text.strip():
        raise InvalidInput("The message is empty.", field="message")
    if len(text) > MAX_MESSAGE_CHARACTERS:
        raise InvalidInput(
            f"The message is longer than {MAX_MESSAGE_CHARACTERS} characters.", field="message"
        )

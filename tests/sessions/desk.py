"""Sessions and turns on a real database, as several replicas see them."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from codelab.auth.api import Principal
from codelab.auth.models import users
from codelab.kit.bus import Bus
from codelab.kit.clock import utc_now
from codelab.kit.crypto import Cipher
from codelab.kit.db import Database
from codelab.kit.events import Event
from codelab.kit.ids import new_id
from codelab.sessions.api import Lease, Sessions, TurnRef, Turns
from codelab.sessions.events import AssistantMessageCompleted, Entry, TurnEnded, TurnStarted
from codelab.sessions.models import sessions
from codelab.workspace.api import Workspaces, WorkspaceSettings
from codelab.workspace.models import workspaces
from tests.support.tables import make_tables

SECRET = "a secret of the tests that is long enough"
ANN = Principal(user_id=new_id(), name="ann")
BEN = Principal(user_id=new_id(), name="ben")
DONE = TurnEnded(message_id="m", stop_reason="end", duration_ms=1)


class Office:
    """One replica's services.

    Args:
        database_url: The database, which replicas share.
        folder: Where workspaces may be.
        secrets: The keys, the current one first.
    """

    def __init__(self, database_url: str, folder: Path, secrets: tuple[str, ...]) -> None:
        self.bus = Bus()
        self.heard: list[Event] = []
        self.bus.subscribe(Event, self.heard.append)
        self.db = Database(database_url, self.bus)
        self.workspaces = Workspaces(
            self.db, WorkspaceSettings(data_dir=folder / "data", roots=(folder,), sandbox="none")
        )
        replica, cipher = new_id(), Cipher(secrets)
        self.sessions = Sessions(self.db, cipher, self.workspaces.get, replica=replica)
        self.turns = Turns(self.db, cipher, replica=replica)

    def events(self, kind: type[Event]) -> list[Any]:
        """Return the events of a type that were published here."""
        return [event for event in self.heard if isinstance(event, kind)]

    async def end(self, held: Lease, ended: TurnEnded = DONE) -> None:
        """End a turn."""
        async with self.db.transaction() as tx:
            await self.turns.end(tx, held, [], ended, "coder")

    async def close(self) -> None:
        """Close what holds resources."""
        await self.workspaces.close()
        await self.db.close()


class Desk:
    """A session of Ann's, and the replicas that know it."""

    def __init__(self, database_url: str, folder: Path) -> None:
        self.database_url = database_url
        self.folder = folder
        self.offices: list[Office] = []
        self.workspace_id = new_id()
        self.session_id = ""

    @property
    def first(self) -> Office:
        """The first replica."""
        return self.offices[0]

    def office(self, *secrets: str) -> Office:
        """Open one more replica."""
        made = Office(self.database_url, self.folder, secrets or (SECRET,))
        self.offices.append(made)
        return made

    async def prepare(self) -> None:
        """Make the tables, the users and the session."""
        await make_tables(self.first.db)
        now = utc_now()
        people = [
            {
                "id": one.user_id,
                "name": one.name,
                "name_key": one.name,
                "role": "user",
                "password_hash": "-",
                "created_at": now,
            }
            for one in (ANN, BEN)
        ]
        async with self.first.db.transaction() as tx:
            await tx.execute(sa.insert(users), people)
            await tx.execute(
                sa.insert(workspaces).values(
                    id=self.workspace_id,
                    owner_id=ANN.user_id,
                    name="w",
                    path=str(self.folder),
                    path_digest="w",
                    created_at=now,
                )
            )
        self.session_id = (await self.first.sessions.create(ANN, self.workspace_id)).id

    async def start(
        self, text: str = "Do it", *, at: Office | None = None, request_id: str | None = None
    ) -> TurnRef:
        """Start a turn."""
        return await (at or self.first).sessions.start_turn(
            ANN, self.session_id, text, request_id=request_id
        )

    async def held(self, *, at: Office | None = None) -> Lease:
        """Start a turn and return its lease."""
        office = at or self.first
        turn = await self.start(at=office)
        (started,) = [one for one in office.events(TurnStarted) if one.turn_id == turn.turn_id]
        lease: Lease = started.held
        return lease

    async def say(self, *message_ids: str) -> None:
        """Append messages of an agent."""
        facts = [
            AssistantMessageCompleted(message_id=one, agent="coder", model="m", text="Done.")
            for one in message_ids
        ]
        async with self.first.db.transaction() as tx:
            await self.first.turns.append(tx, self.session_id, new_id(), facts)

    async def log(self) -> list[Entry]:
        """Read the session's log."""
        return await self.first.sessions.entries(ANN, self.session_id)

    async def row(self) -> Any:
        """Read the session's row."""
        async with self.first.db.read() as db:
            query = sa.select(sessions).where(sessions.c.id == self.session_id)
            return (await db.execute(query)).one()

    async def run_out(self, *, by: timedelta = timedelta(seconds=1)) -> datetime:
        """Let the lease end in the past, as if time had gone by."""
        ends = utc_now() - by
        async with self.first.db.transaction() as tx:
            await tx.execute(
                sa.update(sessions)
                .where(sessions.c.id == self.session_id)
                .values(lease_expires_at=ends)
            )
        return ends

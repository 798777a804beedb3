"""Approvals on a real database, with a target that can change and a policy of the test's."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest
import sqlalchemy as sa

from codelab.auth.api import Principal
from codelab.auth.models import users
from codelab.hitl.api import (
    ApprovalRecord,
    EditedCall,
    Hitl,
    HitlSettings,
    Pending,
    Review,
    ReviewRequest,
    Rule,
    Rulebook,
    Subject,
)
from codelab.hitl.models import approvals
from codelab.kit.bus import Bus
from codelab.kit.clock import utc_now
from codelab.kit.crypto import Cipher
from codelab.kit.db import Database
from codelab.kit.errors import InvalidInput, NotFound
from codelab.kit.events import Event
from codelab.kit.ids import new_id
from codelab.kit.ratelimit import RateLimiter
from codelab.sdk.gate import Call
from codelab.sessions.api import Sessions, Turns
from codelab.sessions.events import ApprovalAnswered, Entry
from codelab.sessions.models import sessions
from codelab.workspace.models import workspaces
from tests.support.tables import make_tables

SECRET = "a secret of the tests that is long enough"
ANN = Principal(user_id=new_id(), name="ann")
BEN = Principal(user_id=new_id(), name="ben")


class Target:
    """What calls would touch: its state goes into their digests, as tools do it."""

    def __init__(self) -> None:
        self.state = "first"
        self.gone = False

    def digest(self, tool: str, parameters: dict[str, Any]) -> str:
        written = msgspec.json.encode([tool, parameters, self.state], order="deterministic")
        return hashlib.sha256(written).hexdigest()

    async def redigest(self, record: ApprovalRecord, parameters: dict[str, Any]) -> EditedCall:
        if self.gone or "path" not in parameters:
            raise InvalidInput("There is no such file.", field="path")
        return EditedCall(
            parameters=parameters,
            digest=self.digest(record.tool, parameters),
            preview=f"preview of {parameters}",
            subject=Subject(
                tool=record.tool, protected=True, paths=(parameters["path"],), command=None
            ),
        )


class Scene:
    """One replica with a session of Ann's in which a turn runs."""

    def __init__(self, database_url: str) -> None:
        self.bus = Bus()
        self.events: list[Event] = []
        self.bus.subscribe(Event, self.events.append)
        self.db = Database(database_url, self.bus)
        self.turns = Turns(self.db, Cipher([SECRET]), replica=new_id())
        self.target = Target()
        self.session_id, self.turn_id, self.workspace_id = new_id(), new_id(), new_id()
        self.sessions = Sessions(self.db, Cipher([SECRET]), self._workspace, replica=new_id())
        self.rules = self.with_rules()
        self.hitl = self.with_settings(HitlSettings())

    def with_settings(self, settings: HitlSettings) -> Hitl:
        """Build the service anew."""
        self.hitl = Hitl(
            self.db,
            Cipher([SECRET]),
            self.turns,
            self.rules,
            RateLimiter(),
            settings,
            self.target.redigest,
        )
        return self.hitl

    def with_rules(self, *server: Rule) -> Rulebook:
        """Build the service anew, with rules of the server."""
        self.rules = Rulebook(self.db, Cipher([SECRET]), server, self.sessions.get, self._workspace)
        self.with_settings(HitlSettings())
        return self.rules

    async def _workspace(self, principal: Principal, workspace_id: str) -> None:
        if workspace_id != self.workspace_id:
            raise NotFound("There is no such workspace.")

    def call(self, call_id: str = "call_1", tool: str = "write_file", **parameters: Any) -> Call:
        """Prepare a call as tools would, on the target as it is now."""
        chosen = {"path": "a.py", "content": "print(1)"} | parameters
        return Call(
            call_id=call_id,
            session_id=self.session_id,
            turn_id=self.turn_id,
            user_id=ANN.user_id,
            agent="coder",
            tool=tool,
            parameters=msgspec.json.encode(chosen),
            digest=self.target.digest(tool, chosen),
        )

    async def review(self, call: Call, *, protected: bool = True, **more: Any) -> Review:
        """Have a call reviewed in a transaction of its own."""
        chosen: dict[str, Any] = {
            "preview": "+ print(1)",
            "gated": protected,
            "workspace_id": self.workspace_id,
        } | more
        request = ReviewRequest(call=call, risk="high", protected=protected, **chosen)
        async with self.db.transaction() as tx:
            return await self.hitl.review(tx, request, await tx.now())

    async def ask(self, call: Call | None = None) -> str:
        """Have a human asked about a call; returns the request's id."""
        pending = await self.review(call or self.call())
        assert isinstance(pending, Pending)
        return pending.approval_id

    async def entries(self) -> list[Entry]:
        """Read the session's log."""
        return await self.turns.entries(self.session_id, self.turn_id)

    async def answers(self) -> list[ApprovalAnswered]:
        """Read the answers in the session's log."""
        facts = [entry.fact for entry in await self.entries()]
        return [fact for fact in facts if isinstance(fact, ApprovalAnswered)]

    def heard(self, kind: type[Event]) -> list[Any]:
        """Return the events of a type that were published."""
        return [event for event in self.events if isinstance(event, kind)]

    async def set_back(self, approval_id: str, **moments: Any) -> None:
        """Change moments of a row, as if time had passed."""
        async with self.db.transaction() as tx:
            await tx.execute(
                sa.update(approvals).where(approvals.c.id == approval_id).values(**moments)
            )

    async def prepare(self) -> None:
        """Make the tables and what the approvals hang on."""
        await make_tables(self.db)
        now = utc_now()
        async with self.db.transaction() as tx:
            for one in (ANN, BEN):
                await tx.execute(
                    sa.insert(users).values(
                        id=one.user_id,
                        name=one.name,
                        name_key=one.name,
                        role="user",
                        password_hash="-",
                        created_at=now,
                    )
                )
            await tx.execute(
                sa.insert(workspaces).values(
                    id=self.workspace_id, name="w", path="/w", path_digest="w", created_at=now
                )
            )
        await self.open_session(self.session_id)

    async def open_session(self, session_id: str) -> None:
        """Add a session of Ann's, in which the scene's turn runs."""
        now = utc_now()
        async with self.db.transaction() as tx:
            await tx.execute(
                sa.insert(sessions).values(
                    id=session_id,
                    user_id=ANN.user_id,
                    workspace_id=self.workspace_id,
                    title=Cipher([SECRET]).seal(b"", f"sessions.title:{session_id}"),
                    created_at=now,
                    last_activity_at=now,
                    active_turn_id=self.turn_id,
                )
            )


@pytest.fixture
async def scene(database_url: str) -> AsyncIterator[Scene]:
    """A scene on each kind of database."""
    made = Scene(database_url)
    await made.prepare()
    yield made
    await made.db.close()


@pytest.fixture
async def another(scene: Scene, database_url: str) -> AsyncIterator[Scene]:
    """A second replica over the same database and session."""
    made = Scene(database_url)
    made.session_id, made.turn_id = scene.session_id, scene.turn_id
    yield made
    await made.db.close()

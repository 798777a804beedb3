"""Replicas of CodeLab without its edges: real services on a real database, a scripted model."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar

import sqlalchemy as sa
import yaml

from codelab.agents.api import AgentRegistry, Checkpoints, Keeper, Services, prepare_edited
from codelab.agents.runner import Pace, Runner
from codelab.auth.api import Principal
from codelab.auth.models import users
from codelab.hitl.api import ApprovalRecord, EditedCall, Hitl, HitlSettings, Rule, Rulebook
from codelab.hitl.models import approvals
from codelab.kit.bus import Bus
from codelab.kit.clock import utc_now
from codelab.kit.crypto import Cipher
from codelab.kit.db import Database
from codelab.kit.events import Event
from codelab.kit.ids import new_id
from codelab.kit.ratelimit import RateLimiter
from codelab.llm.api import Caps, LlmSettings, Models
from codelab.sdk import Agent, ModelProvider, ToolGrant
from codelab.sdk.model import ModelInfo
from codelab.sessions.api import Sessions, TurnRef, Turns
from codelab.sessions.events import AnyFact, TurnClosed
from codelab.sessions.models import entries, sessions, turns
from codelab.tools.api import Tools
from codelab.tools.builtin.plugin import register_tools
from codelab.workspace.api import Keeping, Workspaces, WorkspaceSettings
from tests.agents.cast import MODEL, Cast
from tests.agents.props import Props
from tests.support.tables import make_tables

T = TypeVar("T")
F = TypeVar("F", bound=AnyFact)

SECRET = "a secret of the tests that is long enough"
ANN = Principal(user_id=new_id(), name="ann")
QUICK = Pace(heartbeat_s=0.05, sweep_s=0.05, drain_s=0.1)
# Nobody comes to the rescue of what was left undone.
ALONE = Pace(heartbeat_s=0.05, sweep_s=3600, drain_s=0.1)
# Long enough for a busy machine; nobody waits for it unless something is broken.
PATIENCE_S = 20.0


def agent(name: str, **more: Any) -> Agent:
    """Make an agent that may do everything unless told otherwise."""
    chosen: dict[str, Any] = {"grants": (ToolGrant(),), "delegates_to": ("*",), "plans": True}
    return Agent(
        name=name, title=name, description=name, prompt=f"{name} works.", **(chosen | more)
    )


AGENTS = (
    agent("orchestrator"),
    agent("coder"),
    agent("debug"),
    agent("reader", grants=(ToolGrant(name="read_file"),), delegates_to=(), plans=False),
)


class Replica:
    """One process's worth of services.

    Args:
        database_url: The database, which replicas share.
        folder: Where data and the project are.
        cast: Who speaks for the agents.
        max_steps: How many steps an agent may take.
        turn_time_s: How long a turn may be worked on.
        hitl: How humans are asked.
        rules: The server's policy.
        pace: How the runner keeps time.
        caps: What models may cost.
        chain: The models, each of which follows when the one before it fails.
        own: The chains of agents that have their own.
        keeping: How much checkpoints keep; none: there are no checkpoints, and no commands.
    """

    def __init__(
        self,
        database_url: str,
        folder: Path,
        cast: Cast,
        *,
        max_steps: int = 50,
        turn_time_s: float = 3600,
        hitl: HitlSettings | None = None,
        rules: tuple[Rule, ...] = (),
        pace: Pace = QUICK,
        caps: Caps | None = None,
        chain: tuple[ModelInfo, ...] = (MODEL,),
        own: Mapping[str, list[str]] | None = None,
        keeping: Keeping | None = None,
    ) -> None:
        self.bus = Bus()
        self.heard: list[Event] = []
        self.bus.subscribe(Event, self.heard.append)
        self.db = Database(database_url, self.bus)
        self.props = Props()
        cipher, limiter, name = Cipher([SECRET]), RateLimiter(), new_id()
        self.limiter = limiter
        self.workspaces = Workspaces(
            self.db,
            WorkspaceSettings(
                data_dir=folder / "data",
                roots=(folder / "projects",),
                sandbox="auto" if keeping else "none",
                keeping=keeping or Keeping(),
            ),
        )
        self.sessions = Sessions(self.db, cipher, self.workspaces.get, replica=name)
        self.turns = Turns(self.db, cipher, replica=name)
        provider = ModelProvider(client=cast, models=chain)
        path = folder / f"models-{name}.yaml"
        ours = {"fallbacks": [model.name for model in chain[1:]], "agents": dict(own or {})}
        path.write_text(yaml.safe_dump({"model_list": [], "codelab": ours}))
        settings = LlmSettings(models_file=path, caps=caps or Caps())
        self.models = Models(settings, self.db, self.bus, limiter, (provider,))
        self.hitl = Hitl(
            self.db,
            cipher,
            self.turns,
            Rulebook(self.db, cipher, rules, self.sessions.get, self.workspaces.get),
            limiter,
            hitl or HitlSettings(),
            self._prepare_edited,
        )
        tools = Tools(gate=self.hitl, limiter=limiter, bus=self.bus)
        tools.register((*register_tools(), *self.props.all()))
        self.services = Services(
            db=self.db,
            bus=self.bus,
            turns=self.turns,
            models=self.models,
            tools=tools,
            hitl=self.hitl,
            agents=AgentRegistry(AGENTS),
            keeper=Keeper(self.workspaces.snapshots, self.bus) if keeping else None,
            max_steps=max_steps,
            turn_time_s=turn_time_s,
        )
        self.checkpoints = Checkpoints(self.services, self.sessions, self.workspaces, limiter)
        self.runner = Runner(self.services, self.workspaces, pace=pace)

    async def _prepare_edited(
        self, approval: ApprovalRecord, parameters: dict[str, Any]
    ) -> EditedCall:
        return await prepare_edited(self.services, self.workspaces, approval, parameters)

    async def start(self) -> None:
        """Begin to carry turns forward."""
        await self.runner.start(self.bus)

    async def close(self) -> None:
        """End, as a process that is stopped in an orderly way does."""
        await self.runner.close()
        await self.models.close()
        await self.workspaces.close()
        await self.db.close()

    def events(self, kind: type[Event]) -> list[Any]:
        """Return the events of a type that were published here."""
        return [event for event in self.heard if isinstance(event, kind)]


class Stage:
    """A project, a session of Ann's, and the replicas that serve it."""

    def __init__(self, database_url: str, folder: Path) -> None:
        self.database_url = database_url
        self.folder = folder
        self.project = folder / "projects" / "shop"
        self.cast = Cast()
        self.replicas: list[Replica] = []
        self.session_id = ""

    @property
    def first(self) -> Replica:
        """The first replica."""
        return self.replicas[0]

    async def replica(self, **options: Any) -> Replica:
        """Start one more replica."""
        made = Replica(self.database_url, self.folder, self.cast, **options)
        if not self.replicas:
            await self._prepare(made)
        self.replicas.append(made)
        await made.start()
        return made

    async def _prepare(self, replica: Replica) -> None:
        self.project.mkdir(parents=True)
        (self.project / "README.md").write_text("# Shop\n")
        await make_tables(replica.db)
        async with replica.db.transaction() as tx:
            await tx.execute(
                sa.insert(users).values(
                    id=ANN.user_id,
                    name=ANN.name,
                    name_key=ANN.name,
                    role="user",
                    password_hash="-",
                    created_at=utc_now(),
                )
            )
        workspace = await replica.workspaces.create(ANN, "shop")
        self.session_id = (await replica.sessions.create(ANN, workspace.id)).id

    async def ask(
        self, text: str = "Do it", *, agent: str = "coder", on: Replica | None = None
    ) -> TurnRef:
        """Start a turn."""
        replica = on or self.first
        return await replica.sessions.start_turn(ANN, self.session_id, text, agent=agent)

    async def turn(self, text: str = "Do it", *, agent: str = "coder") -> list[AnyFact]:
        """Start a turn and return its facts when it is over."""
        return await self.over(await self.ask(text, agent=agent))

    async def over(self, turn: TurnRef) -> list[AnyFact]:
        """Wait for a turn's end and return its facts."""
        await until(lambda: self.closed(turn))
        return await self.facts(turn)

    def closed(self, turn: TurnRef) -> list[TurnClosed]:
        """Return the ends of a turn that were announced on any replica."""
        return [
            event
            for replica in self.replicas
            for event in replica.events(TurnClosed)
            if event.turn_id == turn.turn_id
        ]

    async def facts(self, turn: TurnRef) -> list[AnyFact]:
        """Read a turn's facts."""
        found = await self.first.turns.entries(turn.session_id, turn.turn_id)
        return [entry.fact for entry in found]

    async def approvals(self, status: str = "pending") -> list[ApprovalRecord]:
        """Read the session's requests for approval, oldest first."""
        found = await self.first.hitl.list_for(ANN, status=status, session_id=self.session_id)
        return found[::-1]

    async def asked(self, count: int = 1) -> list[ApprovalRecord]:
        """Wait until humans are asked for so many approvals."""

        async def enough() -> list[ApprovalRecord]:
            found = await self.approvals()
            return found if len(found) == count else []

        return await until_awaited(enough)

    async def suspended(self) -> None:
        """Wait until no replica carries a turn, and nobody holds a lease."""

        async def nobody() -> bool:
            running = any(replica.runner.running for replica in self.replicas)
            return not running and await self.owner() is None

        await until_awaited(nobody)

    async def owner(self) -> str | None:
        """Read who holds the session's lease."""
        async with self.first.db.read() as db:
            owner: str | None = await db.scalar(
                sa.select(sessions.c.lease_owner).where(sessions.c.id == self.session_id)
            )
        return owner

    async def lease(self) -> Any:
        """Read the session's row with its lease."""
        async with self.first.db.read() as db:
            query = sa.select(sessions).where(sessions.c.id == self.session_id)
            return (await db.execute(query)).one()

    async def turns(self) -> list[TurnRef]:
        """Read which turns the session has."""
        async with self.first.db.read() as db:
            query = sa.select(turns.c.id).where(turns.c.session_id == self.session_id)
            found = await db.scalars(query)
            return [
                TurnRef(session_id=self.session_id, turn_id=one, message_id="") for one in found
            ]

    async def cancel(self, *, on: Replica | None = None) -> TurnRef:
        """Cancel the running turn."""
        turn_id = await (on or self.first).sessions.request_cancel(ANN, self.session_id)
        return TurnRef(session_id=self.session_id, turn_id=turn_id, message_id="")

    async def use(self, approval_id: str) -> None:
        """Mark an approval as used, as its gate would."""
        await self.change_approval(approval_id, used_at=utc_now())

    async def age_log(self, by: timedelta, last_seq: int = 10_000) -> None:
        """Move entries of the session's log into the past, as time would have."""
        log = await self.first.sessions.entries(ANN, self.session_id)
        async with self.first.db.transaction() as tx:
            for entry in log[:last_seq]:
                mine = (entries.c.session_id == self.session_id, entries.c.seq == entry.seq)
                await tx.execute(sa.update(entries).where(*mine).values(at=entry.at - by))

    async def change_approval(self, approval_id: str, **values: Any) -> None:
        """Write to an approval's row, as time would have."""
        async with self.first.db.transaction() as tx:
            await tx.execute(
                sa.update(approvals).where(approvals.c.id == approval_id).values(**values)
            )

    async def open_another_session(self) -> None:
        """Go on in a new session."""
        workspace_id = (await self.lease()).workspace_id
        self.session_id = (await self.first.sessions.create(ANN, workspace_id)).id

    async def add_waiting_sessions(self, count: int) -> None:
        """Add sessions whose turns wait for a human."""
        record = await self.lease()
        rows = [
            dict(record._mapping)
            | {"id": new_id(), "active_turn_id": new_id(), "lease_owner": None}
            for _ in range(count)
        ]
        asked = [_waiting(row["id"], row["active_turn_id"]) for row in rows]
        async with self.first.db.transaction() as tx:
            await tx.execute(sa.insert(sessions), rows)
            await tx.execute(sa.insert(approvals), asked)

    async def change_session(self, **values: Any) -> None:
        """Write to the session's row, as time or another replica would have."""
        async with self.first.db.transaction() as tx:
            await tx.execute(
                sa.update(sessions).where(sessions.c.id == self.session_id).values(**values)
            )


def _waiting(session_id: str, turn_id: str) -> dict[str, Any]:
    return {
        "id": new_id(),
        "session_id": session_id,
        "turn_id": turn_id,
        "call_id": "call",
        "user_id": ANN.user_id,
        "agent": "coder",
        "tool": "launch",
        "parameters": b"",
        "digest": "",
        "preview": b"",
        "risk": "high",
        "status": "pending",
        "created_at": utc_now(),
        "expires_at": utc_now() + timedelta(hours=1),
        "feedback": b"",
    }


async def until(condition: Callable[[], T]) -> T:
    """Wait until a condition holds; a deadline makes it a failure."""

    async def ask() -> T:
        return condition()

    return await until_awaited(ask)


async def until_awaited(condition: Callable[[], Awaitable[T]]) -> T:
    """Like `until`, for a condition that has to be awaited."""
    deadline = time.monotonic() + PATIENCE_S
    while not (found := await condition()):
        if time.monotonic() > deadline:
            raise AssertionError("it did not come to pass")
        await asyncio.sleep(0.005)
    return found


def of(facts: list[AnyFact], kind: type[F]) -> list[F]:
    """Return the facts of a type."""
    return [fact for fact in facts if isinstance(fact, kind)]

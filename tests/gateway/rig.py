"""A real server on loopback around the real services, on a database in a folder of the test's."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import msgspec
import uvicorn
from litestar import Litestar, Router
from redis.asyncio import Redis
from websockets.asyncio.client import ClientConnection, connect
from websockets.typing import Subprotocol

from codelab.auth.api import Auth, AuthSettings, Principal
from codelab.auth.routes import authentication
from codelab.auth.routes import router as auth_router
from codelab.gateway.dispatch import Dispatcher
from codelab.gateway.docs_page import docs_routes
from codelab.gateway.file_watching import FileWatches
from codelab.gateway.health import Health, database_check, health_routes, relay_check
from codelab.gateway.metrics import Metrics
from codelab.gateway.observing import Observed
from codelab.gateway.presence import Presence
from codelab.gateway.problems import exception_handlers
from codelab.gateway.reminding import Reminder
from codelab.gateway.routes import events_route, metrics_route
from codelab.gateway.schema import openapi_config
from codelab.gateway.server import listen, server_config
from codelab.gateway.socket import Socket, socket_route
from codelab.gateway.sse import chat_route
from codelab.gateway.stream import Stream
from codelab.gateway.terminal_socket import TerminalSocket, terminal_route
from codelab.hitl.api import (
    ApprovalRecord,
    EditedCall,
    Hitl,
    HitlSettings,
    Pending,
    ReviewRequest,
    Rulebook,
    Subject,
)
from codelab.kit.bus import Bus
from codelab.kit.clock import utc_now
from codelab.kit.crypto import Cipher
from codelab.kit.db import Database
from codelab.kit.ids import new_id
from codelab.kit.ratelimit import RateLimiter
from codelab.kit.relay import MemoryRelay, RedisRelay, Relay
from codelab.sdk.gate import Call
from codelab.sessions.api import Lease, SessionRecord, Sessions, Turns
from codelab.sessions.events import AnyFact, TokenStreamed, TurnStarted
from codelab.sessions.routes import router as sessions_router
from codelab.workspace.api import TerminalLimits, Terminals, Workspaces, WorkspaceSettings
from codelab.workspace.terminals.routes import router as terminals_router
from tests.support.tables import make_tables

SECRET = "a-secret-of-the-tests-that-is-long-enough"
PASSWORD = "correct horse battery"
ALLOWED_ORIGIN = "https://ide.example.org"

Frame = dict[str, Any]


async def unchanged(record: ApprovalRecord, parameters: dict[str, Any]) -> EditedCall:
    """Prepare a call whose target is as it was."""
    return EditedCall(
        parameters=parameters,
        digest=record.digest,
        preview=record.preview,
        subject=Subject(tool=record.tool, protected=True),
    )


class Replica:
    """One process's worth of services, and its server."""

    def __init__(self, database_url: str, folder: Path, relay: Relay) -> None:
        self.bus = Bus()
        self.relay = relay
        self.db = Database(database_url, self.bus)
        self.auth = Auth(
            self.db,
            AuthSettings(
                secrets=(SECRET,),
                internal_secret="an-internal-secret",
                hash_memory_kib=1024,
                hash_rounds=1,
                standing_ttl_s=0,
            ),
        )
        cipher = Cipher([SECRET])
        workspaces = Workspaces(
            self.db, WorkspaceSettings(data_dir=folder / "data", roots=(folder,))
        )
        self.workspaces = workspaces
        self.sessions = Sessions(self.db, cipher, workspaces.get, replica=f"replica{id(self)}"[:32])
        self.turns = Turns(self.db, cipher, replica=f"replica{id(self)}"[:32])
        self.stream = Stream(self.bus, relay, self.sessions)
        self.metrics = Metrics()
        self.metrics.watch_bus(self.bus)
        self.metrics.watch_database(self.db)
        self.presence = Presence(self.auth, self.metrics.sockets.set, check_s=0.2)
        self.rules = Rulebook(self.db, cipher, (), self.sessions.get, workspaces.get)
        self.hitl = Hitl(
            self.db,
            cipher,
            self.turns,
            self.rules,
            RateLimiter(),
            HitlSettings(),
            redigest=unchanged,
        )
        self.files = FileWatches(self.bus, relay, workspaces, self.sessions)
        self.reminder = Reminder(self.bus, relay, self.hitl, self.presence)
        self.dispatcher = Dispatcher(self.auth, self.sessions, self.hitl, self.stream, self.files)
        self.socket = Socket(
            self.auth,
            self.dispatcher,
            self.presence,
            self.reminder,
            allowed_origins=(ALLOWED_ORIGIN,),
            version="1.2.3",
        )
        self.terminals = Terminals(
            workspaces, self.auth.renewed, self.bus, limits=TerminalLimits(per_user=2, check_s=0.2)
        )
        self.terminal_socket = TerminalSocket(
            self.auth, self.terminals, self.presence, allowed_origins=(ALLOWED_ORIGIN,)
        )
        self.leases: dict[str, Lease] = {}
        self.bus.subscribe(TurnStarted, self._keep)
        self._server: uvicorn.Server | None = None
        self._serving: asyncio.Task[None] | None = None
        self.port = 0

    def app(self) -> Litestar:
        """Put the routes together as the composition root does."""
        api = Router(
            "/api/v1",
            route_handlers=[
                auth_router(self.auth),
                sessions_router(self.sessions),
                events_route(self.sessions),
                chat_route(self.dispatcher, self.stream, self.presence),
                socket_route(self.socket),
                terminals_router(self.terminals),
                terminal_route(self.terminal_socket),
            ],
            middleware=[authentication(self.auth)],
        )
        checks = {"database": database_check(self.db), "relay": relay_check(self.relay)}
        return Litestar(
            [
                api,
                *health_routes(Health("1.2.3", checks)),
                metrics_route(self.metrics, self.auth),
                *docs_routes(),
            ],
            exception_handlers=exception_handlers(),
            openapi_config=openapi_config("1.2.3"),
            request_max_body_size=1024 * 1024,
            logging_config=None,
        )

    async def start(self) -> None:
        """Serve on a port that is free."""
        await self.bus.start()
        await self.stream.start()
        await self.presence.start()
        await self.terminals.start()
        config = server_config(
            Observed(self.app(), self.metrics, self.auth), host="127.0.0.1", port=0, lifespan="off"
        )
        listener = listen(config)
        self.port = listener.getsockname()[1]
        self._server = uvicorn.Server(config)
        self._serving = asyncio.create_task(self._server.serve([listener]))
        async with httpx.AsyncClient() as http:
            await http.get(f"http://127.0.0.1:{self.port}/health/live")

    async def stop(self) -> None:
        """Stop serving and close what is open."""
        if self._server is not None and self._serving is not None:
            self._server.should_exit = True
            await self._serving
        await self.presence.close()
        await self.reminder.close()
        await self.terminals.close()
        await self.stream.close()
        await self.files.close()
        await self.bus.close()
        await self.db.close()

    def _keep(self, event: TurnStarted) -> None:
        self.leases[event.session_id] = event.held

    async def append(self, session_id: str, *facts: AnyFact) -> None:
        """Write facts into the session's running turn, as its runner does."""
        held = self.leases[session_id]
        async with self.db.transaction() as tx:
            await self.turns.append(tx, session_id, held.turn_id, facts, held=held)

    async def ask(self, session_id: str, user: User) -> str:
        """Ask a human about a call, as a runner does; returns the approval's id."""
        call = Call(
            call_id=new_id(),
            session_id=session_id,
            turn_id=self.leases[session_id].turn_id,
            user_id=user.principal.user_id,
            agent="coder",
            tool="write_file",
            parameters=b"{}",
            digest="d",
        )
        async with self.db.transaction() as tx:
            review = await self.hitl.review(
                tx,
                ReviewRequest(
                    call=call, risk="high", protected=True, gated=True, workspace_id=new_id()
                ),
                utc_now(),
            )
        assert isinstance(review, Pending)
        return review.approval_id

    def say(self, session_id: str, message_id: str, text: str, offset: int) -> None:
        """Stream a piece of a message, as a runner does."""
        self.bus.publish(
            TokenStreamed(
                session_id=session_id,
                message_id=message_id,
                agent="coder",
                text=text,
                offset=offset,
            )
        )


class User:
    """Somebody with an account, and their clients."""

    def __init__(self, name: str, token: str, principal: Principal) -> None:
        self.name = name
        self.token = token
        self.principal = principal

    @property
    def headers(self) -> dict[str, str]:
        """What each request carries."""
        return {"Authorization": f"Bearer {self.token}"}

    def http(self, replica: Replica) -> httpx.AsyncClient:
        """Make a client of the REST interface."""
        base = f"http://127.0.0.1:{replica.port}"
        return httpx.AsyncClient(base_url=base, headers=self.headers)

    def socket(self, replica: Replica, **options: Any) -> connect:
        """Make a connection that has yet to be opened."""
        return connect(
            f"ws://127.0.0.1:{replica.port}/api/v1/ws",
            additional_headers=self.headers,
            subprotocols=[Subprotocol("codelab.v1")],
            compression=None,
            max_size=2**21,
            **options,
        )


async def read(socket: ClientConnection, *, within_s: float = 5) -> Frame:
    """Read one frame."""
    async with asyncio.timeout(within_s):
        frame: Frame = msgspec.json.decode(await socket.recv())
    return frame


async def read_until(socket: ClientConnection, kind: str) -> list[Frame]:
    """Read frames up to the first of a kind."""
    frames = [await read(socket)]
    while frames[-1]["type"] != kind:
        frames.append(await read(socket))
    return frames


async def send(socket: ClientConnection, frame: object) -> None:
    """Send one frame."""
    await socket.send(msgspec.json.encode(frame).decode())


@asynccontextmanager
async def running(database_url: str, folder: Path) -> AsyncIterator[Replica]:
    """Run a server of one process on an empty database."""
    replica = Replica(database_url, folder, MemoryRelay())
    try:
        await make_tables(replica.db)
        await replica.start()
        yield replica
    finally:
        await replica.stop()


@asynccontextmanager
async def running_pair(
    database_url: str, folder: Path, redis_url: str
) -> AsyncIterator[tuple[Replica, Replica]]:
    """Run two replicas on the same stores."""
    relays = [RedisRelay(Redis.from_url(redis_url)) for _ in range(2)]
    one, two = (Replica(database_url, folder, relay) for relay in relays)
    try:
        await make_tables(one.db)
        for replica in (one, two):
            await replica.relay.start()
            await replica.start()
        yield one, two
    finally:
        for replica in (one, two):
            await replica.stop()
            await replica.relay.close()


async def sign_up(replica: Replica, name: str, *, admin: bool = False) -> User:
    """Make a user who is signed in."""
    await replica.auth.create_user(name, PASSWORD, admin=admin)
    pair = await replica.auth.sign_in(name, PASSWORD)
    return User(name, pair.access_token, await replica.auth.authenticate(pair.access_token))


async def open_session(replica: Replica, user: User, folder: Path) -> SessionRecord:
    """Open a session on a new project of the user's."""
    project = folder / f"project-{user.name}"
    project.mkdir()
    workspace = await replica.workspaces.create(user.principal, str(project))
    return await replica.sessions.create(user.principal, workspace.id)

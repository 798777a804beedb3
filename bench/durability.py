"""What it costs that nothing is lost: events, whole turns, and answers over two replicas.

    python3 dev.py bench durability [ROUNDS]

Persisting is measured in this process; turns and answers against real servers. The model answers
at once. PostgreSQL flushes to disk, as it does by default; so does SQLite here.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from statistics import median

import msgspec
import sqlalchemy as sa

from bench import machine
from codelab.auth.models import users
from codelab.kit.bus import Bus
from codelab.kit.clock import utc_now
from codelab.kit.crypto import Cipher
from codelab.kit.db import Database
from codelab.kit.ids import new_id
from codelab.sdk.model import Usage
from codelab.sessions.api import Turns
from codelab.sessions.events import UsageRecorded
from codelab.sessions.models import sessions
from codelab.workspace.models import workspaces
from tests.conftest import Stores
from tests.flows.harness import PASSWORD, USER, Client, CodeLab, collect, send, signed_in
from tests.model_server.process import ModelServer
from tests.model_server.script import Reply, ToolCall, When
from tests.support.servers import PostgresServer, ValkeyServer

KEY = "bench"
EVENTS = 1000
TURNS, AT_ONCE = 200, 20
ANSWERS = 50
_LIMITS = {
    "CODELAB_LLM_REQUESTS_PER_HOUR": "1000000",
    "CODELAB_APPROVAL_REQUESTS_PER_HOUR": "1000000",
    "CODELAB_FILE_OPERATIONS_PER_HOUR": "1000000",
    "CODELAB_LOG_LEVEL": "warning",
}


class Bench:
    """The servers of the benchmark, in one folder."""

    def __init__(self, folder: Path, upstream: ModelServer) -> None:
        self.folder = folder
        self.upstream = upstream
        self.project = folder / "project"
        self.project.mkdir()
        self.postgres = PostgresServer(self._made("postgres"), fsync=True)
        self.redis = ValkeyServer(self._made("redis"))

    def _made(self, name: str) -> Path:
        folder = self.folder / name
        folder.mkdir()
        return folder

    def sqlite(self) -> Stores:
        """Return an empty embedded store."""
        return Stores("embedded", f"sqlite+aiosqlite:///{self.folder / new_id()}.db", None)

    async def servers(self, *, redis: bool) -> Stores:
        """Return an empty database on PostgreSQL, with Redis or without."""
        name = f"bench_{new_id()}"
        url = self.postgres.url.replace("postgresql://", "postgresql+asyncpg://")
        admin = Database(url, Bus())
        async with admin.engine.connect() as connection:
            plain = await connection.execution_options(isolation_level="AUTOCOMMIT")
            await plain.execute(sa.text(f'CREATE DATABASE "{name}"'))
        await admin.close()
        own = f"{url.rpartition('/')[0]}/{name}"
        return Stores("servers", own, self.redis.url if redis else None)

    def server(self, stores: Stores) -> CodeLab:
        """Describe one process of CodeLab."""
        models = (
            "model_list:\n  - model_name: scripted\n    litellm_params:\n"
            f"      model: openai/scripted\n      api_base: {self.upstream.openai_url}\n"
            f"      api_key: {KEY}\n"
        )
        return CodeLab(self.folder, self.project, stores, models, extra=_LIMITS)

    @asynccontextmanager
    async def replicas(self, stores: Stores, count: int) -> AsyncIterator[list[Client]]:
        """Start so many processes over the same stores and sign in to each."""
        servers = [self.server(stores) for _ in range(count)]
        servers[0].run("migrate")
        servers[0].run("user", "add", USER, "--admin", "--password-stdin", stdin=PASSWORD)
        try:
            for server in servers:
                await server.start()
            async with signed_in(servers[0]) as one, signed_in(servers[-1]) as last:
                yield [one, last]
        finally:
            for server in servers:
                server.stop()


async def persist(bench: Bench, stores: Stores, batch: int) -> float:
    """Return the microseconds that one event costs when so many are appended at once."""
    bench.server(stores).run("migrate")
    db = Database(stores.database_url, Bus())
    turns = Turns(db, Cipher(["a secret of this benchmark, long enough"]), replica="bench")
    session_id, turn_id = await _session(db)
    facts = [UsageRecorded(agent="coder", model="scripted", usage=Usage())] * batch
    started = time.perf_counter()
    for _ in range(EVENTS // batch):
        async with db.transaction() as tx:
            await turns.append(tx, session_id, turn_id, facts)
    spent = time.perf_counter() - started
    await db.close()
    return spent / EVENTS * 1e6


async def _session(db: Database) -> tuple[str, str]:
    user_id, workspace_id, session_id, turn_id = (new_id() for _ in range(4))
    now = utc_now()
    user = {"id": user_id, "name": "u", "name_key": "u", "role": "user", "password_hash": "-"}
    place = {"id": workspace_id, "name": "w", "path": "/w", "path_digest": "w"}
    session = {"id": session_id, "user_id": user_id, "workspace_id": workspace_id, "title": b""}
    async with db.transaction() as tx:
        await tx.execute(sa.insert(users).values(user | {"created_at": now}))
        await tx.execute(sa.insert(workspaces).values(place | {"created_at": now}))
        await tx.execute(
            sa.insert(sessions).values(
                session | {"created_at": now, "last_activity_at": now, "active_turn_id": turn_id}
            )
        )
    return session_id, turn_id


async def turns_per_second(bench: Bench, stores: Stores) -> float:
    """Start and finish many short turns, several at a time."""
    await bench.upstream.script(KEY, [Reply(text="Done.", repeat=True)])
    async with bench.replicas(stores, 1) as (client, _):
        opened = [await client.new_session() for _ in range(AT_ONCE)]

        async def work(session_id: str) -> None:
            async with client.socket() as socket:
                for _ in range(TURNS // AT_ONCE):
                    await send(socket, "chat", session_id, message="Go", agent="ask")
                    await collect(socket, session_id)

        await work(opened[0])
        started = time.perf_counter()
        await asyncio.gather(*(work(session_id) for session_id in opened))
        return TURNS / (time.perf_counter() - started)


async def answers(bench: Bench, stores: Stores) -> tuple[list[float], float]:
    """Answer on one replica what turns of the other one wait for.

    Returns:
        The milliseconds from each single answer to its tool's effect, and the seconds until the
        effects of many answers at once were all there.
    """
    await bench.upstream.script(KEY, [*_writes(2 * ANSWERS), Reply(text="Done.", repeat=True)])
    async with bench.replicas(stores, 2) as (asking, answering):
        single = [await _asked(asking, number) for number in range(ANSWERS)]
        spent = []
        for number, approval_id in enumerate(single):
            started = time.time()
            await answering.call("PUT", f"hitl/requests/{approval_id}/approve")
            spent.append((await _effect(bench, number) - started) * 1000)
        several = [await _asked(asking, ANSWERS + number) for number in range(ANSWERS)]
        started = time.time()
        await asyncio.gather(
            *(answering.call("PUT", f"hitl/requests/{one}/approve") for one in several)
        )
        last = max([await _effect(bench, ANSWERS + number) for number in range(ANSWERS)])
        return spent, last - started


def _writes(count: int) -> list[Reply]:
    return [
        Reply(
            tool_calls=[ToolCall("write_file", {"path": f"out/{number}.txt", "content": "x\n"})],
            when=When(last_contains=f"write number {number}!"),
        )
        for number in range(count)
    ]


async def _asked(client: Client, number: int) -> str:
    session_id = await client.new_session()
    async with client.socket() as socket:
        await send(socket, "chat", session_id, message=f"write number {number}!", agent="coder")
        async for text in socket:
            frame = msgspec.json.decode(text)
            if frame["type"] == "tool_call":
                approval_id = str(frame["data"]["approval_id"])
            if frame["type"] == "state" and frame["data"]["state"] == "waiting":
                return approval_id
    raise SystemExit("the turn asked for nothing")


async def _effect(bench: Bench, number: int) -> float:
    """Wait for a written file and return when it was written, in seconds since the epoch."""
    file = bench.project / "out" / f"{number}.txt"
    while True:
        if file.exists():
            written = file.stat().st_mtime
            file.unlink()
            return written
        await asyncio.sleep(0.002)


async def main(rounds: int) -> None:
    """Interleave the stores over several rounds and print what each gave."""
    print(machine.describe())
    print(f"{'':<46} {'least':>9} {'median':>9} {'most':>9}")
    with tempfile.TemporaryDirectory() as name, ModelServer() as upstream:
        bench = Bench(Path(name), upstream)
        bench.postgres.start()
        bench.redis.start()
        try:
            await _measure(bench, rounds)
        finally:
            bench.redis.stop()
            bench.postgres.stop()


async def _measure(bench: Bench, rounds: int) -> None:
    stores: dict[str, Callable[[], Awaitable[Stores]]] = {
        "SQLite": lambda: asyncio.sleep(0, bench.sqlite()),
        "PostgreSQL": lambda: bench.servers(redis=False),
        "PostgreSQL, Redis": lambda: bench.servers(redis=True),
    }
    found: dict[tuple[str, str], list[float]] = {}

    def note(what: str, unit: str, *values: float) -> None:
        found.setdefault((what, unit), []).extend(values)

    for _ in range(rounds):
        for store in ("SQLite", "PostgreSQL"):
            for batch in (1, 100):
                spent = await persist(bench, await stores[store](), batch)
                note(f"one event, {batch} in a commit, {store}", "us", spent)
        for store in ("SQLite", "PostgreSQL, Redis"):
            note(f"turns, {store}", "/s", await turns_per_second(bench, await stores[store]()))
        for store in ("PostgreSQL", "PostgreSQL, Redis"):
            single, several = await answers(bench, await stores[store]())
            note(f"answer to effect, p50, {store}", "ms", median(single))
            note(f"answer to effect, p95, {store}", "ms", machine.percentile(single, 0.95))
            note(f"{ANSWERS} answers at once, all done, {store}", "s", several)
    for (what, unit), values in found.items():
        print(machine.row(what, values, unit))


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else 3))

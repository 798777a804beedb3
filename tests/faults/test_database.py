"""PostgreSQL is restarted and its connections are cut under load: nothing acknowledged is lost.

python3 dev.py test -m long tests/faults/test_database.py        # restarts for two minutes
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import asyncpg
import pytest

from tests.faults.cluster import AWAY, Cluster, finish_turn, only_once, start_turn
from tests.faults.wire import Wire
from tests.flows.harness import Client
from tests.model_server.script import Reply, ToolCall
from tests.support.chance import Chance
from tests.support.servers import PostgresServer

HEALTHY_WITHIN_S = 10.0
READ = ToolCall("read_file", {"path": "README.md"})


@pytest.fixture
def postgres(tmp_path: Path) -> Iterator[PostgresServer]:
    """A PostgreSQL of the test's own."""
    folder = tmp_path / "postgres"
    folder.mkdir()
    server = PostgresServer(folder)
    server.start()
    yield server
    server.kill()


@pytest.fixture
async def wire(postgres: PostgresServer) -> AsyncIterator[Wire]:
    """The way from the replicas to it."""
    made = Wire(postgres.port)
    await made.mend()
    yield made
    await made.cut()


@pytest.fixture
async def database_url(postgres: PostgresServer, wire: Wire) -> str:
    """An empty database at the far end of the wire."""
    connection = await asyncpg.connect(postgres.url)
    await connection.execute("CREATE DATABASE codelab")
    await connection.close()
    account = postgres.url.removeprefix("postgresql://").partition("@")[0]
    return f"postgresql+asyncpg://{account}@127.0.0.1:{wire.port}/codelab"


async def work(clients: list[Client], turns: int, name: str) -> None:
    """Go through turns one after the other; each that was acknowledged must come to its end."""
    session_id = await new_session(clients)
    for number in range(turns):
        await start_turn(clients, session_id, f"{name} {number}")
        log = await finish_turn(clients, session_id, only_once, within_s=40)
        ends = [frame for frame in log if frame["type"] == "done"]
        asked = [frame["data"] for frame in log if frame["type"] == "message"]
        mine = [one["text"] for one in asked if one["role"] == "user"]
        assert mine == [f"{name} {done}" for done in range(number + 1)]
        assert len(ends) == number + 1
    for_turns: dict[str, list[object]] = {}
    for frame in log:
        for_turns.setdefault(frame["turn_id"], []).append(frame)
    assert len(for_turns) == turns
    assert [frame["seq"] for frame in log] == list(range(1, len(log) + 1))


async def new_session(clients: list[Client]) -> str:
    """Open a session as soon as a server can."""
    for attempt in range(200):
        try:
            return await clients[attempt % len(clients)].new_session()
        except AWAY:
            await asyncio.sleep(0.1)
    raise AssertionError("no session could be opened")


async def look(client: Client, stop: asyncio.Event) -> set[int]:
    """Ask again and again; whatever is wrong is said in the form that was promised."""
    seen = set()
    while not stop.is_set():
        async with client.http.get(f"{client.url}/api/v1/sessions", headers=client.headers) as got:
            body = await got.text()
            seen.add(got.status)
            assert got.status in (200, 503), body
            assert "Traceback" not in body
            if got.status == 503:
                assert got.headers["Content-Type"].startswith("application/problem+json")
                assert int(got.headers["Retry-After"]) > 0
        await asyncio.sleep(0.05)
    return seen


async def until_healthy(cluster: Cluster) -> None:
    """Wait until every replica says that it is well, which must be soon."""
    deadline = time.monotonic() + HEALTHY_WITHIN_S
    for replica in cluster.replicas:
        while True:
            async with cluster.http.get(f"{replica.url}/health") as answer:
                if answer.status == 200 and (await answer.json())["status"] == "ok":
                    break
                assert time.monotonic() < deadline, await answer.text()
            await asyncio.sleep(0.1)


async def restart(postgres: PostgresServer, times: int, chance: Chance, pause_s: float) -> None:
    """Restart the server, in good order and as after a crash by turns."""
    for number in range(times):
        await asyncio.sleep(chance.between(0.3 * pause_s, pause_s))
        await asyncio.to_thread(postgres.kill if number % 2 else postgres.stop)
        await asyncio.sleep(0.5)
        await asyncio.to_thread(postgres.start)


async def cut(wire: Wire, times: int, chance: Chance) -> None:
    """Break the connections in the midst of whatever they carry."""
    for _ in range(times):
        await asyncio.sleep(chance.between(0.01, 0.4))
        wire.break_off()


async def script(cluster: Cluster) -> None:
    """Have the model read a file now and then."""
    replies = [Reply(tool_calls=[READ]), *(Reply(text="Done.") for _ in range(2))]
    await cluster.model.script(cluster.key, [*replies * 100])


@pytest.mark.timeout(150)
async def test_restarts_under_load(cluster: Cluster, postgres: PostgresServer) -> None:
    await script(cluster)
    clients, stop = [cluster.client(0), cluster.client(1)], asyncio.Event()
    async with asyncio.TaskGroup() as group:
        looking = group.create_task(look(clients[1], stop))
        working = [group.create_task(work(clients, 4, f"turn of {name}")) for name in range(3)]
        await restart(postgres, 2, Chance(1), 2)
        await until_healthy(cluster)
        await asyncio.gather(*working)
        stop.set()
    assert looking.result() == {200, 503}


@pytest.mark.timeout(150)
async def test_connections_that_break_in_the_midst_of_commits(cluster: Cluster, wire: Wire) -> None:
    await script(cluster)
    clients = [cluster.client(0), cluster.client(1)]
    async with asyncio.TaskGroup() as group:
        for name in range(3):
            group.create_task(work(clients, 4, f"turn of {name}"))
        await cut(wire, 25, Chance(2))
    await until_healthy(cluster)


@pytest.mark.long
@pytest.mark.timeout(600)
async def test_restarts_for_two_minutes(cluster: Cluster, postgres: PostgresServer) -> None:
    await script(cluster)
    clients = [cluster.client(0), cluster.client(1)]
    async with asyncio.TaskGroup() as group:
        for name in range(20):
            group.create_task(work(clients, 6, f"turn of {name}"))
        await restart(postgres, 10, Chance(3), 20)
    await until_healthy(cluster)

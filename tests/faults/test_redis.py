"""Redis dies, forgets or cannot be reached: the database is the truth, and streams come back.

python3 dev.py test -m long tests/faults/test_redis.py        # half a minute without Redis
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest
import redis
from websockets.asyncio.client import ClientConnection

from tests.faults.cluster import Cluster, check_whole, events, finish_turn, only_once, start_turn
from tests.faults.wire import Wire
from tests.model_server.script import Reply
from tests.support.servers import ValkeyServer

BACK_WITHIN_S = 10.0


@pytest.fixture
async def wire(valkey: ValkeyServer) -> AsyncIterator[Wire]:
    """The way from the replicas to Redis."""
    made = Wire(valkey.port)
    await made.mend()
    yield made
    await made.cut()


@pytest.fixture
def redis_url(wire: Wire) -> str:
    """Redis, at the far end of the wire."""
    return f"redis://127.0.0.1:{wire.port}/0"


async def take_away(how: str, valkey: ValkeyServer, wire: Wire) -> None:
    """Hurt Redis."""
    match how:
        case "killed":
            valkey.kill()
        case "flushed":
            with redis.Redis.from_url(valkey.url) as client:
                client.flushall()
        case "unreachable":
            await wire.cut()


async def bring_back(how: str, valkey: ValkeyServer, wire: Wire) -> None:
    """Mend what was hurt."""
    match how:
        case "killed":
            await asyncio.to_thread(valkey.start)
        case "unreachable":
            await wire.mend()


async def see(socket: ClientConnection, session_id: str) -> set[tuple[str, int]]:
    """Read up to a piece of text of a session; return the stored frames that came before it."""
    seen = set()
    async for text in socket:
        frame = msgspec.json.decode(text)
        if "seq" in frame:
            seen.add((frame["session_id"], frame["seq"]))
        if frame["type"] == "token" and frame["session_id"] == session_id:
            return seen
    raise AssertionError("the connection ended")


async def survive(cluster: Cluster, valkey: ValkeyServer, wire: Wire, how: str, s: float) -> None:
    """Work through an absence of Redis."""
    slow = Reply(text=["word "] * 40, token_delay_s=0.05, repeat=True)
    await cluster.model.script(cluster.key, [slow])
    here, there = cluster.client(0), cluster.client(1)
    before, meanwhile, after = [await here.new_session() for _ in range(3)]
    async with there.socket() as socket:
        for session_id in (before, meanwhile, after):
            frame: dict[str, Any] = {"type": "resume", "session_id": session_id}
            await socket.send(msgspec.json.encode(frame | {"data": {"last_seq": 0}}).decode())
        await start_turn([here], before, "Before")
        frames = await see(socket, before)
        await take_away(how, valkey, wire)
        await start_turn([here], meanwhile, "Meanwhile")
        await asyncio.sleep(s)
        for session_id in (before, meanwhile):
            log = await finish_turn([there], session_id, only_once, within_s=30)
            check_whole(log)
            assert log[-1]["data"]["stop_reason"] == "end"
        await bring_back(how, valkey, wire)
        back = time.monotonic()
        # Whoever watches elsewhere sees text as it comes again, soon after.
        await cluster.model.script(cluster.key, [Reply(text=["w "] * 300, token_delay_s=0.05)])
        await start_turn([here], after, "After")
        async with asyncio.timeout(BACK_WITHIN_S + 15):
            frames |= await see(socket, after)
        # And what was stored in between arrives, too.
        stored = {
            (session_id, entry["seq"])
            for session_id in (before, meanwhile)
            for entry in await events(there, session_id)
        }
        async with asyncio.timeout(BACK_WITHIN_S + 15):
            while not stored <= frames:
                frames |= await see(socket, after)
        assert time.monotonic() - back < BACK_WITHIN_S


@pytest.mark.parametrize("how", ["killed", "flushed", "unreachable"])
async def test_turns_go_on_and_streams_come_back(
    cluster: Cluster, valkey: ValkeyServer, wire: Wire, how: str
) -> None:
    await survive(cluster, valkey, wire, how, 1)


@pytest.mark.long
@pytest.mark.timeout(180)
@pytest.mark.parametrize("how", ["killed", "unreachable"])
async def test_half_a_minute_without_it(
    cluster: Cluster, valkey: ValkeyServer, wire: Wire, how: str
) -> None:
    await survive(cluster, valkey, wire, how, 30)

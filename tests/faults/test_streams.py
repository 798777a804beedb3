"""What clients see over connections that break, through the proxy and over both replicas.

python3 dev.py test -m long tests/faults/test_streams.py        # a reader that stalls a minute
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed

from bench.machine import resident_mib
from codelab.gateway.closing import CloseCode
from tests.deploy.proxy import Proxy
from tests.faults.cluster import Cluster, check_whole, events, finish_turn, only_once, start_turn
from tests.flows.harness import Frame
from tests.model_server.script import Reply, ToolCall
from tests.support.chance import Chance

READ = ToolCall("read_file", {"path": "README.md"})


async def resume(socket: ClientConnection, session_id: str, last_seq: int, epoch: int = 1) -> None:
    """Ask for what was missed."""
    data = {"last_seq": last_seq, "epoch": epoch}
    frame = {"type": "resume", "session_id": session_id, "data": data}
    await socket.send(msgspec.json.encode(frame).decode())


async def stored(socket: ClientConnection) -> AsyncIterator[Frame]:
    """Go through the frames that are stored, as they come."""
    async for text in socket:
        frame = msgspec.json.decode(text)
        if "seq" in frame:
            yield frame


@pytest.mark.timeout(150)
async def test_a_thousand_events_over_connections_that_break(
    cluster: Cluster, nginx: Proxy
) -> None:
    turns, calls = 17, 28
    replies = [Reply(tool_calls=[READ] * calls), Reply(text="Done.")] * turns
    await cluster.model.script(cluster.key, replies)
    session_id = await cluster.client().new_session()
    async with cluster.behind(nginx) as outside:
        clients = [cluster.client(0), cluster.client(1), outside]
        last: asyncio.Future[str] = asyncio.get_running_loop().create_future()

        async def work() -> None:
            for number in range(turns):
                await start_turn(clients, session_id, f"Number {number}")
                await finish_turn(clients, session_id, only_once, within_s=30)
            log = await events(clients[0], session_id)
            last.set_result(log[-1]["turn_id"])

        async def watch(seed: int) -> list[Frame]:
            seen: list[Frame] = []
            chance = Chance(seed)
            breaks = 0
            while not (last.done() and seen and seen[-1]["turn_id"] == last.result()):
                client = clients[chance.below(3)]
                async with client.socket() as socket:
                    await resume(socket, session_id, seen[-1]["seq"] if seen else 0)
                    left = 20 + chance.below(60)
                    try:
                        async with asyncio.timeout(3):
                            async for frame in stored(socket):
                                seen.append(frame)
                                left -= 1
                                if not left:
                                    break
                    except (TimeoutError, ConnectionClosed):
                        pass
                    socket.transport.abort()
                    breaks += 1
            assert breaks >= 20
            return seen

        watching = [asyncio.create_task(watch(seed)) for seed in range(3)]
        await work()
        record = await events(clients[0], session_id)
        assert len(record) > 1000
        for seen in await asyncio.gather(*watching):
            assert seen == record


async def test_a_stale_cursor_gets_everything_anew(cluster: Cluster, nginx: Proxy) -> None:
    await cluster.model.script(cluster.key, [Reply(text="Done.", repeat=True)])
    session_id = await cluster.client().new_session()
    await start_turn([cluster.client()], session_id, "Go")
    record = await finish_turn([cluster.client()], session_id, only_once, within_s=20)
    async with cluster.behind(nginx) as outside:
        for last_seq, epoch in ((2, 99), (len(record) + 5, 1)):
            async with outside.socket() as socket:
                await resume(socket, session_id, last_seq, epoch)
                recovered: dict[str, Any] = {}
                seen: list[Frame] = []
                async for text in socket:
                    frame = msgspec.json.decode(text)
                    if frame["type"] == "recovered":
                        recovered = frame["data"]
                    if "seq" in frame:
                        seen.append(frame)
                    if frame["type"] == "done":
                        break
            assert recovered == {"ok": False, "from_seq": 0, "last_seq": len(record)}
            assert seen == record


async def stall(cluster: Cluster, megabytes: int, pause_s: float) -> None:
    """Let one reader sleep while much is streamed; see what that costs the server and others."""
    megabyte = Reply(text=["x" * 9_000] * 100, repeat=True)
    await cluster.model.script(cluster.key, [megabyte])
    session_id = await cluster.client().new_session()
    server, client = cluster.replicas[0], cluster.client(0)
    for number in range(3):
        # What such turns cost by themselves is there before the reader is.
        await start_turn([client], session_id, f"Beforehand {number}")
        await finish_turn([client], session_id, only_once, within_s=30)
    async with client.socket() as asleep:
        await resume(asleep, session_id, 0)
        # From here on nobody reads it, and the few frames that its client may keep are soon full.
        before = resident_mib(server.pid)
        for number in range(megabytes):
            await start_turn([client], session_id, f"Number {number}")
            log = await finish_turn([client], session_id, only_once, within_s=30)
        await asyncio.sleep(pause_s)
        assert resident_mib(server.pid) - before < 50
        with pytest.raises(ConnectionClosed) as closed:
            async with asyncio.timeout(20):
                while True:
                    await asleep.recv()
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == CloseCode.TOO_SLOW
    async with client.socket() as awake:
        await resume(awake, session_id, 0)
        seen = []
        async for frame in stored(awake):
            seen.append(frame)
            if frame["seq"] == log[-1]["seq"]:
                break
    assert seen == await events(client, session_id)


async def test_a_reader_that_stalls_costs_nobody_anything(cluster: Cluster) -> None:
    await stall(cluster, 15, 0)


@pytest.mark.long
@pytest.mark.timeout(900)
async def test_a_reader_that_stalls_for_a_minute(cluster: Cluster) -> None:
    await stall(cluster, 200, 60)


def descriptors(pid: int) -> int:
    """Count what a process holds open."""
    return len(list(Path(f"/proc/{pid}/fd").iterdir()))


async def test_bad_frames_by_the_thousand_change_nothing(cluster: Cluster) -> None:
    server, client = cluster.replicas[0], cluster.client(0)
    rubbish = ["{", '{"type":"chat"}', "[]", '{"type":"nonsense","data":{}}', "\u0000", "7" * 1000]

    async def throw(count: int) -> None:
        async with client.socket() as socket:
            with_answers = asyncio.create_task(drain(socket))
            try:
                for number in range(count):
                    await socket.send(rubbish[number % len(rubbish)])
            except ConnectionClosed:
                pass
            await with_answers

    async def drain(socket: ClientConnection) -> None:
        try:
            while True:
                await socket.recv()
        except ConnectionClosed as closed:
            assert closed.rcvd is not None
            assert closed.rcvd.code == CloseCode.TOO_MANY_BAD_FRAMES

    await asyncio.gather(*(throw(200) for _ in range(5)))
    memory, open_before = resident_mib(server.pid), descriptors(server.pid)
    await asyncio.gather(*(throw(200) for _ in range(45)))
    assert resident_mib(server.pid) < memory * 1.1
    assert descriptors(server.pid) < open_before * 1.1 + 2
    await cluster.model.script(cluster.key, [Reply(text="Done.", repeat=True)])
    session_id = await client.new_session()
    await start_turn([client], session_id, "Go")
    check_whole(await finish_turn([client], session_id, only_once, within_s=20))

"""Replicas that are stopped, restarted one after the other, or frozen: no turn is lost."""

from __future__ import annotations

import asyncio
import os
import signal
import time

import msgspec
import pytest

from codelab.sessions.lease import TTL
from tests.faults.cluster import (
    RECOVERY_S,
    Cluster,
    check_whole,
    events,
    finish_turn,
    only_once,
    start_turn,
)
from tests.model_server.script import Reply, ToolCall

READ = ToolCall("read_file", {"path": "README.md"})


async def stopped(cluster: Cluster, at: int) -> float:
    """Stop a replica in good order; return how long that took."""
    started = time.monotonic()
    code = await asyncio.to_thread(cluster.replicas[at].stop)
    assert code == 0
    return time.monotonic() - started


async def test_a_rolling_restart_fails_no_turn(cluster: Cluster) -> None:
    slow = Reply(text=["word "] * 60, token_delay_s=0.05, repeat=True)
    await cluster.model.script(cluster.key, [slow])
    clients = [cluster.client(0), cluster.client(1)]
    sessions = [await cluster.client().new_session() for _ in range(6)]
    for number, session_id in enumerate(sessions):
        await start_turn([clients[number % 2]], session_id, f"Number {number}")
    for at in (0, 1):
        assert await stopped(cluster, at) < RECOVERY_S
        await cluster.replicas[at].start()
    for session_id in sessions:
        log = await finish_turn(clients, session_id, only_once, within_s=RECOVERY_S)
        check_whole(log)
        assert log[-1]["data"]["stop_reason"] == "end"
        assert not [frame for frame in log if frame["type"] == "error"]


async def test_what_does_not_end_in_time_is_handed_over(cluster: Cluster) -> None:
    endless = Reply(text=["word "] * 10, stall_after=5)
    await cluster.model.script(cluster.key, [endless, Reply(text="At last.", repeat=True)])
    session_id = await cluster.client().new_session()
    await start_turn([cluster.client(0)], session_id, "Go")
    assert await stopped(cluster, 0) < RECOVERY_S
    log = await finish_turn([cluster.client(1)], session_id, only_once, within_s=RECOVERY_S)
    check_whole(log)
    spoken = [frame["data"]["text"] for frame in log if frame["type"] == "message"]
    assert spoken[-1] == "At last."


@pytest.mark.timeout(120)
async def test_who_was_frozen_and_overtaken_writes_nothing(cluster: Cluster) -> None:
    long = Reply(text=["word "] * 100, token_delay_s=0.05)
    await cluster.model.script(cluster.key, [long, Reply(text="From the other one.", repeat=True)])
    session_id = await cluster.client().new_session()
    await start_turn([cluster.client(0)], session_id, "Go")
    await asyncio.sleep(1)
    os.kill(cluster.replicas[0].pid, signal.SIGSTOP)
    frozen = time.monotonic()
    log = await finish_turn([cluster.client(1)], session_id, only_once, within_s=RECOVERY_S)
    assert time.monotonic() - frozen > TTL.total_seconds() / 2
    os.kill(cluster.replicas[0].pid, signal.SIGCONT)
    # It finds itself overtaken, and serves as before.
    await asyncio.sleep(3)
    assert await events(cluster.client(0), session_id) == log
    check_whole(log)
    await cluster.model.script(cluster.key, [Reply(text="Here I am.", repeat=True)])
    another = await cluster.client(0).new_session()
    await start_turn([cluster.client(0)], another, "Go")
    check_whole(await finish_turn([cluster.client(0)], another, only_once, within_s=20))


async def test_clients_on_the_other_replica_see_the_turn_go_on(cluster: Cluster) -> None:
    await cluster.model.script(
        cluster.key, [Reply(tool_calls=[READ]), Reply(text="Done.", repeat=True)]
    )
    session_id = await cluster.client().new_session()
    async with cluster.client(1).socket() as socket:
        resume = {"type": "resume", "session_id": session_id, "data": {"last_seq": 0}}
        await socket.send(msgspec.json.encode(resume).decode())
        await start_turn([cluster.client(0)], session_id, "Go")
        seen = []
        async with asyncio.timeout(20):
            async for text in socket:
                frame = msgspec.json.decode(text)
                if "seq" in frame:
                    seen.append(frame)
                if frame["type"] == "done":
                    break
    assert seen == await events(cluster.client(0), session_id)

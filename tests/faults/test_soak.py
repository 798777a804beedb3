"""Fifty clients for an hour: memory stays where it is, and nothing is left open or running.

CODELAB_TEST_SOAK_MINUTES=60 python3 dev.py test -m long tests/faults/test_soak.py
"""

from __future__ import annotations

import asyncio
import os
import time
from pathlib import Path
from statistics import linear_regression, mean

import pytest

from bench.machine import resident_mib
from tests.faults.cluster import Cluster, finish_turn, only_once, start_turn
from tests.flows.harness import Client
from tests.model_server.script import Reply, ToolCall, When

CLIENTS = 50
MINUTES = float(os.environ.get("CODELAB_TEST_SOAK_MINUTES", "60"))
SAMPLE_S = 5.0
TURNS_OF_A_SESSION = 5
# The first part is for caches and pools to fill.
WARM = 0.3


def held(pid: int) -> tuple[int, int]:
    """Count a process's descriptors and its children."""
    task = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return len(list(Path(f"/proc/{pid}/fd").iterdir())), len(task)


async def use(cluster: Cluster, number: int, until: float) -> int:
    """Ask again and again, in one session after the other; return how many turns that were."""
    clients: list[Client] = [cluster.client(number % 2), cluster.client((number + 1) % 2)]
    turns = 0
    while time.monotonic() < until:
        session_id = await clients[0].new_session()
        for turn in range(TURNS_OF_A_SESSION):
            await start_turn(clients, session_id, f"Please read {number} {turn}")
            await finish_turn(clients, session_id, only_once, within_s=60)
            turns += 1
            await asyncio.sleep(1)
        await clients[0].call("DELETE", f"sessions/{session_id}")
    return turns


@pytest.mark.long
@pytest.mark.timeout(MINUTES * 60 + 300)
async def test_fifty_clients(cluster: Cluster) -> None:
    call = ToolCall("read_file", {"path": "README.md"})
    read = Reply(tool_calls=[call], when=When(last_contains="Please read"), repeat=True)
    await cluster.model.script(cluster.key, [read, Reply(text="Done.", repeat=True)])
    pids = [replica.pid for replica in cluster.replicas]
    until = time.monotonic() + MINUTES * 60
    memory: dict[int, list[tuple[float, float]]] = {pid: [] for pid in pids}
    using = [asyncio.create_task(use(cluster, number, until)) for number in range(CLIENTS)]
    warm: list[tuple[int, int]] = []
    while time.monotonic() < until:
        await asyncio.sleep(SAMPLE_S)
        if not warm and until - time.monotonic() < MINUTES * 60 * (1 - WARM):
            warm = [held(pid) for pid in pids]
        for pid in pids:
            memory[pid].append((time.monotonic() / 600, resident_mib(pid)))
    assert sum(await asyncio.gather(*using)) > CLIENTS
    for samples in memory.values():
        times, sizes = zip(*samples[int(len(samples) * WARM) :], strict=True)
        slope = linear_regression(times, sizes).slope / mean(sizes)
        # In so short a time there is more noise than slope.
        most = 0.01 if MINUTES >= 30 else 0.2
        assert slope < most, f"{slope:.1%} in ten minutes, at {mean(sizes):.0f} MiB"
        assert sizes[-1] < sizes[0] * 1.1
    await asyncio.sleep(5)
    for pid, (descriptors, children) in zip(pids, warm, strict=True):
        now = held(pid)
        assert now[0] <= descriptors * 1.1 + 5
        assert now[1] <= children + 1

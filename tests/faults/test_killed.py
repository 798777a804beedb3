"""The owner is killed at random moments: at most one effect, one result, and nobody stuck.

python3 dev.py test -m long tests/faults/test_killed.py        # a hundred moments
"""

from __future__ import annotations

import asyncio
import shutil
import time
from typing import Any

import pytest

from tests.faults.cluster import (
    RECOVERY_S,
    Cluster,
    check_whole,
    finish_turn,
    only_once,
    start_turn,
)
from tests.model_server.script import Reply, ToolCall, When
from tests.support.chance import Chance

TURNS = 10

pytestmark = pytest.mark.skipif(
    shutil.which("bwrap") is None, reason="commands need bubblewrap, which is not installed"
)


async def run_one(
    cluster: Cluster, name: str, chance: Chance, killed: asyncio.Future[float]
) -> None:
    """Go through a turn whose command adds a line to a file, while the owner is killed."""
    first, second = cluster.client(0), cluster.client(1)
    session_id = await second.new_session()
    await asyncio.sleep(chance.between(0, 2))
    await start_turn([first, second], session_id, f"run {name}!")
    answers_at = time.monotonic() + chance.between(0, 2)
    clients = [first, second] if chance.below(2) else [second, first]

    def decide(request: dict[str, Any]) -> bool:
        if time.monotonic() < answers_at:
            raise TimeoutError
        return only_once(request)

    log = await finish_turn(clients, session_id, decide, within_s=RECOVERY_S + 15)
    ended = time.monotonic()
    if killed.done():
        assert ended - killed.result() < RECOVERY_S, log
    check_whole(log)
    effects = cluster.replicas[0].project / f"{name}.txt"
    lines = effects.read_text().splitlines() if effects.exists() else []
    (result,) = (frame["data"] for frame in log if frame["type"] == "tool_result")
    assert len(lines) <= 1
    assert len(lines) == 1 or not result["ok"]
    assert log[-1]["data"]["stop_reason"] == "end"


async def run_round(cluster: Cluster, number: int, chance: Chance) -> None:
    """Kill the first replica in the midst of several turns, each at another moment of its life."""
    names = [f"{number}-{turn}" for turn in range(TURNS)]
    await cluster.model.script(
        cluster.key,
        [
            *(
                Reply(
                    tool_calls=[
                        ToolCall("execute_command", {"command": f"echo x >> {name}.txt; sleep 0.5"})
                    ],
                    token_delay_s=0.02,
                    when=When(last_contains=f"run {name}!"),
                    repeat=True,
                )
                for name in names
            ),
            Reply(text="Well, that is that.", token_delay_s=0.02, repeat=True),
        ],
    )
    killed: asyncio.Future[float] = asyncio.get_running_loop().create_future()
    async with asyncio.TaskGroup() as group:
        for name in names:
            group.create_task(run_one(cluster, name, chance, killed))
        await asyncio.sleep(chance.between(1.5, 4))
        cluster.kill(0)
        killed.set_result(time.monotonic())
    await cluster.replicas[0].start()


async def test_the_owner_is_killed(cluster: Cluster) -> None:
    await run_round(cluster, 0, Chance(1))


@pytest.mark.long
@pytest.mark.timeout(1200)
async def test_the_owner_is_killed_at_a_hundred_moments(cluster: Cluster) -> None:
    chance = Chance(2)
    for number in range(100 // TURNS):
        await run_round(cluster, number, chance)

"""Answers from anywhere, through any replica: one of them counts."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Any

import msgspec
import pytest

from codelab.kit.ids import new_id
from tests.deploy.proxy import Proxy
from tests.faults.cluster import (
    Cluster,
    check_whole,
    events,
    finish_turn,
    only_once,
    start_turn,
)
from tests.flows.harness import Client, items, send
from tests.model_server.script import Reply, ToolCall

WRITE = ToolCall("write_file", {"path": "a.txt", "content": "x\n"})


async def asked(client: Client, session_id: str) -> dict[str, Any]:
    """Wait until the turn asks a human."""
    async with asyncio.timeout(20):
        while True:
            found = await client.call("GET", f"hitl/requests?session_id={session_id}")
            if pending := [one for one in items(found) if one["status"] == "pending"]:
                return pending[0]
            await asyncio.sleep(0.05)


async def over_rest(client: Client, approval_id: str, approved: bool) -> int:
    """Answer, and return the status."""
    verb = "approve" if approved else "reject"
    url = f"{client.url}/api/v1/hitl/requests/{approval_id}/{verb}"
    async with client.http.put(url, headers=client.headers) as response:
        body = await response.json()
        assert response.status in (200, 409), body
        assert response.status == 200 or body["code"] == "already_answered"
        return response.status


async def over_socket(client: Client, session_id: str, approval_id: str, approved: bool) -> int:
    """Answer, and return the status that the frame stands for."""
    async with client.socket() as socket:
        await send(socket, "tool_approval", session_id, approval_id=approval_id, approved=approved)
        async for text in socket:
            frame = msgspec.json.decode(text)
            if frame["type"] == "ack":
                return 200
            if frame["type"] == "error":
                assert frame["data"]["code"] == "already_answered"
                return 409
    raise AssertionError("no answer came")


async def test_of_fifty_mixed_answers_over_both_replicas_one_counts(
    cluster: Cluster, nginx: Proxy
) -> None:
    replies = [Reply(tool_calls=[WRITE]), Reply(text="Done.", repeat=True)]
    await cluster.model.script(cluster.key, replies)
    session_id = await cluster.client().new_session()
    await start_turn([cluster.client(0)], session_id, "Write it")
    approval_id = (await asked(cluster.client(), session_id))["id"]
    async with cluster.behind(nginx) as outside:
        clients = (cluster.client(0), cluster.client(1), outside)
        statuses = await asyncio.gather(
            *(
                over_socket(clients[number % 3], session_id, approval_id, number % 4 < 2)
                if number % 2
                else over_rest(clients[number % 3], approval_id, number % 4 < 2)
                for number in range(50)
            )
        )
    assert Counter(statuses) == {200: 1, 409: 49}
    log = await finish_turn([cluster.client(1)], session_id, only_once, within_s=20)
    check_whole(log)
    (answer,) = (frame["data"] for frame in log if frame["type"] == "approval")
    (result,) = (frame["data"] for frame in log if frame["type"] == "tool_result")
    written = (cluster.replicas[0].project / "a.txt").exists()
    assert result["ok"] == written == (answer["status"] == "approved")
    assert await over_rest(cluster.client(1), approval_id, True) == 409


async def test_an_unknown_request_is_not_found_on_any_replica(cluster: Cluster) -> None:
    for at in (0, 1):
        await cluster.client(at).call("PUT", f"hitl/requests/{new_id()}/approve", expect=404)


async def test_an_answer_elsewhere_carries_on_when_the_owner_is_dead(cluster: Cluster) -> None:
    replies = [Reply(tool_calls=[WRITE]), Reply(text="Done.", repeat=True)]
    await cluster.model.script(cluster.key, replies)
    session_id = await cluster.client().new_session()
    await start_turn([cluster.client(0)], session_id, "Write it")
    approval_id = (await asked(cluster.client(1), session_id))["id"]
    cluster.kill(0)
    assert await over_rest(cluster.client(1), approval_id, True) == 200
    log = await finish_turn([cluster.client(1)], session_id, only_once, within_s=30)
    check_whole(log)
    assert (cluster.replicas[0].project / "a.txt").read_text() == "x\n"


@pytest.mark.parametrize("extra", [{"CODELAB_HITL_TIMEOUT_S": "2"}])
async def test_what_nobody_answers_is_not_done_and_the_model_is_told(
    cluster: Cluster, extra: dict[str, str]
) -> None:
    replies = [Reply(tool_calls=[WRITE]), Reply(text="Then not.", repeat=True)]
    await cluster.model.script(cluster.key, replies)
    session_id = await cluster.client().new_session()
    await start_turn([cluster.client(0)], session_id, "Write it")
    approval_id = (await asked(cluster.client(1), session_id))["id"]
    async with asyncio.timeout(20):
        while True:
            log = await events(cluster.client(1), session_id)
            if log[-1]["type"] == "done":
                break
            await asyncio.sleep(0.1)
    check_whole(log)
    url = f"{cluster.client(1).url}/api/v1/hitl/requests/{approval_id}/approve"
    async with cluster.http.put(url, headers=cluster.client().headers) as late:
        assert (late.status, (await late.json())["code"]) == (409, "approval_expired")
    assert not (cluster.replicas[0].project / "a.txt").exists()
    (_, told) = await cluster.model.requests(cluster.key)
    assert "Nobody answered in time" in str(told.body["messages"][-1])

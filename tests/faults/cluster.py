"""Two replicas over one PostgreSQL and one Redis, and what their clients do while they suffer."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import ssl
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import msgspec
from websockets.exceptions import WebSocketException

from tests.deploy.proxy import Proxy
from tests.flows.harness import Client, CodeLab, Door, Frame, items
from tests.model_server.process import ModelServer

# What a client meets while a replica or a store is away, and tries again after.
AWAY = (aiohttp.ClientError, WebSocketException, OSError, AssertionError)
# The promise: so long after a fault, whatever was going on goes on.
RECOVERY_S = 30.0

Decide = Callable[[dict[str, Any]], bool]


@dataclass
class Cluster:
    """The replicas and a user who is signed in to both.

    Args:
        replicas: Two processes over the same stores.
        model: The scripted model.
        key: Where its script stands.
        token: The user's access token.
    """

    replicas: tuple[CodeLab, CodeLab]
    model: ModelServer
    key: str
    token: str = ""
    http: aiohttp.ClientSession = field(default_factory=aiohttp.ClientSession)

    def client(self, at: int = 0) -> Client:
        """Return the user at one of the replicas."""
        return Client(self.replicas[at], self.http, self.token)

    @asynccontextmanager
    async def behind(self, nginx: Proxy) -> AsyncIterator[Client]:
        """Lend the user at the proxy, which chooses a replica for each connection."""
        tls = ssl.create_default_context(cafile=str(nginx.certificate))
        tls.check_hostname = False
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=tls)) as http:
            door = Door(f"https://127.0.0.1:{nginx.https}", tls)
            yield Client(self.replicas[0], http, self.token, door=door)

    def kill(self, at: int) -> None:
        """End a replica as a crash would."""
        self.replicas[at].stop(signal.SIGKILL)

    async def close(self) -> None:
        """End everything."""
        await self.http.close()
        for replica in self.replicas:
            replica.stop(signal.SIGKILL)


async def start_turn(clients: list[Client], session_id: str, message: str) -> float:
    """Ask until one of the clients' servers acknowledges; return when it did."""
    for attempt in range(200):
        client = clients[attempt % len(clients)]
        with contextlib.suppress(*AWAY, TimeoutError):
            async with asyncio.timeout(10), client.socket() as socket:
                # The same id: however often it is sent, it is done once.
                data = {"message": message, "agent": "coder"}
                frame = {"type": "chat", "id": message, "session_id": session_id, "data": data}
                await socket.send(msgspec.json.encode(frame).decode())
                async for text in socket:
                    if '"type":"ack"' in str(text):
                        return time.monotonic()
        await asyncio.sleep(0.1)
    raise AssertionError(f"nobody took {message!r}")


async def finish_turn(
    clients: list[Client], session_id: str, decide: Decide, *, within_s: float
) -> list[Frame]:
    """Answer what is asked, at whichever server answers, until the turn is over; return its log."""
    deadline = time.monotonic() + within_s
    while time.monotonic() < deadline:
        for client in clients:
            with contextlib.suppress(*AWAY, TimeoutError):
                async with asyncio.timeout(5):
                    await answer_all(client, session_id, decide)
                    log = await events(client, session_id)
                if log and log[-1]["type"] == "done":
                    return log
        await asyncio.sleep(0.1)
    raise AssertionError(f"session {session_id} is stuck: {(await _last(clients, session_id))}")


async def answer_all(client: Client, session_id: str, decide: Decide) -> None:
    """Answer the session's open requests; somebody else may be first."""
    query = f"hitl/requests?status=pending&session_id={session_id}"
    for request in items(await client.call("GET", query)):
        verb = "approve" if decide(request) else "reject"
        with contextlib.suppress(AssertionError):
            await client.call("PUT", f"hitl/requests/{request['id']}/{verb}")


async def events(client: Client, session_id: str) -> list[Frame]:
    """Read a session's whole log."""
    found: list[Frame] = []
    while page := await client.call(
        "GET", f"sessions/{session_id}/events?after={found[-1]['seq'] if found else 0}"
    ):
        if not page["events"]:
            break
        found += page["events"]
    return found


def check_whole(log: list[Frame]) -> None:
    """See that a log has no gap, one end, and exactly one result for each call."""
    assert [frame["seq"] for frame in log] == list(range(1, len(log) + 1))
    kinds = Counter(frame["type"] for frame in log)
    assert kinds["done"] == 1, kinds
    called = {frame["data"]["call_id"] for frame in log if frame["type"] == "tool_call"}
    results = Counter(frame["data"]["call_id"] for frame in log if frame["type"] == "tool_result")
    assert results == Counter(called), log
    answers = Counter(frame["data"]["approval_id"] for frame in log if frame["type"] == "approval")
    assert set(answers.values()) <= {1}, answers


def only_once(request: dict[str, Any]) -> bool:
    """Let a call run, and leave it at that when nobody knows whether it did."""
    return bool(request["question"] == "run")


async def _last(clients: list[Client], session_id: str) -> object:
    for client in clients:
        with contextlib.suppress(*AWAY):
            return [
                (await events(client, session_id))[-3:],
                await client.call("GET", f"sessions/{session_id}"),
                await client.call("GET", f"hitl/requests?session_id={session_id}"),
            ]
    return "and no server answers"

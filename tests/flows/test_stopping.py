"""The server is told to stop: clients hear it at once, turns have their time, the end comes."""

from __future__ import annotations

import asyncio
import os
import signal
import time

import msgspec
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed

from codelab.gateway.closing import CloseCode
from tests.flows.harness import Client, CodeLab, send
from tests.model_server.process import ModelServer
from tests.model_server.script import Reply, ToolCall


async def exit_code(codelab: CodeLab, *, within_s: float) -> int:
    """Wait for the process's end."""
    assert codelab.process is not None
    code = await asyncio.to_thread(codelab.process.wait, within_s)
    codelab.process = None
    assert "Exception in ASGI" not in codelab.log.read_text()
    assert "Traceback" not in codelab.log.read_text()
    return code


async def until_closed(socket: ClientConnection) -> int:
    """Read a socket to its end and return the code."""
    try:
        async with asyncio.timeout(5):
            while True:
                await socket.recv()
    except ConnectionClosed as closed:
        assert closed.rcvd is not None
        return closed.rcvd.code


async def test_clients_and_a_waiting_turn_hold_nothing_up(
    codelab: CodeLab, client: Client, model_server: ModelServer, model_key: str
) -> None:
    call = ToolCall("write_file", {"path": "new.txt", "content": "x"})
    await model_server.script(model_key, [Reply(tool_calls=[call], repeat=True)])
    asked, streamed = await client.new_session(), await client.new_session()
    body = {"session_id": streamed, "message": "@coder write it"}
    url = f"{codelab.url}/api/v1/agent/chat"
    async with (
        client.socket() as socket,
        client.http.post(url, json=body, headers=client.headers) as answer,
    ):
        await send(socket, "chat", asked, message="@coder write it")
        while '"waiting"' not in str(await socket.recv()):
            pass
        async for line in answer.content:
            if b'"waiting"' in line:
                break
        os.kill(codelab.pid, signal.SIGTERM)
        started = time.monotonic()
        assert await until_closed(socket) == CloseCode.STOPPING
        assert b"event: error" in await answer.content.read()
        assert await exit_code(codelab, within_s=10) == 0
        assert time.monotonic() - started < 3


async def test_a_turn_that_does_not_end_is_handed_over_in_time(
    codelab: CodeLab, client: Client, model_server: ModelServer, model_key: str
) -> None:
    script = [Reply(text=["One ", "two"], stall_after=1), Reply(text="All of it.")]
    await model_server.script(model_key, script)
    session_id = await client.new_session()
    body = {"session_id": session_id, "message": "Count."}
    url = f"{codelab.url}/api/v1/agent/chat"
    async with (
        client.socket() as socket,
        client.http.post(url, json=body, headers=client.headers) as answer,
    ):
        async for line in answer.content:
            if b'"One "' in line:
                break
        os.kill(codelab.pid, signal.SIGTERM)
        started = time.monotonic()
        assert await until_closed(socket) == CloseCode.STOPPING
        rest = await answer.content.read()
        assert time.monotonic() - started < 3
        assert rest.count(b"event: error") == 1 and b'"retryable":true' in rest
        assert await exit_code(codelab, within_s=25) == 0
    # The next process goes on with it.
    await codelab.start()
    async with client.socket() as socket:
        await send(socket, "resume", session_id, last_seq=0)
        async with asyncio.timeout(20):
            while (frame := msgspec.json.decode(await socket.recv()))["type"] != "done":
                pass
    assert frame["data"]["stop_reason"] == "end"

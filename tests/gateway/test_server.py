"""The server underneath: heads are bounded in size and in time."""

import asyncio
import logging
import time

import pytest

from codelab.gateway import server
from codelab.kit.log import configure
from tests.gateway.rig import Replica, User, read


async def exchange(port: int, data: bytes, *, within_s: float = 5) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(data)
        async with asyncio.timeout(within_s):
            return await reader.read()
    except ConnectionResetError:
        return b""
    finally:
        writer.close()


def request(extra: bytes = b"") -> bytes:
    return b"GET /health/live HTTP/1.1\r\nHost: x\r\nConnection: close\r\n" + extra + b"\r\n"


async def test_an_ordinary_request_is_served(replica: Replica) -> None:
    answer = await exchange(replica.port, request(b"X-Filler: " + b"x" * 30_000 + b"\r\n"))
    assert answer.startswith(b"HTTP/1.1 200 ")
    assert b"server: uvicorn" not in answer.lower()


@pytest.mark.parametrize(
    "extra",
    [
        b"X-Filler: " + b"x" * 1_000_000 + b"\r\n",
        b"X-Filler: " + b"x" * 70_000 + b"\r\n",
        b"".join(b"X-%d: %s\r\n" % (number, b"x" * 1000) for number in range(100)),
        b"X-Never-Ending: " + b"x" * 200_000,
    ],
)
async def test_a_large_head_is_refused(replica: Replica, extra: bytes) -> None:
    answer = await exchange(replica.port, request(extra))
    assert answer == b"" or answer.startswith(b"HTTP/1.1 400 ")
    assert (await exchange(replica.port, request())).startswith(b"HTTP/1.1 200 ")


async def test_a_slow_head_is_given_up(replica: Replica) -> None:
    started = time.monotonic()
    answer = await exchange(
        replica.port, b"GET / HTTP/1.1\r\nHost: x\r\n", within_s=server.HEAD_S + 2
    )
    assert answer == b""
    assert time.monotonic() - started < server.HEAD_S + 1


async def test_several_requests_on_one_connection(replica: Replica) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", replica.port)
    for _ in range(3):
        writer.write(b"GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n")
        assert (await reader.readline()).startswith(b"HTTP/1.1 200 ")
        while (line := await reader.readline()) != b"\r\n":
            assert line
        assert await reader.readexactly(len(b'{"status":"ok"}')) == b'{"status":"ok"}'
    writer.close()


async def test_tickets_are_not_logged(
    replica: Replica, ada: User, capfd: pytest.CaptureFixture[str]
) -> None:
    configure("debug")
    try:
        ticket = await replica.auth.issue_ticket(ada.principal)
        async with ada.socket(replica) as socket:
            await read(socket)
        address = f"GET /api/v1/ws?ticket={ticket} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
        await exchange(replica.port, address.encode())
        logged = capfd.readouterr().err
    finally:
        logging.getLogger().handlers.clear()
    assert "socket_closed" in logged
    assert '"route": "/api/v1/ws"' in logged
    assert ticket not in logged

"""Frames go out in order, at once while the client keeps up, and never without bound."""

import asyncio
from typing import Any

import pytest

from codelab.gateway.closing import CloseCode
from codelab.gateway.outbox import Outbox


class Server:
    """The ASGI server's side: writable or not, as a transport is."""

    def __init__(self) -> None:
        self.messages: list[dict[str, Any]] = []
        self.writable = asyncio.Event()
        self.writable.set()
        self.gone = False
        self.closed = asyncio.Event()
        self.given_up = 0

    async def send(self, message: dict[str, Any]) -> None:
        await self.writable.wait()
        if self.gone:
            raise OSError("gone")
        self.messages.append(message)
        if "code" in message:
            self.closed.set()

    def give_up(self) -> None:
        self.given_up += 1

    @property
    def texts(self) -> list[str]:
        return [message["text"] for message in self.messages if "text" in message]

    @property
    def close_codes(self) -> list[int]:
        return [message["code"] for message in self.messages if "code" in message]


@pytest.fixture
async def server() -> Server:
    return Server()


async def test_a_frame_goes_out_before_send_returns(server: Server) -> None:
    outbox = Outbox(server.send, server.give_up)
    outbox.send("a")
    outbox.send("b")
    assert server.texts == ["a", "b"]


async def test_order_holds_across_a_pause(server: Server) -> None:
    outbox = Outbox(server.send, server.give_up)
    sent = []
    for number in range(300):
        if number % 50 == 20:
            server.writable.clear()
        if number % 50 == 40:
            server.writable.set()
        if number % 7 == 0:
            await asyncio.sleep(0)
        sent.append(str(number))
        outbox.send(sent[-1])
    server.writable.set()
    await outbox.drained()
    assert server.texts == sent


async def test_past_the_bound_the_client_is_closed_with_a_code_to_come_back(server: Server) -> None:
    outbox = Outbox(server.send, server.give_up, max_bytes=1000)
    server.writable.clear()
    for _ in range(100):
        outbox.send("x" * 50)
        assert outbox.waiting_bytes <= 1000
    assert outbox.closed is CloseCode.TOO_SLOW
    assert outbox.waiting_bytes == 0
    server.writable.set()
    await server.closed.wait()
    assert server.close_codes == [CloseCode.TOO_SLOW]
    assert 4000 <= CloseCode.TOO_SLOW < 4500


async def test_a_client_that_takes_nothing_is_given_up(server: Server) -> None:
    outbox = Outbox(server.send, server.give_up, stalled_s=0.05)
    server.writable.clear()
    outbox.send("a")
    await outbox.drained()
    assert server.given_up == 1
    outbox.send("b")
    assert server.texts == []


async def test_a_client_that_has_gone_is_given_up(server: Server) -> None:
    outbox = Outbox(server.send, server.give_up)
    server.gone = True
    outbox.send("a")
    assert server.given_up == 1
    assert outbox.closed is not None


async def test_what_was_sent_before_closing_arrives(server: Server) -> None:
    outbox = Outbox(server.send, server.give_up)
    server.writable.clear()
    outbox.send("a")
    outbox.send("b")
    outbox.close(CloseCode.TOKEN_EXPIRED)
    outbox.send("never")
    server.writable.set()
    await server.closed.wait()
    assert server.texts == ["a", "b"]
    assert server.close_codes == [CloseCode.TOKEN_EXPIRED]
    await outbox.finish()

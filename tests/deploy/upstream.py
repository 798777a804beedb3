"""A small ASGI application in CodeLab's place: says what it was asked, streams and echoes."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

import msgspec

EVENTS = 5
SEEN = "/seen"

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

_seen = asyncio.Semaphore(0)


async def app(scope: Message, receive: Receive, send: Send) -> None:
    """Answer by the path."""
    match scope["type"], scope.get("path"):
        case "lifespan", _:
            await lifespan(receive, send)
        case "websocket", "/api/v1/ws":
            await echo(scope, receive, send)
        case "http", "/api/v1/agent/chat" | "/v1/chat/completions" | "/v1/responses":
            await stream(receive, send)
        case "http", path:
            if path == SEEN:
                _seen.release()
            await describe(scope, receive, send)


async def lifespan(receive: Receive, send: Send) -> None:
    """Start and stop."""
    while True:
        message = await receive()
        await send({"type": f"{message['type']}.complete"})
        if message["type"] == "lifespan.shutdown":
            return


async def echo(scope: Message, receive: Receive, send: Send) -> None:
    """Repeat each text, first the subprotocols and headers."""
    await receive()
    offered = scope["subprotocols"]
    await send({"type": "websocket.accept", "subprotocol": offered[0] if offered else None})
    await send({"type": "websocket.send", "text": msgspec.json.encode(headers(scope)).decode()})
    while (message := await receive())["type"] == "websocket.receive":
        await send({"type": "websocket.send", "text": message["text"]})


async def stream(receive: Receive, send: Send) -> None:
    """Send events one by one, each when somebody has told that the one before has arrived."""
    await body_size(receive)
    await start(send, 200, "text/event-stream")
    for number in range(EVENTS):
        event = f"data: {number}\n\n".encode()
        await send({"type": "http.response.body", "body": event, "more_body": True})
        await _seen.acquire()
    await send({"type": "http.response.body", "body": b""})


async def describe(scope: Message, receive: Receive, send: Send) -> None:
    """Say what arrived."""
    size = await body_size(receive)
    told = {"method": scope["method"], "path": scope["path"], "size": size}
    told["port"] = scope["server"][1]
    await start(send, 200, "application/json")
    body = msgspec.json.encode({**told, "headers": headers(scope)})
    await send({"type": "http.response.body", "body": body})


async def body_size(receive: Receive) -> int:
    """Read the whole body and count its bytes."""
    size = 0
    while True:
        message = await receive()
        size += len(message.get("body", b""))
        if not message.get("more_body"):
            return size


async def start(send: Send, status: int, media_type: str) -> None:
    """Send the head of an answer."""
    head = [(b"content-type", media_type.encode())]
    await send({"type": "http.response.start", "status": status, "headers": head})


def headers(scope: Message) -> dict[str, str]:
    """Return the request's headers."""
    return {name.decode(): value.decode() for name, value in scope["headers"]}

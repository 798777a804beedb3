"""A server at the other end of the terminal client: WebSocket connections that follow a script."""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

from websockets.asyncio.server import Server as SocketServer
from websockets.asyncio.server import ServerConnection, serve
from websockets.typing import Subprotocol

from codelab.cli.chat.connection import Connection
from codelab.cli.chat.identity import Identity
from codelab.cli.chat.server import Server
from codelab.cli.chat.tokens import SignedIn, TokenFile
from codelab.cli.chat.transcript import Transcript

Script = Callable[["Peer"], Awaitable[None]]


class Peer:
    """The server's side of one connection."""

    def __init__(self, socket: ServerConnection, received: list[dict[str, Any]]) -> None:
        self._socket = socket
        self._received = received

    @property
    def token(self) -> str:
        """What the client sent to authenticate."""
        request = self._socket.request
        return request.headers.get("Authorization", "") if request else ""

    async def receive(self, kind: str) -> dict[str, Any]:
        """Wait for a frame of a kind; what comes before it is kept in the record."""
        while True:
            frame: dict[str, Any] = json.loads(await self._socket.recv())
            self._received.append(frame)
            if frame["type"] == kind:
                return frame

    async def send(self, kind: str, seq: int | None = None, mark: Any = None, **data: Any) -> None:
        """Send a frame of the session `s`."""
        frame: dict[str, Any] = {"type": kind, "session_id": "s", "data": data}
        if seq is not None:
            frame |= {"seq": seq, "epoch": 1}
        if mark is not None:
            frame["id"] = mark
        await self._socket.send(json.dumps(frame))

    async def close(self, code: int) -> None:
        """Close the connection."""
        await self._socket.close(code, "because")

    async def stay(self) -> None:
        """Keep the connection open until the client leaves."""
        await self._socket.wait_closed()


class ScriptedServer:
    """Runs one script for each connection in turn, and keeps all frames that came."""

    def __init__(self, *scripts: Script) -> None:
        self.received: list[dict[str, Any]] = []
        self.tokens: list[str] = []
        self._scripts = list(scripts)
        self._server: SocketServer | None = None

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[Server]:
        """Serve on loopback; yields how a client addresses it."""
        async with serve(
            self._handle, "127.0.0.1", 0, subprotocols=[Subprotocol("codelab.v1")], compression=None
        ) as server:
            port = next(iter(server.sockets)).getsockname()[1]
            yield Server(f"http://127.0.0.1:{port}")

    async def _handle(self, socket: ServerConnection) -> None:
        peer = Peer(socket, self.received)
        self.tokens.append(peer.token)
        await self._scripts.pop(0)(peer)


def connect(server: Server, folder: Path, transcript: Transcript) -> Connection:
    """Return a client's connection with a sign-in that is good for an hour."""
    tokens = TokenFile(folder)
    signed_in = SignedIn(access_token="a", refresh_token="r", expires_at=time.time() + 3600)
    tokens.write(server.url, signed_in)
    return Connection(server, Identity(server, tokens, lambda: None), transcript)

"""A terminal's WebSocket: bytes both ways, and as many as the client can show."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import msgspec
from litestar import asgi
from litestar.enums import ScopeType
from litestar.handlers import ASGIRouteHandler
from litestar.types import Receive, Scope, Send

from codelab.auth.api import PUBLIC, Auth, Principal, bearer_token
from codelab.auth.errors import Unauthenticated
from codelab.gateway import terminal_frames as frames
from codelab.gateway.closing import CloseCode
from codelab.gateway.handshake import Gate, UpgradeNeeded, accept, query_of, reject
from codelab.gateway.observing import headers_of
from codelab.gateway.presence import Presence
from codelab.kit.clock import utc_now
from codelab.kit.errors import CodeLabError
from codelab.workspace.api import WINDOW, Terminal, Terminals, View

SUBPROTOCOL = "codelab.terminal.v1"

_STALLED_S = 30.0
_CLOSING_S = 5.0


class TerminalConnection:
    """One client that looks at a terminal.

    Args:
        terminal: What it looks at.
        view: Its place in the output.
        receive: The server's `receive`.
        send: The server's `send`.
    """

    def __init__(self, terminal: Terminal, view: View, receive: Receive, send: Send) -> None:
        self._terminal = terminal
        self._view = view
        self._receive = receive
        self._send = send
        self._code: CloseCode | None = None
        self._over = asyncio.Event()

    def end(self, code: CloseCode) -> None:
        """Close the connection; the terminal goes on."""
        self._code = self._code or code
        self._over.set()

    async def serve(self) -> None:
        """Carry bytes until one side has had enough."""
        tasks = [
            asyncio.create_task(work) for work in (self._print(), self._type(), self._over.wait())
        ]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        if self._code is not None:
            with suppress(OSError, RuntimeError, TimeoutError):
                await self._say_goodbye(self._code)

    async def _print(self) -> None:
        first = self._view.offset
        info = self._terminal.info()
        ready = frames.ReadyData(
            offset=first,
            end=self._terminal.scrollback.end,
            window=WINDOW,
            cols=info.cols,
            rows=info.rows,
        )
        await self._put(frames.encode(frames.Ready(data=ready)))
        while (piece := await self._view.next()) is not None:
            await self._put({"type": "websocket.send", "bytes": piece})
        if self._view.displaced:
            self.end(CloseCode.TAKEN_OVER)
        elif self._terminal.ended:
            await self._put(frames.encode(frames.Exit(data=self._terminal.ended)))
            self.end(CloseCode.ENDED)

    async def _put(self, message: Any) -> None:
        try:
            async with asyncio.timeout(_STALLED_S):
                await self._send(message)
        except TimeoutError:
            self.end(CloseCode.TOO_SLOW)
            raise

    async def _type(self) -> None:
        while True:
            message: Any = await self._receive()
            if message["type"] == "websocket.disconnect":
                return
            text: str | None = message.get("text")
            if text is None:
                if not self._terminal.write(message.get("bytes") or b""):
                    self.end(CloseCode.TOO_MUCH_INPUT)
                    return
                continue
            try:
                self._obey(frames.decode(text))
            except msgspec.MsgspecError:
                self.end(CloseCode.FRAME_INVALID)
                return

    def _obey(self, frame: frames.ClientFrame) -> None:
        match frame:
            case frames.Resize(data=size):
                self._terminal.resize(size)
            case frames.Ack(data=shown):
                self._view.acknowledge(shown.offset)

    async def _say_goodbye(self, code: CloseCode) -> None:
        message: Any = {"type": "websocket.close", "code": int(code), "reason": code.reason}
        async with asyncio.timeout(_CLOSING_S):
            await self._send(message)


class TerminalSocket:
    """Serves one connection after the other, each in its own task.

    Args:
        auth: Checks tokens.
        terminals: Finds terminals and checks tickets.
        presence: Keeps an eye on the open connections.
        allowed_origins: Origins besides the server's own whose pages may connect.
    """

    def __init__(
        self,
        auth: Auth,
        terminals: Terminals,
        presence: Presence,
        *,
        allowed_origins: Sequence[str],
    ) -> None:
        self._auth = auth
        self._terminals = terminals
        self._presence = presence
        self._gate = Gate(allowed_origins)

    async def serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection from handshake to end."""
        if scope["type"] == ScopeType.HTTP:
            raise UpgradeNeeded("Open this address as a WebSocket.")
        await receive()
        place = scope["path_params"]
        try:
            self._gate.check(scope, SUBPROTOCOL)
            principal = await self._sign_in(scope, place["terminal_id"])
            terminal = self._terminals.enter(principal, place["workspace_id"], place["terminal_id"])
        except CodeLabError as error:
            await reject(scope, send, error)
            return
        await accept(scope, send, SUBPROTOCOL)
        view = terminal.attach(_offset(query_of(scope).get("offset", "")))
        connection = TerminalConnection(terminal, view, receive, send)
        self._presence.add_answer(connection, principal)
        expiry = _expiry(principal, connection)
        try:
            await connection.serve()
        finally:
            if expiry:
                expiry.cancel()
            self._presence.remove_answer(connection)
            terminal.detach(view)

    async def _sign_in(self, scope: Scope, terminal_id: str) -> Principal:
        authorization = headers_of(scope, b"authorization")
        if authorization:
            return await self._auth.authenticate(bearer_token(authorization[0]))
        ticket = query_of(scope).get("ticket", "")
        principal = await self._terminals.redeem(ticket, terminal_id)
        if principal is None:
            raise Unauthenticated("The ticket is not valid (any more). Ask for a new one.")
        return principal


def terminal_route(socket: TerminalSocket) -> ASGIRouteHandler:
    """Make the route of terminals' WebSockets; it authenticates by itself."""

    @asgi(
        "/workspaces/{workspace_id:str}/terminals/{terminal_id:str}/ws",
        opt=PUBLIC,
        copy_scope=False,
    )
    async def terminal_ws(scope: Scope, receive: Receive, send: Send) -> None:
        await socket.serve(scope, receive, send)

    return terminal_ws


def _offset(text: str) -> int:
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 20 else 0


def _expiry(principal: Principal, connection: TerminalConnection) -> asyncio.TimerHandle | None:
    if principal.token_expires_at is None:
        return None
    left_s = (principal.token_expires_at - utc_now()).total_seconds()
    loop = asyncio.get_running_loop()
    return loop.call_later(max(0.0, left_s), connection.end, CloseCode.TOKEN_EXPIRED)

"""The WebSocket: handshake, sign-in, and the loop that reads a client's frames."""

from __future__ import annotations

import time
from collections.abc import Sequence

import structlog
from litestar import asgi
from litestar.enums import ScopeType
from litestar.handlers import ASGIRouteHandler
from litestar.types import Receive, Scope, Send

from codelab.auth.api import PUBLIC, Auth, Principal, bearer_token
from codelab.gateway import frame_data
from codelab.gateway import server_frames as frames
from codelab.gateway.client_frames import (
    MAX_FRAME_BYTES,
    MAX_MESSAGE_CHARACTERS,
    FrameInvalid,
    decode,
    mark_of,
)
from codelab.gateway.client_frames import Auth as AuthFrame
from codelab.gateway.closing import CloseCode
from codelab.gateway.connection import MAX_WATCHES, Connection
from codelab.gateway.dispatch import Dispatcher
from codelab.gateway.encoding import encode, refusal
from codelab.gateway.handshake import Gate, UpgradeNeeded, accept, query_of, reject
from codelab.gateway.inbox import Inbox
from codelab.gateway.observing import headers_of
from codelab.gateway.outbox import Outbox
from codelab.gateway.presence import Presence
from codelab.gateway.reminding import Reminder
from codelab.kit.clock import monotonic_ms
from codelab.kit.errors import CodeLabError, Unavailable

SUBPROTOCOL = "codelab.v1"
PING_INTERVAL_S = 20.0

# A little less than the five seconds that clients are promised to be closed within.
_SIGN_IN_S = 4.5
_log = structlog.get_logger(__name__)


class Socket:
    """Serves one connection after the other, each in its own task.

    Args:
        auth: Checks tokens and tickets.
        dispatcher: Carries out frames.
        presence: Keeps an eye on the open connections.
        reminder: Tells each what waits for its user.
        allowed_origins: Origins besides the server's own whose pages may connect.
        version: What `hello` says.
    """

    def __init__(
        self,
        auth: Auth,
        dispatcher: Dispatcher,
        presence: Presence,
        reminder: Reminder,
        *,
        allowed_origins: Sequence[str],
        version: str,
    ) -> None:
        self._auth = auth
        self._dispatcher = dispatcher
        self._presence = presence
        self._reminder = reminder
        self._gate = Gate(allowed_origins)
        self._version = version

    async def serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection from handshake to end."""
        if scope["type"] == ScopeType.HTTP:
            raise UpgradeNeeded("Open this address as a WebSocket.")
        await receive()
        try:
            self._gate.check(scope, SUBPROTOCOL)
            principal = await self._early_sign_in(scope)
        except CodeLabError as error:
            await reject(scope, send, error)
            return
        await accept(scope, send, SUBPROTOCOL)
        started = time.monotonic()
        user_id, code = await self._converse(receive, send, principal)
        _log.info("socket_closed", user_id=user_id, code=code, duration_ms=monotonic_ms(started))

    async def _converse(
        self, receive: Receive, send: Send, principal: Principal | None
    ) -> tuple[str | None, int | None]:
        connection: Connection | None = None
        inbox = Inbox(receive)
        outbox = Outbox(send, inbox.end)
        try:
            principal = principal or await self._late_sign_in(inbox, outbox)
            if principal is not None:
                connection = Connection(principal, outbox)
                self._presence.add(connection)
                outbox.send(self._hello(principal))
                self._reminder.greet(connection)
            while (raw := await inbox.next()) is not None:
                if connection is not None and outbox.closed is None:
                    await self._dispatcher.handle(connection, raw)
        finally:
            if connection is not None:
                self._presence.remove(connection)
                self._dispatcher.end(connection)
            code = outbox.closed
            await outbox.finish()
        return (principal.user_id if principal else None), code

    async def _early_sign_in(self, scope: Scope) -> Principal | None:
        authorization = headers_of(scope, b"authorization")
        if authorization:
            return await self._auth.authenticate(bearer_token(authorization[0]))
        ticket = query_of(scope).get("ticket")
        return await self._auth.redeem_ticket(ticket) if ticket is not None else None

    async def _late_sign_in(self, inbox: Inbox, outbox: Outbox) -> Principal | None:
        try:
            raw = await inbox.next(within_s=_SIGN_IN_S)
        except TimeoutError:
            outbox.close(CloseCode.SIGN_IN_TIMEOUT)
            return None
        if raw is None:
            return None
        mark = mark_of(raw)[0]
        try:
            frame = decode(raw)
            if not isinstance(frame, AuthFrame):
                raise FrameInvalid("The first frame must be `auth`.", field="type")
            principal = await self._auth.authenticate(frame.data.token)
        except Unavailable as error:
            outbox.send(refusal(error, id=mark))
            outbox.close(CloseCode.UNAVAILABLE)
            return None
        except CodeLabError as error:
            outbox.send(refusal(error, id=mark))
            outbox.close(CloseCode.REFUSED)
            return None
        if frame.id is not None:
            outbox.send(encode(frames.Ack(id=frame.id, data=frame_data.AckData(of="auth"))))
        return principal

    def _hello(self, principal: Principal) -> str:
        limits = frame_data.Limits(
            frame_bytes=MAX_FRAME_BYTES,
            message_characters=MAX_MESSAGE_CHARACTERS,
            sessions=MAX_WATCHES,
        )
        data = frame_data.HelloData(
            version=self._version,
            limits=limits,
            ping_interval_s=PING_INTERVAL_S,
            user_id=principal.user_id,
        )
        return encode(frames.Hello(data=data))


def socket_route(socket: Socket) -> ASGIRouteHandler:
    """Make the route of the WebSocket; it authenticates by itself."""

    @asgi("/ws", opt=PUBLIC, copy_scope=False)
    async def ws(scope: Scope, receive: Receive, send: Send) -> None:
        await socket.serve(scope, receive, send)

    return ws

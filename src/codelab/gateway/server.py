"""The server underneath: uvicorn with the limits that a public address needs."""

from __future__ import annotations

import asyncio
import logging
import socket
from typing import Any

import httptools
from uvicorn import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from codelab.gateway.client_frames import MAX_FRAME_BYTES
from codelab.gateway.socket import PING_INTERVAL_S

MAX_HEAD_BYTES = 64 * 1024
HEAD_S = 10.0
BODY_S = 300.0
_STALLED_MS = 60_000
_REFUSAL = "The request's head is too large."


class BoundedHttp(HttpToolsProtocol):
    """HTTP/1.1 whose clients must get to the point: a bounded head, in bounded time."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Begin before the first byte."""
        super().__init__(*args, **kwargs)
        self._head_bytes = 0
        self._in_head = True
        self._deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as uvicorn itself
        """Start the clock: a client that says nothing is no client."""
        super().connection_made(transport)
        self._allow(HEAD_S)

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop the clock."""
        self._stop()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Count what belongs to a head before parsing it."""
        if self._in_head:
            self._head_bytes += len(data)
            if self._deadline is None:
                self._allow(HEAD_S)
        super().data_received(data)
        if self._in_head and self._head_bytes > MAX_HEAD_BYTES:
            self.send_400_response(_REFUSAL)

    def on_headers_complete(self) -> None:
        """Refuse a large head that came at once; then wait for the body."""
        size = len(self.url) + sum(len(name) + len(value) for name, value in self.headers)
        if size > MAX_HEAD_BYTES:
            raise httptools.HttpParserError(_REFUSAL)
        self._in_head = False
        self._allow(BODY_S)
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """Wait for the next request; that is not the client's duty."""
        self._in_head, self._head_bytes = True, 0
        self._stop()
        super().on_message_complete()

    def handle_websocket_upgrade(self) -> None:
        """Leave the time to the socket."""
        self._stop()
        super().handle_websocket_upgrade()

    def send_400_response(self, msg: str) -> None:
        """Refuse and close."""
        self._stop()
        if not self.transport.is_closing():
            super().send_400_response(msg)

    def _allow(self, seconds: float) -> None:
        self._stop()
        self._deadline = self.loop.call_later(seconds, self.transport.close)

    def _stop(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None


class OrderlyWebSocket(WebSocketsSansIOProtocol):
    """A socket whose handshake may be refused: that is an end too, and no fault of the server's."""

    async def send(self, message: Any) -> None:
        """Take a refusal that was sent whole for the handshake's end."""
        await super().send(message)
        if message["type"] == "websocket.http.response.body":
            self.handshake_complete = True


def server_config(app: Any, *, host: str, port: int, **options: Any) -> Config:
    """Configure uvicorn for the application.

    Args:
        app: The ASGI application.
        host: The address to listen on.
        port: The port to listen on.
        options: Further options of uvicorn's.
    """
    # Both would write whole addresses, with the tickets in them.
    logging.getLogger("uvicorn.error").addFilter(_names_no_address)
    logging.getLogger("uvicorn.access").disabled = True
    fixed: dict[str, Any] = {
        "http": BoundedHttp,
        "ws": OrderlyWebSocket,
        "ws_max_size": MAX_FRAME_BYTES,
        "ws_per_message_deflate": False,
        "ws_ping_interval": PING_INTERVAL_S,
        "ws_ping_timeout": PING_INTERVAL_S,
        "log_config": None,
        "access_log": False,
        # Which proxies are believed is a setting; uvicorn would believe every one on loopback.
        "proxy_headers": False,
        "server_header": False,
        "timeout_graceful_shutdown": 25,
    }
    return Config(app, host=host, port=port, **(fixed | options))


def listen(config: Config) -> socket.socket:
    """Bind the configured address with the options that accepted connections inherit."""
    listener = config.bind_socket()
    # uvicorn passes it on to worker processes. Here the children are agents' commands.
    listener.set_inheritable(False)
    # asyncio sets it only on sockets that were made with the protocol's number; without it the
    # body of a small answer waits for the client to acknowledge the head.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    option = getattr(socket, "TCP_USER_TIMEOUT", None)
    if option is not None:
        # Without it a client that stops reading keeps its connection, and what was written to
        # it, for as long as it likes.
        listener.setsockopt(socket.IPPROTO_TCP, option, _STALLED_MS)
    return listener


def _names_no_address(record: logging.LogRecord) -> bool:
    return '"WebSocket %s"' not in str(record.msg)

"""A WebSocket that outlives its connections: it comes back and takes up where it was."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

import msgspec
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import (
    ConnectionClosed,
    ConnectionClosedError,
    InvalidHandshake,
    InvalidStatus,
)
from websockets.typing import Subprotocol

from codelab.cli.chat.frames import Frame
from codelab.cli.chat.identity import Identity
from codelab.cli.chat.server import Server, ServerRefused, ServerUnreachable
from codelab.cli.chat.transcript import Transcript
from codelab.kit.errors import CodeLabError

_NEVER_COME_BACK = range(4500, 5000)
_RENEW_S = 300
_FIRST_WAIT_S, _LONGEST_WAIT_S = 0.25, 5.0
_GIVE_UP_AFTER_S = 120.0
_UNAUTHENTICATED, _SERVER_ERRORS = 401, 500

_decoder = msgspec.json.Decoder(Frame)
_encoder = msgspec.json.Encoder()


class Connection:
    """The frames of one session, in order, over as many connections as it takes.

    Args:
        server: The server.
        identity: Whose session it is.
        transcript: Knows what has been seen, for `resume`.
    """

    def __init__(self, server: Server, identity: Identity, transcript: Transcript) -> None:
        self._server = server
        self._identity = identity
        self._transcript = transcript
        self._socket: ClientConnection | None = None
        # What the server has not acknowledged is sent again; it does the same `id` once.
        self._unanswered: dict[str, Frame] = {}
        self._away_s = 0.0
        self._wait_s = _FIRST_WAIT_S

    async def send(self, frame: Frame) -> None:
        """Send a frame now, or as soon as there is a connection again."""
        if frame.id is not None:
            self._unanswered[frame.id] = frame
        if self._socket is not None:
            with contextlib.suppress(ConnectionClosed):
                await self._socket.send(_encoder.encode(frame).decode())

    async def frames(self) -> AsyncIterator[Frame]:
        """Yield what the server sends, across lost connections.

        Raises:
            ServerUnreachable: The server stayed away too long.
            ServerRefused: It does not want this client back.
        """
        refused: str | None = None
        while True:
            token = await self._identity.access_token(refused=refused)
            try:
                async with self._connected(token) as socket:
                    refused = None
                    async for raw in socket:
                        frame = _decoder.decode(raw)
                        self._settle(frame)
                        yield frame
            except InvalidStatus as error:
                status = error.response.status_code
                if status == _UNAUTHENTICATED and refused is None:
                    refused = token
                    continue
                if status < _SERVER_ERRORS:
                    raise _refused(
                        status, f"The server refuses the connection ({status})."
                    ) from None
            except ConnectionClosedError as error:
                if error.rcvd is not None and error.rcvd.code in _NEVER_COME_BACK:
                    raise _refused(error.rcvd.code, error.rcvd.reason) from None
            except (OSError, InvalidHandshake, TimeoutError):
                pass
            await self._pause()

    @contextlib.asynccontextmanager
    async def _connected(self, token: str) -> AsyncIterator[ClientConnection]:
        async with connect(
            self._server.socket_url,
            additional_headers={"Authorization": f"Bearer {token}"},
            subprotocols=[Subprotocol("codelab.v1")],
            compression=None,
            max_size=None,
            proxy=None,
        ) as socket:
            self._socket = socket
            renewing = asyncio.create_task(self._renew())
            try:
                await self._take_up()
                yield socket
            finally:
                self._socket = None
                renewing.cancel()

    async def _take_up(self) -> None:
        seen = self._transcript
        data = {"last_seq": seen.last_seq} | ({"epoch": seen.epoch} if seen.epoch else {})
        unanswered = tuple(self._unanswered.values())
        await self.send(Frame(type="resume", session_id=seen.session_id, data=data))
        for frame in unanswered:
            await self.send(frame)

    async def _renew(self) -> None:
        # A socket lives no longer than its token: the next one is shown in good time.
        while True:
            await asyncio.sleep(_RENEW_S)
            with contextlib.suppress(CodeLabError):
                token = await self._identity.access_token(fresh_for_s=_RENEW_S + _RENEW_S // 5)
                await self.send(Frame(type="auth", data={"token": token}))

    def _settle(self, frame: Frame) -> None:
        self._away_s, self._wait_s = 0.0, _FIRST_WAIT_S
        if frame.type in ("ack", "error") and frame.id is not None:
            self._unanswered.pop(frame.id, None)

    async def _pause(self) -> None:
        if self._away_s >= _GIVE_UP_AFTER_S:
            raise ServerUnreachable(f"The server at {self._server.url} does not come back.")
        await asyncio.sleep(self._wait_s)
        self._away_s += self._wait_s
        self._wait_s = min(self._wait_s * 2, _LONGEST_WAIT_S)


def _refused(code: int, reason: str) -> ServerRefused:
    return ServerRefused(code, "socket_refused", reason or "The server closed the connection.")

"""A client so lean that it is not what is measured: prepared bytes out, stamps counted."""

from __future__ import annotations

import asyncio
import base64
import os
import re
import struct
import time
from collections.abc import Callable
from typing import cast
from urllib.parse import urlsplit

_STAMP = re.compile(rb"t\d+@(\d+) ")
# A stamp may be cut in two; none is longer.
_LONGEST_STAMP = 64
_FAILURE_BYTES = 2000


class Stream(asyncio.Protocol):
    """One kept connection that asks, and counts what comes until the answer's end.

    Args:
        ends: Whether an answer is over with these bytes.
        failed: Whether these bytes refuse or break off an answer.
    """

    def __init__(self, ends: Callable[[bytes], bool], failed: Callable[[bytes], bool]) -> None:
        self.first_ns = 0
        self.tokens: list[tuple[int, int]] = []
        self._ends = ends
        self._failed = failed
        self._rest = b""
        self._done: asyncio.Future[None] | None = None
        self._transport: asyncio.Transport | None = None

    def ask(self, request: bytes) -> asyncio.Future[None]:
        """Send a request; the future is set at the end of its answer."""
        if self._transport is None:
            raise RuntimeError("there is no connection")
        self.first_ns, self.tokens, self._rest = 0, [], b""
        self._done = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        return self._done

    def expect(self, ends: Callable[[bytes], bool], failed: Callable[[bytes], bool]) -> None:
        """Tell answers by something else from now on."""
        self._ends, self._failed = ends, failed

    def close(self) -> None:
        """Close the connection at once."""
        if self._transport is not None:
            self._transport.abort()

    # asyncio's side

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        # A stream protocol gets no other kind.
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        """Note when each stamp came, and how long it took."""
        now = time.monotonic_ns()
        text, last = self._rest + data, 0
        for match in _STAMP.finditer(text):
            self.tokens.append((now, now - int(match[1])))
            last = match.end()
        if last and not self.first_ns:
            self.first_ns = now
        if self._failed(text):
            self._conclude(RuntimeError(text[:_FAILURE_BYTES].decode("latin-1")))
        elif self._ends(text):
            self._conclude(None)
        self._rest = text[last:][-_LONGEST_STAMP:]

    def connection_lost(self, error: Exception | None) -> None:
        """End whatever is still awaited."""
        self._transport = None
        self._conclude(error or RuntimeError("the connection was closed"))

    def _conclude(self, error: Exception | None) -> None:
        if self._done is None or self._done.done():
            return
        if error is None:
            self._done.set_result(None)
        else:
            self._done.set_exception(error)


def http_request(url: str, body: bytes, headers: dict[str, str]) -> bytes:
    """Write a POST out once, to be sent many times."""
    parts = urlsplit(url)
    lines = [f"POST {parts.path} HTTP/1.1", f"Host: {parts.netloc}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    lines += ["Content-Type: application/json", f"Content-Length: {len(body)}", "", ""]
    return "\r\n".join(lines).encode() + body


async def open_http(url: str) -> Stream:
    """Connect to a server whose answers are chunked."""
    return await _connect(
        url,
        lambda data: data.endswith(b"\r\n0\r\n\r\n"),
        lambda data: data.startswith(b"HTTP/1.1 ") and not data.startswith(b"HTTP/1.1 200"),
    )


async def open_socket(url: str, token: str) -> Stream:
    """Open a WebSocket to CodeLab, past its greeting."""
    parts = urlsplit(url)
    stream = await _connect(
        url, lambda data: b'"type":"hello"' in data, lambda data: b"HTTP/1.1 4" in data
    )
    lines = [
        f"GET {parts.path} HTTP/1.1",
        f"Host: {parts.netloc}",
        f"Authorization: Bearer {token}",
        *("Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13"),
        f"Sec-WebSocket-Key: {base64.b64encode(os.urandom(16)).decode()}",
        *("Sec-WebSocket-Protocol: codelab.v1", "", ""),
    ]
    await stream.ask("\r\n".join(lines).encode())
    stream.expect(lambda data: b'"type":"done"' in data, lambda data: b'"type":"error"' in data)
    return stream


def text_frame(payload: bytes) -> bytes:
    """Write a client's text frame; a mask of zeros leaves it as it is."""
    return struct.pack("!BBH4x", 0x81, 0x80 | 126, len(payload)) + payload


async def _connect(
    url: str, ends: Callable[[bytes], bool], failed: Callable[[bytes], bool]
) -> Stream:
    parts = urlsplit(url)
    loop = asyncio.get_running_loop()
    _, stream = await loop.create_connection(
        lambda: Stream(ends, failed), str(parts.hostname), parts.port or 80
    )
    return stream

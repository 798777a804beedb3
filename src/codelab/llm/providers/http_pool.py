"""Connections to models, kept open between requests."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Mapping
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import msgspec

from codelab.kit.dialing import AddressRefused, dial
from codelab.llm.errors import ModelAddressRefused
from codelab.llm.providers.addresses import NOTHING, Allowed
from codelab.llm.providers.http_connection import AnswerReader, HttpConnection

_CONNECT_TIMEOUT_S = 10.0
# Servers close idle connections too; an old one is more likely to break under the next request.
_LONGEST_IDLE_S = 30.0
_MOST_IDLE = 64


class Address(msgspec.Struct, frozen=True):
    """Where a server listens.

    Args:
        guarded: Whether to connect only where models may be that were added at run time.
    """

    host: str
    port: int
    tls: bool
    guarded: bool = False


class Target(msgspec.Struct, frozen=True):
    """A URL in parts, ready for requests."""

    address: Address
    path: str
    host_header: str


def parse_target(url: str, *, guarded: bool = False) -> Target | None:
    """Split a URL; none when it is one that this client does not serve.

    Those with credentials in them, of other schemes, or behind a proxy are left to litellm.

    Args:
        url: The URL.
        guarded: Whether its address is one that the pool must check.
    """
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username:
        return None
    if parts.scheme in getproxies() and not proxy_bypass(parts.hostname):
        return None
    tls = parts.scheme == "https"
    port = parts.port or (443 if tls else 80)
    path = f"{parts.path or '/'}?{parts.query}" if parts.query else parts.path or "/"
    return Target(Address(parts.hostname, port, tls, guarded), path, parts.netloc)


def format_request(method: str, target: Target, headers: Mapping[str, str], body: bytes) -> bytes:
    """Write a request out.

    Raises:
        ValueError: A header holds a line break.
    """
    lines = [f"{method} {target.path} HTTP/1.1", f"Host: {target.host_header}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    if any("\n" in line or "\r" in line for line in lines):
        raise ValueError("a request header holds a line break")
    lines += [f"Content-Length: {len(body)}", "Accept-Encoding: identity", "", ""]
    return "\r\n".join(lines).encode("latin-1") + body


class HttpPool:
    """Opens connections and keeps those that can be used again.

    Args:
        allowed: Where guarded addresses may lead besides the public network.
    """

    def __init__(self, allowed: Allowed = NOTHING) -> None:
        self._allowed = allowed
        self._idle: dict[Address, list[HttpConnection]] = {}
        self._busy: set[HttpConnection] = set()
        self._tls: ssl.SSLContext | None = None

    async def send(
        self, target: Target, request: bytes, reader: AnswerReader, *, fresh: bool = False
    ) -> HttpConnection:
        """Send a request on a kept or new connection; the answer goes to the reader.

        Args:
            target: Where to.
            request: What `format_request` returns.
            reader: Takes the answer.
            fresh: Whether only a new connection will do.

        Raises:
            OSError: No connection could be made.
            TimeoutError: Making it took too long.
            ModelAddressRefused: The address is guarded, and leads where it must not.
        """
        connection = None if fresh else self._take(target.address)
        if connection is None:
            async with asyncio.timeout(_CONNECT_TIMEOUT_S):
                connection = await self._connect(target.address)
        self._busy.add(connection)
        released = connection.send(request, reader)
        kept = connection

        def put_back(done: asyncio.Future[bool]) -> None:
            self._busy.discard(kept)
            if done.result():
                self._put(target.address, kept)

        released.add_done_callback(put_back)
        return connection

    async def close(self) -> None:
        """Close every connection at once."""
        for connection in [*self._busy, *(one for idle in self._idle.values() for one in idle)]:
            connection.abort()
        self._idle.clear()
        # Sockets are closed in the loop's next round.
        await asyncio.sleep(0)

    async def prepare(self) -> None:
        """Load the certificates that TLS needs, off the event loop: it takes some 20 ms."""
        if self._tls is None:
            self._tls = await asyncio.to_thread(ssl.create_default_context)

    def _take(self, address: Address) -> HttpConnection | None:
        idle = self._idle.get(address, [])
        oldest = asyncio.get_running_loop().time() - _LONGEST_IDLE_S
        while idle:
            connection = idle.pop()
            if connection.is_open and connection.idle_since > oldest:
                connection.reused = True
                return connection
            connection.abort()
        return None

    def _put(self, address: Address, connection: HttpConnection) -> None:
        idle = self._idle.setdefault(address, [])
        idle[:] = [other for other in idle if other.is_open]
        if len(idle) >= _MOST_IDLE:
            idle.pop(0).abort()
        connection.idle_since = asyncio.get_running_loop().time()
        idle.append(connection)

    async def _connect(self, address: Address) -> HttpConnection:
        if address.tls:
            await self.prepare()
        loop = asyncio.get_running_loop()
        host = address.host.rstrip(".")

        def permits(found: str) -> bool:
            return not address.guarded or self._allowed.permits(host, address.port, found)

        async def connect(found: str) -> HttpConnection:
            _, connection = await loop.create_connection(
                HttpConnection,
                found,
                address.port,
                ssl=self._tls if address.tls else None,
                server_hostname=address.host if address.tls else None,
            )
            return connection

        try:
            return await dial(address.host, address.port, permits=permits, connect=connect)
        except AddressRefused:
            raise ModelAddressRefused(
                f"The model's address {address.host} leads into an inner network. The machine's "
                "administrator can allow that with CODELAB_MODEL_ADDRESSES."
            ) from None

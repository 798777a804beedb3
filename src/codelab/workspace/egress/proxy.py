"""The proxy itself: asks the decision, connects to what was checked, and copies bytes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress

import msgspec
import structlog

from codelab.kit.dialing import AddressRefused, Resolve, dial
from codelab.workspace.egress.destinations import Network
from codelab.workspace.egress.requests import Request, RequestMalformed, read_request
from codelab.workspace.egress.resolver import is_own, resolve

_CHUNK = 65_536
_MOST_TOLD = 20
_LINGER_S = 1.0
_REASONS = {
    400: "Bad Request",
    403: "Forbidden",
    408: "Request Timeout",
    502: "Bad Gateway",
    503: "Service Unavailable",
    504: "Gateway Timeout",
}
_ESTABLISHED = b"HTTP/1.1 200 Connection established\r\n\r\n"

_log = structlog.get_logger(__name__)

_Ends = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class Bounds(msgspec.Struct, frozen=True, kw_only=True):
    """What one box may use.

    Args:
        connections: How many may be open at once.
        head_bytes: How long the head of a request may be.
        head_s: How long it may take to come.
        connect_s: How long looking a name up and connecting may take.
        idle_s: How long nothing may come from either end.
        megabytes: How much may be moved in all, both ways together.
    """

    connections: int = 32
    head_bytes: int = 16_384
    head_s: float = 10
    connect_s: float = 10
    idle_s: float = 60
    megabytes: float = 2048


class Outside(msgspec.Struct, frozen=True):
    """The network as this machine sees it: how names are looked up and which addresses it has."""

    resolve: Resolve = resolve
    is_own: Callable[[str], bool] = is_own


_BOUNDS = Bounds()
_THIS_MACHINE = Outside()


class _Refused(Exception):
    """The answer to a request that is not served."""

    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(sentence)
        self.status = status
        self.sentence = sentence


class Proxy:
    """Serves the connections of one box.

    Args:
        network: What it may reach.
        bounds: What it may use.
        outside: The network.
    """

    def __init__(
        self, network: Network, bounds: Bounds = _BOUNDS, outside: Outside = _THIS_MACHINE
    ) -> None:
        self.refused: list[str] = []
        self._network = network
        self.bounds = bounds
        self._outside = outside
        self._room = bounds.megabytes * 1_000_000
        self._open = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection to its end."""
        if self._open >= self.bounds.connections:
            # At once: whoever opens too many must not make us hold them.
            sentence = f"At most {self.bounds.connections} connections may be open."
            with suppress(OSError, RuntimeError):
                writer.write(_answer(_Refused(503, sentence)))
                writer.close()
            return
        self._open += 1
        try:
            await self._serve(reader, writer)
        except _Refused as refusal:
            await self._refuse(reader, writer, refusal)
        except (OSError, EOFError, RuntimeError):
            pass  # One end has gone; uvloop says so by a RuntimeError.
        finally:
            self._open -= 1
            writer.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        request = await self._request(reader)
        there = await self._connect(request)
        try:
            if request.head is None:
                writer.write(_ESTABLISHED)
            else:
                self._count(request.head)
                there[1].write(request.head)
            await self._copy_both((reader, writer), there)
        finally:
            there[1].transport.abort()

    async def _request(self, reader: asyncio.StreamReader) -> Request:
        bounds = self.bounds
        try:
            async with asyncio.timeout(bounds.head_s):
                return read_request(await reader.readuntil(b"\r\n\r\n"))
        except TimeoutError:
            raise _Refused(408, f"No request came within {bounds.head_s:g} seconds.") from None
        except asyncio.LimitOverrunError:
            raise _Refused(400, f"The head is longer than {bounds.head_bytes} bytes.") from None
        except RequestMalformed as error:
            raise _Refused(400, str(error)) from None

    async def _connect(self, request: Request) -> _Ends:
        host, port = request.host, request.port
        network = self._network
        place = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        if not network.destinations.names(host, port):
            raise self._refusal(
                place, f"{place} is not among the destinations that {network.setting} names."
            )
        if self._room <= 0:
            raise self._refusal(
                place, f"{place} was not reached: {self.bounds.megabytes:g} MB were moved already."
            )
        try:
            async with asyncio.timeout(self.bounds.connect_s):
                return await dial(
                    host,
                    port,
                    permits=lambda address: network.destinations.permits(
                        host, port, address, self._outside.is_own
                    ),
                    connect=lambda address: asyncio.open_connection(address, port, limit=_CHUNK),
                    resolve=self._outside.resolve,
                )
        except AddressRefused:
            raise self._refusal(
                place,
                f"{place} leads into an inner network or to this server itself. {network.setting} "
                "must name the host together with its port for that.",
            ) from None
        except TimeoutError:
            raise _Refused(504, f"{place} did not answer in time.") from None
        except OSError:
            raise _Refused(502, f"{place} could not be reached.") from None

    def _refusal(self, place: str, sentence: str) -> _Refused:
        self._tell(place, sentence)
        return _Refused(403, sentence)

    def _tell(self, place: str, sentence: str) -> None:
        if sentence not in self.refused and len(self.refused) < _MOST_TOLD:
            self.refused.append(sentence)
            _log.info("egress_refused", destination=place, setting=self._network.setting)

    async def _refuse(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, refusal: _Refused
    ) -> None:
        with suppress(OSError, TimeoutError, RuntimeError):
            writer.write(_answer(refusal))
            writer.write_eof()
            # Until the other end has gone: what is closed with unread bytes takes the answer away.
            async with asyncio.timeout(_LINGER_S):
                while await reader.read(_CHUNK):
                    pass

    async def _copy_both(self, here: _Ends, there: _Ends) -> None:
        loop = asyncio.get_running_loop()
        with suppress(TimeoutError):
            async with asyncio.timeout(self.bounds.idle_s) as limit:

                async def copy(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
                    while data := await source.read(_CHUNK):
                        limit.reschedule(loop.time() + self.bounds.idle_s)
                        self._count(data)
                        sink.write(data)
                        await sink.drain()
                    if not sink.is_closing():
                        sink.write_eof()

                ways = [
                    asyncio.ensure_future(copy(here[0], there[1])),
                    asyncio.ensure_future(copy(there[0], here[1])),
                ]
                try:
                    await asyncio.gather(*ways)
                    for _, sink in (here, there):
                        # Only after what is still in its buffer has gone.
                        sink.close()
                        await sink.wait_closed()
                finally:
                    for way in ways:
                        way.cancel()
                    await asyncio.wait(ways)

    def _count(self, data: bytes) -> None:
        self._room -= len(data)
        if self._room < 0:
            self._tell(
                "any",
                f"Connections were cut: a box moves {self.bounds.megabytes:g} MB at most.",
            )
            raise ConnectionAbortedError("too much was moved")


def _answer(refusal: _Refused) -> bytes:
    body = f"{refusal.sentence}\n".encode()
    head = (
        # Some programs show nothing of a refused tunnel but this line.
        f"HTTP/1.1 {refusal.status} {_REASONS[refusal.status]}: {refusal.sentence}\r\n"
        "Content-Type: text/plain; charset=utf-8\r\n"
        f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    )
    return head.encode() + body

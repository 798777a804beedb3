"""A box's way out, for as long as the box lives."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from codelab.workspace.egress.destinations import Destinations, Network
from codelab.workspace.egress.entrance import listen_inside
from codelab.workspace.egress.proxy import Proxy

# In the box's own network nobody else listens before the program starts.
_PORT = 3128
_ADDRESS = f"http://127.0.0.1:{_PORT}"
_LOOPBACK = ("localhost", "127.0.0.1", "::1")

PROXIES = {
    # Programs disagree about the letters.
    name: _ADDRESS
    for scheme in ("http", "https", "all")
    for name in (f"{scheme}_proxy", f"{scheme}_proxy".upper())
}
"""What tells programs in the box where the proxy is."""


def proxied(destinations: Destinations) -> dict[str, str]:
    """Return what tells programs in the box where the proxy is, and what it is not for.

    What they start themselves listens on the box's own loopback; where a place on the machine's
    loopback is named, that is what a program means by it.
    """
    own = ",".join(
        host for host in _LOOPBACK if not any(one.host == host for one in destinations.entries)
    )
    return {**PROXIES, "no_proxy": own, "NO_PROXY": own}


class Gateway:
    """Opens one box's way out.

    Args:
        proxy: Serves it; none: the box has no network.
    """

    def __init__(self, proxy: Proxy | None) -> None:
        self._proxy = proxy
        self._server: asyncio.Server | None = None
        self._serving: set[asyncio.Task[None]] = set()
        self._closed = False

    @property
    def refused(self) -> tuple[str, ...]:
        """What was asked for in vain, a sentence each."""
        return tuple(self._proxy.refused) if self._proxy else ()

    async def open(self, outer: int) -> None:
        """Listen inside the box, before its program starts.

        Args:
            outer: The process outside the box that started it.

        Raises:
            SandboxUnavailable: The box's network could not be entered.
        """
        if self._proxy is None:
            return
        listening = await listen_inside(outer, _PORT)
        try:
            self._server = await asyncio.start_server(
                self._accept,
                sock=listening,
                limit=self._proxy.bounds.head_bytes,
                # Also how many are taken in a row before the rest of the server has its turn.
                backlog=self._proxy.bounds.connections,
            )
        except BaseException:
            listening.close()
            raise

    async def close(self) -> None:
        """End everything that is still open."""
        self._closed = True
        if self._server:
            self._server.close()
        for task in self._serving:
            task.cancel()
        if self._serving:
            await asyncio.wait(self._serving)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._proxy is None or self._closed:
            writer.transport.abort()
            return
        task = asyncio.ensure_future(self._proxy.serve(reader, writer))
        self._serving.add(task)
        task.add_done_callback(self._serving.discard)


@asynccontextmanager
async def gateway(network: Network | None) -> AsyncIterator[Gateway]:
    """Hold a box's way out; without a network it opens nothing and costs nothing."""
    way = Gateway(Proxy(network) if network else None)
    try:
        yield way
    finally:
        await way.close()

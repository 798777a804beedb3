"""A wire between a replica and a store, which a test can cut and mend."""

from __future__ import annotations

import asyncio
import contextlib

from tests.flows.harness import free_port


class Wire:
    """Passes bytes on between a port of its own and a server on loopback.

    Args:
        target: The server's port.
    """

    def __init__(self, target: int) -> None:
        self.port = free_port()
        self._target = target
        self._server: asyncio.Server | None = None
        self._open: set[asyncio.StreamWriter] = set()
        self._passing: set[asyncio.Task[None]] = set()

    async def mend(self) -> None:
        """Take connections."""
        self._server = await asyncio.start_server(self._connect, "127.0.0.1", self.port)

    async def cut(self) -> None:
        """Break all connections without a word, and take no new ones."""
        if self._server is not None:
            self._server.close()
            self._server = None
        self.break_off()
        await asyncio.gather(*self._passing, return_exceptions=True)

    def break_off(self) -> None:
        """Break all connections as they are now; new ones are taken."""
        for writer in self._open:
            writer.transport.abort()

    async def _connect(self, near: asyncio.StreamReader, back: asyncio.StreamWriter) -> None:
        try:
            far, forth = await asyncio.open_connection("127.0.0.1", self._target)
        except OSError:
            back.transport.abort()
            return
        self._open |= {back, forth}
        for reader, writer in ((near, forth), (far, back)):
            task = asyncio.create_task(self._pass(reader, writer))
            self._passing.add(task)
            task.add_done_callback(self._passing.discard)

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(65_536):
                writer.write(data)
                await writer.drain()
        self._open.discard(writer)
        writer.close()

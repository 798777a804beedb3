"""Start the model's server, say which process it is, and wait to be killed."""

from __future__ import annotations

import asyncio
import sys

from codelab_embedded.local_server import LocalServer


async def main() -> None:
    """Hold the server."""
    server = LocalServer()
    async with server.lent():
        sys.stdout.write(f"{server.pid}\n")
        sys.stdout.flush()
        await asyncio.Event().wait()


asyncio.run(main())

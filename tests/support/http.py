"""Clients of an application, without a server between, and of real servers."""

from __future__ import annotations

from typing import Any, cast

import aiohttp
from httpx import ASGITransport, AsyncClient
from litestar import Litestar

Client = AsyncClient


def client_of(app: Litestar) -> Client:
    """Make a client of an application.

    Litestar's own test client runs the application on another event loop, in a thread. The locks
    and connections of what a test shares with it belong to the test's loop, and nobody wakes the
    other one up.
    """
    transport = ASGITransport(cast(Any, app))
    return AsyncClient(
        transport=transport, base_url="http://testserver.local", follow_redirects=True
    )


def one_by_one() -> aiohttp.ClientSession:
    """Make a client that opens a connection for each request.

    A server closes a connection that nobody uses for a while; a request that is on its way on it
    just then is lost.
    """
    return aiohttp.ClientSession(connector=aiohttp.TCPConnector(force_close=True))

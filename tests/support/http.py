"""Asks an application what a browser would ask, without a server between."""

from __future__ import annotations

from typing import Any, cast

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

"""Tickets that open one terminal's socket once, within seconds.

They are kept in memory: a terminal lives in one process, and so do they.
"""

from __future__ import annotations

import secrets
import time

from codelab.auth.api import Principal

TICKET_S = 30

_MOST = 1000


class Tickets:
    """Remembers who may look at what."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[float, Principal, str]] = {}

    def issue(self, principal: Principal, terminal_id: str) -> str:
        """Make a ticket for a terminal."""
        now = time.monotonic()
        self._known = {key: one for key, one in self._known.items() if one[0] > now}
        if len(self._known) >= _MOST:
            del self._known[next(iter(self._known))]
        ticket = secrets.token_urlsafe(32)
        self._known[ticket] = (now + TICKET_S, principal, terminal_id)
        return ticket

    def redeem(self, ticket: str, terminal_id: str) -> Principal | None:
        """Return whose ticket it was; none: it was used, is too old, or for something else."""
        until, principal, wanted = self._known.pop(ticket, (0.0, None, ""))
        is_good = time.monotonic() < until and wanted == terminal_id
        return principal if is_good else None

"""Tells whoever watches the server's terminal that an approval waits: a plugin like any other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TextIO

from codelab.hitl.events import ApprovalExpiring, ApprovalRequested
from codelab.kit.invocation import DEFAULT_SERVER, spelled
from codelab.kit.log import visible
from codelab.sdk import Subscription, hookimpl


class Notices:
    """Writes one line for each approval that waits, and one before it expires.

    Args:
        out: The server's terminal.
        server: The server's address, once it is known.
    """

    def __init__(self, out: TextIO, server: str = DEFAULT_SERVER) -> None:
        self.server = server
        self._out = out

    @hookimpl
    def register_subscribers(self) -> Sequence[Subscription]:
        """Return what to be told."""
        return (
            Subscription(event="ApprovalRequested", handler=self.approval_requested),
            Subscription(event="ApprovalExpiring", handler=self.approval_expiring),
        )

    def approval_requested(self, event: ApprovalRequested) -> None:
        """Say who wants what, and where to answer."""
        self._say(
            f"Waiting for approval: {event.agent} wants {event.tool} ({event.risk} risk). "
            f"Answer with: {spelled(f'chat --session {event.session_id}', self.server)}"
        )

    def approval_expiring(self, event: ApprovalExpiring) -> None:
        """Say that it is high time."""
        self._say(f"Still unanswered, and refused at {event.expires_at:%H:%M:%S} UTC: {event.tool}")

    def _say(self, text: str) -> None:
        self._out.write(f"{visible(text)}\n")
        self._out.flush()

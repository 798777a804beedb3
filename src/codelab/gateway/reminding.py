"""How many approvals wait for a user, over all sessions: told to every socket of theirs."""

from __future__ import annotations

import asyncio
from weakref import WeakSet

import structlog

from codelab.gateway.connection import Connection
from codelab.gateway.encoding import waiting
from codelab.gateway.presence import Presence
from codelab.hitl.api import Hitl
from codelab.hitl.events import ApprovalRequested, ApprovalResolved
from codelab.kit.bus import Bus
from codelab.kit.errors import CodeLabError
from codelab.kit.relay import Relay

_CHANNEL = "approvals"
_RETRY_S = 1.0
_log = structlog.get_logger(__name__)


class Reminder:
    """Reads what waits whenever that has changed, here or on another replica.

    A frame holds the whole of it, so that one that is lost is made up for by the next. A new
    socket is told only if something waits.

    Args:
        bus: Tells of requests and answers here.
        relay: The way to and from the other replicas.
        hitl: Knows what waits.
        presence: Knows whose sockets are open here.
    """

    def __init__(self, bus: Bus, relay: Relay, hitl: Hitl, presence: Presence) -> None:
        self._relay = relay
        self._hitl = hitl
        self._presence = presence
        # One that closes before it is told is forgotten with its connection.
        self._new: WeakSet[Connection] = WeakSet()
        # Whose list is to be read, and whether because it has changed.
        self._due: dict[str, bool] = {}
        self._reading: dict[str, asyncio.Task[None]] = {}
        bus.subscribe(ApprovalRequested, self._on_change)
        bus.subscribe(ApprovalResolved, self._on_change)
        relay.subscribe(_CHANNEL, lambda payload: self._refresh(payload.decode()))
        relay.on_reconnect(self._refresh_all)

    def greet(self, connection: Connection) -> None:
        """Tell a new socket what waits, if anything does."""
        self._new.add(connection)
        self._refresh(connection.principal.user_id, changed=False)

    async def close(self) -> None:
        """Stop reading."""
        for task in self._reading.values():
            task.cancel()
        await asyncio.gather(*self._reading.values(), return_exceptions=True)

    def _on_change(self, event: ApprovalRequested | ApprovalResolved) -> None:
        self._relay.publish(_CHANNEL, event.user_id.encode())
        self._refresh(event.user_id)

    def _refresh_all(self) -> None:
        for user_id in {one.principal.user_id for one in self._presence.all()}:
            self._refresh(user_id)

    def _refresh(self, user_id: str, *, changed: bool = True) -> None:
        if not self._sockets(user_id):
            return
        self._due[user_id] = changed or self._due.get(user_id, False)
        if user_id not in self._reading:
            self._reading[user_id] = asyncio.create_task(self._tell(user_id))

    async def _tell(self, user_id: str) -> None:
        # What changes while it is read is read once more.
        try:
            while user_id in self._due:
                changed = self._due.pop(user_id)
                try:
                    found = await self._hitl.waiting(user_id)
                except CodeLabError as error:
                    _log.warning("waiting_read_failed", code=error.code)
                    self._refresh(user_id, changed=changed)
                    await asyncio.sleep(_RETRY_S)
                    continue
                newcomers = {one for one in self._new if one.principal.user_id == user_id}
                self._new -= newcomers
                if found or changed:
                    frame = waiting(found)
                    for connection in self._sockets(user_id) if changed else newcomers:
                        connection.outbox.send(frame)
        finally:
            del self._reading[user_id]

    def _sockets(self, user_id: str) -> list[Connection]:
        return [one for one in self._presence.all() if one.principal.user_id == user_id]

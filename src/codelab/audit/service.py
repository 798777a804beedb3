"""Listens to what happens and keeps the record."""

from __future__ import annotations

from collections.abc import Sequence

from codelab.audit import repository
from codelab.audit.chain import audit_signer
from codelab.audit.checking import AuditCheck
from codelab.audit.entry import ChainedEntry, Observation, entry_of
from codelab.audit.recorder import Recorder
from codelab.audit.repository import AuditFilter
from codelab.audit.subscribers import OBSERVED, observe
from codelab.kit.bus import Bus
from codelab.kit.db import Database
from codelab.kit.events import Event
from codelab.kit.request_context import current_request


class Audit:
    """The audit log; it hears every module's events from the moment it is built.

    Args:
        db: The database.
        bus: Where the events come from.
        secrets: The installation's secrets, the one for new entries first.
    """

    def __init__(self, db: Database, bus: Bus, secrets: Sequence[str]) -> None:
        self._db = db
        self.check = AuditCheck(db, secrets)
        self._recorder = Recorder(db, audit_signer(secrets))
        for kind in OBSERVED:
            bus.subscribe(kind, self._hear)

    @property
    def lost(self) -> int:
        """How many entries could not be kept."""
        return self._recorder.lost

    async def start(self) -> None:
        """Begin to write."""
        await self._recorder.start()

    async def close(self) -> None:
        """Write what waits and stop."""
        await self._recorder.close()

    def record(self, seen: Observation) -> None:
        """Record something that no event tells."""
        self._recorder.add(entry_of(seen, current_request()), weighty=seen.weighty)

    async def list_entries(self, wanted: AuditFilter) -> list[ChainedEntry]:
        """Return a page of entries, newest first, up to this moment."""
        await self._recorder.flush()
        async with self._db.read() as db:
            return await repository.page(db, wanted)

    async def entries_of(
        self, user_id: str, *, before: str | None = None, limit: int = 100
    ) -> list[ChainedEntry]:
        """Return a page of the entries about what a user did, newest first."""
        return await self.list_entries(AuditFilter(user_id=user_id, before=before, limit=limit))

    def _hear(self, event: Event) -> None:
        for seen in observe(event):
            self.record(seen)

"""Writes entries in batches, off everybody's path; keeps them while the database is away."""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque

import structlog
from sqlalchemy.exc import IntegrityError

from codelab.audit import repository
from codelab.audit.entry import AuditEntry
from codelab.kit.crypto import Signer
from codelab.kit.db import Database
from codelab.kit.errors import Unavailable

CAPACITY = 20_000
_INTERVAL_S = 0.5
_BATCH = 500
_LAST_TRIES = 10
_log = structlog.get_logger(__name__)


class Recorder:
    """A bounded queue in front of the table.

    Weighty entries may fill twice the room that others have before they are dropped.

    Args:
        db: The database.
        signer: Signs what is written.
        capacity: How many entries may wait.
    """

    def __init__(self, db: Database, signer: Signer, *, capacity: int = CAPACITY) -> None:
        self.lost = 0
        self._db = db
        self._signer = signer
        self._capacity = capacity
        self._waiting: deque[AuditEntry] = deque()
        self._woken = asyncio.Event()
        self._closing = asyncio.Event()
        self._writing = asyncio.Lock()
        self._task: asyncio.Task[None] | None = None

    def add(self, entry: AuditEntry, *, weighty: bool = False) -> None:
        """Queue an entry; never blocks."""
        if len(self._waiting) >= self._capacity * (2 if weighty else 1):
            self._lose(1, "the queue is full")
            return
        self._waiting.append(entry)
        self._woken.set()

    async def start(self) -> None:
        """Begin to write."""
        self._task = asyncio.create_task(self._work())

    async def close(self) -> None:
        """Write what waits, as far as the database can be reached, and stop."""
        self._closing.set()
        self._woken.set()
        if self._task:
            await self._task

    async def flush(self) -> None:
        """Write what waits now.

        Raises:
            Unavailable: The database is away; the entries still wait.
        """
        async with self._writing:
            while self._waiting:
                batch = [self._waiting[at] for at in range(min(_BATCH, len(self._waiting)))]
                await self._write(batch)
                for _ in batch:
                    self._waiting.popleft()

    async def _work(self) -> None:
        tries = 0
        while not self._closing.is_set() or (self._waiting and tries < _LAST_TRIES):
            await self._woken.wait()
            await self._pause(tries)
            tries += self._closing.is_set()
            self._woken.clear()
            try:
                await self.flush()
            except Unavailable:
                self._woken.set()
        if self._waiting:
            self._lose(len(self._waiting), "the database was away at the end")

    async def _pause(self, tries: int) -> None:
        if tries:
            await asyncio.sleep(_INTERVAL_S)
            return
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_INTERVAL_S):
                await self._closing.wait()

    async def _write(self, batch: list[AuditEntry]) -> None:
        try:
            async with self._db.transaction() as tx:
                await repository.append(tx, batch, self._signer)
        except Unavailable:
            raise
        except Exception as error:
            await self._write_what_can_be(batch, error)

    async def _write_what_can_be(self, batch: list[AuditEntry], error: Exception) -> None:
        if isinstance(error, IntegrityError):
            # Some are there if the connection broke between a commit and its confirmation. This
            # transaction was rolled back whole, so the head has not moved for them again.
            async with self._db.read() as db:
                there = await repository.present(db, [entry.id for entry in batch])
            if there:
                if missing := [entry for entry in batch if entry.id not in there]:
                    await self._write(missing)
                return
        if len(batch) == 1:
            kind = type(error).__name__
            _log.error("audit_entry_refused", action=batch[0].action, error_type=kind)
            self._lose(1, "the database refused it")
            return
        # One that cannot be stored must not take the others with it.
        for entry in batch:
            await self._write([entry])

    def _lose(self, count: int, why: str) -> None:
        if not self.lost or self.lost // 1000 != (self.lost + count) // 1000:
            _log.error("audit_entries_lost", reason=why, lost=self.lost + count)
        self.lost += count

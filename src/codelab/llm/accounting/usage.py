"""Writing down in batches what calls use."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Any

import structlog

from codelab.kit.errors import Unavailable
from codelab.llm.accounting.repository import UsageRepository

_log = structlog.get_logger(__name__)

_BATCH_ROWS = 100
_BATCH_PAUSE_S = 0.5
_MOST_WAITING = 10_000


class UsageWriter:
    """Gathers the rows of calls and writes them together: one transaction for many calls.

    While the database is away the rows wait, the oldest given up past ten thousand.
    """

    def __init__(self, repository: UsageRepository) -> None:
        self._repository = repository
        self._waiting: deque[dict[str, Any]] = deque(maxlen=_MOST_WAITING)
        self._full = asyncio.Event()
        self._writing = asyncio.Lock()
        self._task: asyncio.Task[None] | None = None
        self.lost = 0

    def add(self, row: dict[str, Any]) -> None:
        """Take the row of a call; it is written within half a second."""
        if len(self._waiting) == _MOST_WAITING:
            self.lost += 1
        self._waiting.append(row)
        if len(self._waiting) >= _BATCH_ROWS:
            self._full.set()
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._work())

    async def flush(self) -> None:
        """Write what waits.

        Raises:
            Unavailable: The database does not answer; the rows go on waiting.
        """
        async with self._writing:
            while self._waiting:
                size = min(_BATCH_ROWS, len(self._waiting))
                batch = [self._waiting.popleft() for _ in range(size)]
                try:
                    written = await self._repository.insert(batch)
                except (Unavailable, asyncio.CancelledError):
                    self._waiting.extendleft(reversed(batch))
                    raise
                except Exception:
                    # A row that no database takes must not take others down with it.
                    await self._write_singly(batch)
                    continue
                if written < size:
                    _log.info("usage_of_deleted_users_dropped", rows=size - written)

    async def close(self) -> None:
        """Write what waits, and stop."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        try:
            await self.flush()
        except Unavailable:
            _log.warning("usage_not_written", rows=len(self._waiting))

    async def _write_singly(self, batch: list[dict[str, Any]]) -> None:
        while batch:
            try:
                await self._repository.insert(batch[:1])
            except (Unavailable, asyncio.CancelledError):
                self._waiting.extendleft(reversed(batch))
                raise
            except Exception:
                self.lost += 1
                _log.exception("usage_not_written", rows=1)
            del batch[0]

    async def _work(self) -> None:
        while self._waiting:
            try:
                async with asyncio.timeout(_BATCH_PAUSE_S):
                    await self._full.wait()
            except TimeoutError:
                pass
            self._full.clear()
            try:
                await self.flush()
            except Unavailable:
                _log.warning("usage_waits_for_database", rows=len(self._waiting))

"""Open indexes that wait to be asked, so that a question need not open files first."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TypeVar

from codelab.retrieval.errors import IndexBroken, IndexUnwritable
from codelab.retrieval.index.opening import ReadableIndex, readable

T = TypeVar("T")

# In all: each holds a few descriptors and some memory.
_MOST_OPEN = 16


class Readers:
    """Asks the indexes of workspaces in threads, each index in one thread at a time.

    Args:
        folder_of: Where the index of a workspace is.
        on_lost: Told of a workspace whose index is not there, or cannot be read.
    """

    def __init__(
        self,
        folder_of: Callable[[str], Path],
        on_lost: Callable[[str], None] = lambda workspace_id: None,
    ) -> None:
        self._folder_of = folder_of
        self._on_lost = on_lost
        self._lock = threading.Lock()
        self._idle: list[tuple[str, ReadableIndex]] = []
        self._closed = False

    async def ask(self, workspace_id: str, question: Callable[[ReadableIndex], T]) -> T | None:
        """Return what the question finds in the index; None where there is none yet.

        Raises:
            IndexBroken: It is damaged.
        """
        return await asyncio.to_thread(self._ask, workspace_id, question)

    async def attempt(self, workspace_id: str, question: Callable[[ReadableIndex], T]) -> T | None:
        """Return what the question finds; None where there is no index that can be read."""
        try:
            found = await self.ask(workspace_id, question)
        except (IndexBroken, IndexUnwritable):
            found = None
        if found is None:
            self._on_lost(workspace_id)
        return found

    async def close(self) -> None:
        """Close all that wait."""
        with self._lock:
            self._closed = True
            idle, self._idle = self._idle, []
        await asyncio.to_thread(_close, [index for _, index in idle])

    def _ask(self, workspace_id: str, question: Callable[[ReadableIndex], T]) -> T | None:
        index = self._taken(workspace_id) or readable(self._folder_of(workspace_id))
        if index is None:
            return None
        try:
            found = question(index)
        except BaseException:
            index.close()
            raise
        self._put_back(workspace_id, index)
        return found

    def _taken(self, workspace_id: str) -> ReadableIndex | None:
        with self._lock:
            for place, (owner, _) in enumerate(self._idle):
                if owner == workspace_id:
                    index = self._idle.pop(place)[1]
                    break
            else:
                return None
        if index.was_replaced():
            index.close()
            return None
        return index

    def _put_back(self, workspace_id: str, index: ReadableIndex) -> None:
        surplus = index
        with self._lock:
            if not self._closed:
                self._idle.append((workspace_id, index))
                if len(self._idle) <= _MOST_OPEN:
                    return
                # The one that was asked longest ago.
                surplus = self._idle.pop(0)[1]
        surplus.close()


def _close(indexes: Iterable[ReadableIndex]) -> None:
    for index in indexes:
        index.close()

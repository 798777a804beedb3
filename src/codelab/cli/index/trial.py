"""A server's own code search over trees of sources, with nothing left behind."""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import NoReturn

import msgspec

from codelab.cli.installation import prepare_database
from codelab.kit.bus import Bus
from codelab.kit.db import Database
from codelab.retrieval.api import (
    EncoderChoice,
    IndexingSettings,
    Retrieval,
    StoreChoice,
    VectorStatus,
)
from codelab.sdk.retrieval import CodeSearch
from codelab.workspace.api import Workspaces, WorkspaceSettings

# Tests and documents among them do not count, and ten are judged.
_RANKED = 100
_LOOKED_AGAIN_S = 0.1
_LONG_S = 24 * 3600.0
_OVER = ("complete", "incomplete", "resting")


class Asked(msgspec.Struct, frozen=True):
    """The files that answer a question, the best first, and how long an agent would have waited."""

    ranked: list[str]
    elapsed_s: float


class IndexedTree:
    """A tree whose index is whole.

    Args:
        code: What searches it.
        files: How many files can be found.
        note: What is wrong with its vectors, or empty.
    """

    def __init__(self, code: CodeSearch, files: int, note: str) -> None:
        self._code = code
        self.files = files
        self.note = note

    async def ask(self, question: str) -> Asked:
        """Ask as an agent does, and then for more than it would be shown."""
        started = time.perf_counter()
        await self._code.search(question)
        elapsed_s = time.perf_counter() - started
        answer = await self._code.search(question, most=_RANKED)
        return Asked([finding.path for finding in answer.findings], elapsed_s)


class Trial:
    """Indexes trees one after the other.

    Args:
        retrieval: What indexes them.
        workspaces: What opens them.
        has_vectors: Whether there are to be any.
    """

    def __init__(self, retrieval: Retrieval, workspaces: Workspaces, *, has_vectors: bool) -> None:
        self._retrieval = retrieval
        self._workspaces = workspaces
        self._has_vectors = has_vectors

    async def indexed(self, tree: Path) -> IndexedTree:
        """Index a tree.

        Raises:
            CodeLabError: It cannot be indexed.
        """
        workspace = await self._workspaces.ensure(tree)
        await self._retrieval.refresh(workspace.id)
        note = await self._vectors(workspace.id) if self._has_vectors else ""
        coverage = (await self._retrieval.status(workspace.id)).coverage
        view = await self._workspaces.open(workspace.id)
        code = self._retrieval.code(workspace.id, view)
        return IndexedTree(code, coverage.files if coverage else 0, note)

    async def _vectors(self, workspace_id: str) -> str:
        """Wait for the vectors; returns what is wrong with them."""
        while True:
            status = await self._retrieval.status(workspace_id)
            if status.coverage is None or not status.coverage.pieces or _is_over(status.vectors):
                return status.vectors.note
            await asyncio.sleep(_LOOKED_AGAIN_S)


@asynccontextmanager
async def trial(*, has_vectors: bool) -> AsyncIterator[Trial]:
    """Lend a search over trees, in a temporary folder.

    Args:
        has_vectors: Whether to use those that need no network, too.
    """
    async with AsyncExitStack() as closing:
        data_dir = Path(closing.enter_context(tempfile.TemporaryDirectory(prefix="codelab-eval-")))
        url = f"sqlite+aiosqlite:///{data_dir}/codelab.db"
        await prepare_database(url)
        bus = Bus()
        db = Database(url, bus)
        closing.push_async_callback(db.close)
        workspaces = Workspaces(db, WorkspaceSettings(data_dir=data_dir))
        closing.push_async_callback(workspaces.close)
        retrieval = Retrieval(
            workspaces,
            bus,
            db,
            IndexingSettings(folder=data_dir / "index", reconcile_s=_LONG_S),
            EncoderChoice(model="static" if has_vectors else "off"),
            StoreChoice(engine="sqlite"),
            _no_models,
        )
        closing.push_async_callback(retrieval.close)
        await retrieval.start()
        yield Trial(retrieval, workspaces, has_vectors=has_vectors)


def _is_over(vectors: VectorStatus) -> bool:
    return vectors.state in _OVER or (not vectors.model and bool(vectors.note))


def _no_models(name: str) -> NoReturn:
    raise LookupError(name)

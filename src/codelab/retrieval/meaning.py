"""Vectors as one part of an index: what makes them, where they are, and what is near a question."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Mapping
from pathlib import Path

import msgspec
import structlog

from codelab.kit.db import Database
from codelab.kit.errors import CodeLabError
from codelab.retrieval.encoders.encoder import Encoder
from codelab.retrieval.encoders.opening import OFF, EncoderChoice, open_encoder
from codelab.retrieval.errors import DimensionsDiffer
from codelab.retrieval.indexing.embedding import EmbeddingQueue
from codelab.retrieval.indexing.embedding_state import EmbeddingStatus
from codelab.retrieval.passages import Passages
from codelab.retrieval.vectors.opening import OpenedStore, StoreChoice, open_store
from codelab.sdk.embedding import EmbeddingModel

# Some of the nearest are of contents that lie nowhere any more.
_NEAREST = 800
# A question does not wait longer for its vector than people notice.
_LONGEST_QUESTION_S = 3.0
_AGAIN_S = 60.0
_log = structlog.get_logger(__name__)


class _Opened(msgspec.Struct, frozen=True):
    encoder: Encoder
    opened: OpenedStore
    queue: EmbeddingQueue


class Meaning:
    """Keeps vectors up to date in the background; without them, everything else goes on.

    Args:
        passages: What should have vectors.
        encoder: What makes them.
        store: Where they are kept.
        find_model: Finds a model of the catalogue.
        root: The folder with the index of each workspace.
        db: The server's database.
    """

    def __init__(
        self,
        passages: Passages,
        encoder: EncoderChoice,
        store: StoreChoice,
        find_model: Callable[[str], EmbeddingModel],
        root: Path,
        db: Database,
    ) -> None:
        self._passages = passages
        self._encoder = encoder
        self._store = store
        self._find_model = find_model
        self._root = root
        self._db = db
        self._opened: _Opened | None = None
        self._is_off = encoder.model == OFF
        self._opening: asyncio.Task[None] | None = None
        self._waiting: set[str] = set()
        self.note = ""

    async def close(self) -> None:
        """Stop; what is not there yet is brought after the next start."""
        if self._opening is not None:
            self._opening.cancel()
            await asyncio.gather(self._opening, return_exceptions=True)
        if self._opened is not None:
            await self._opened.queue.close()
            await self._opened.encoder.close()
            await self._opened.opened.store.close()

    def changed(self, workspace_id: str, paths: Collection[str] | None = None) -> None:
        """Have a workspace's pieces looked at, all of them or those of some paths.

        The first time, what makes vectors is loaded.
        """
        if self._opened is not None:
            self._opened.queue.changed(workspace_id, paths)
            return
        if self._is_off:
            return
        self._waiting.add(workspace_id)
        if self._opening is None:
            self._opening = asyncio.create_task(self._open(), name="vectors")

    def status(self, workspace_id: str) -> EmbeddingStatus | None:
        """Say how far a workspace's vectors are; None where none are made."""
        return self._opened.queue.status(workspace_id) if self._opened else None

    @property
    def is_coming(self) -> bool:
        """Whether what makes vectors is still to come, and nothing speaks against that."""
        return not self._is_off and self._opened is None and not self.note

    @property
    def engine(self) -> str:
        """Where vectors are kept; empty where none are made."""
        return self._opened.opened.engine if self._opened else ""

    async def forget(self, workspace_id: str) -> None:
        """Forget a workspace's vectors.

        Raises:
            Unavailable: The store cannot do it now.
        """
        self._waiting.discard(workspace_id)
        if self._opened is not None:
            await self._opened.queue.forget(workspace_id)

    async def near(self, workspace_id: str, question: str) -> Mapping[str, float]:
        """Say how near pieces are to a question, by digest; nothing where that is not known."""
        opened = self._opened
        if opened is None:
            return {}
        try:
            async with asyncio.timeout(_LONGEST_QUESTION_S):
                vector = await opened.encoder.question(question)
                found = await opened.opened.store.nearest(workspace_id, vector, _NEAREST)
        except DimensionsDiffer:
            opened.queue.changed(workspace_id)
            return {}
        except (CodeLabError, TimeoutError) as error:
            _log.warning("question_without_vectors", error=type(error).__name__)
            return {}
        return dict(found)

    async def _open(self) -> None:
        while self._opened is None:
            try:
                self._opened = await self._loaded()
            except CodeLabError as error:
                self._report(error.message, error.code)
            except Exception:
                _log.exception("vectors_failed")
                self._report("What makes vectors failed; the log says why.", "internal")
            if self._opened is None:
                # A package, a model or a database may come later.
                await asyncio.sleep(_AGAIN_S)
        self.note = self._opened.opened.note
        self._opened.queue.start()
        for workspace_id in self._waiting:
            self._opened.queue.changed(workspace_id)
        self._waiting.clear()

    async def _loaded(self) -> _Opened | None:
        encoder = await open_encoder(self._encoder, self._find_model)
        if encoder is None:
            return None
        try:
            opened = await open_store(self._store, encoder.name, self._root, self._db)
        except BaseException:
            await encoder.close()
            raise
        queue = EmbeddingQueue(self._passages, encoder, opened.store, lambda *_: None)
        return _Opened(encoder, opened, queue)

    def _report(self, note: str, code: str) -> None:
        self.note = note
        _log.warning("vectors_off", code=code, reason=note)

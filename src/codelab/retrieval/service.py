"""Finding code: the indexes of workspaces, kept up to date and asked."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress

import msgspec
import structlog

from codelab.kit.bus import Bus
from codelab.kit.db import Database
from codelab.kit.errors import CodeLabError
from codelab.retrieval.encoders.opening import EncoderChoice
from codelab.retrieval.figures import STATES, IndexFigures, State, figures_of
from codelab.retrieval.index.entries import Coverage
from codelab.retrieval.index.readers import Readers
from codelab.retrieval.indexed_code import IndexedCode
from codelab.retrieval.indexing.followed import Standing
from codelab.retrieval.indexing.following import Following
from codelab.retrieval.meaning import Meaning
from codelab.retrieval.passages import Passages
from codelab.retrieval.plain import PlainCode, View
from codelab.retrieval.reporting import ReportedCode
from codelab.retrieval.reranking import RerankedCode, Reranker
from codelab.retrieval.settings import IndexingSettings
from codelab.retrieval.vectors.opening import StoreChoice
from codelab.sdk.embedding import EmbeddingModel
from codelab.sdk.retrieval import CodeSearch, SymbolPlaces
from codelab.workspace.api import Workspaces
from codelab.workspace.events import WorkspaceDeleted

_log = structlog.get_logger(__name__)


class VectorStatus(msgspec.Struct, frozen=True, kw_only=True):
    """How far the vectors of a workspace are.

    Args:
        model: What makes them; empty where none are made.
        store: Where they are kept.
        state: What happens now.
        done: How many pieces have one.
        total: How many should have one.
        cost_usd: What they cost since the server started.
        note: What is wrong, for people; or empty.
    """

    model: str = ""
    store: str = ""
    state: str = "off"
    done: int = 0
    total: int = 0
    cost_usd: float = 0.0
    note: str = ""


class IndexStatus(msgspec.Struct, frozen=True, kw_only=True):
    """How far the index of a workspace is.

    Args:
        state: What is there: nothing yet, one that is being compared with the files, one that is
            up to date, one that another server writes, one that could not be made.
        done: Of the files that had changed, so many are done.
        of: So many had changed.
        compared_at: When it was last found to be whole, in seconds since 1970; 0: never.
        coverage: How much is in it; none where there is no index.
        vectors: How far the vectors are.
        note: What is wrong, or that it had to be made anew; or empty.
    """

    state: State
    done: int = 0
    of: int = 0
    compared_at: float = 0.0
    coverage: Coverage | None = None
    vectors: VectorStatus = VectorStatus()
    note: str = ""


class Retrieval:
    """Makes and asks the indexes of workspaces.

    Args:
        workspaces: Opens and watches them.
        bus: Tells what people change.
        db: The server's database.
        settings: Where indexes are, and how often they are compared.
        encoder: What makes vectors.
        store: Where they are kept.
        find_model: Finds a model of the catalogue.
        reranker: Puts what agents find into order; none: it stays as it was ranked.
    """

    def __init__(
        self,
        workspaces: Workspaces,
        bus: Bus,
        db: Database,
        settings: IndexingSettings,
        encoder: EncoderChoice,
        store: StoreChoice,
        find_model: Callable[[str], EmbeddingModel],
        reranker: Reranker | None = None,
    ) -> None:
        self._bus = bus
        self._reranker = reranker
        self._workspaces = workspaces
        self._readers = Readers(
            lambda workspace_id: settings.folder / workspace_id,
            lambda workspace_id: self._following.lost(workspace_id),
        )
        passages = Passages(self._readers, workspaces)
        self._meaning = Meaning(passages, encoder, store, find_model, settings.folder, db)
        self._following = Following(workspaces, bus, settings, self._meaning.changed)
        self._forgetting: set[asyncio.Task[None]] = set()
        bus.subscribe(WorkspaceDeleted, self._forget)

    async def start(self) -> None:
        """Begin; nothing is loaded before somebody uses a workspace."""
        await self._following.start()

    async def close(self) -> None:
        """Follow nothing any more, and give back what is held."""
        await self._following.close()
        await asyncio.gather(*self._forgetting, return_exceptions=True)
        await self._meaning.close()
        await self._readers.close()

    def open(self, workspace_id: str) -> None:
        """Say that a workspace is in use; its index is made, or compared, in the background."""
        self._following.open(workspace_id)

    def changed(self, workspace_id: str, paths: Sequence[str]) -> None:
        """Tell the index of files that changed just now; of none by name: of any.

        What is asked afterwards is answered, if that takes but a moment, from what they are now.
        """
        self.open(workspace_id)
        self._following.changed(workspace_id, paths)

    def code(self, workspace_id: str, view: View) -> CodeSearch:
        """Return what searches a workspace for somebody who sees it so."""
        return ReportedCode(workspace_id, self._code(workspace_id, view), self._bus)

    def code_for_agents(self, workspace_id: str, view: View) -> CodeSearch:
        """Return the same with findings in the order that a model gives them, if one is to."""
        code: CodeSearch = self._code(workspace_id, view)
        if self._reranker is not None:
            code = RerankedCode(code, self._reranker)
        return ReportedCode(workspace_id, code, self._bus)

    async def outline(self, workspace_id: str, view: View, path: str) -> SymbolPlaces:
        """List what a file defines, in the order of its lines."""
        return await self._code(workspace_id, view).outline(path)

    def _code(self, workspace_id: str, view: View) -> IndexedCode | PlainCode:
        def changed(paths: Sequence[str]) -> None:
            self._following.changed(workspace_id, paths)

        async def listed(paths: Sequence[str]) -> Collection[str]:
            return await (await self._workspaces.open(workspace_id)).listed(paths)

        async def settled() -> None:
            await self._following.settled(workspace_id)

        async def near(question: str) -> dict[str, float]:
            self.open(workspace_id)
            return dict(await self._meaning.near(workspace_id, question))

        def note() -> str:
            self.open(workspace_id)
            return _note(self._following.standing(workspace_id))

        plain = PlainCode(view, note)
        if self._following.is_off:
            return plain
        return IndexedCode(
            workspace_id, view, self._readers, listed, settled, near, changed, note, plain
        )

    def is_whole(self, workspace_id: str) -> bool:
        """Tell whether an index was found to be whole; if it is not known yet, that is begun."""
        self.open(workspace_id)
        standing = self._following.standing(workspace_id)
        return standing.compared_at > 0 or standing.phase == "elsewhere"

    async def status(self, workspace_id: str) -> IndexStatus:
        """Tell how far an index is."""
        self.open(workspace_id)
        standing = self._following.standing(workspace_id)
        coverage = await self._coverage(workspace_id)
        return IndexStatus(
            state=STATES[standing.phase],
            done=standing.done,
            of=standing.of,
            compared_at=standing.compared_at,
            coverage=coverage,
            vectors=self._vectors(workspace_id),
            note=standing.note,
        )

    async def figures(self) -> IndexFigures:
        """Add up the indexes of all projects in use; none counts as used for it."""
        standings = self._following.standings()
        coverages = []
        for workspace_id in standings:
            # A broken one is made anew; its state tells of it.
            with suppress(CodeLabError):
                coverages.append(await self._coverage(workspace_id))
        return figures_of(standings.values(), coverages, time.time())

    def require(self) -> None:
        """Refuse where no index is made.

        Raises:
            IndexOff: This server makes none.
        """
        self._following.require()

    async def rebuild(self, workspace_id: str) -> None:
        """Make an index anew; returns once it is whole.

        Raises:
            CodeLabError: It cannot be made.
        """
        await self._following.rebuild(workspace_id)

    async def refresh(self, workspace_id: str) -> None:
        """Compare an index with its workspace; returns once it is whole.

        Raises:
            CodeLabError: It cannot be made.
        """
        await self._following.refresh(workspace_id)

    async def _coverage(self, workspace_id: str) -> Coverage | None:
        if self._following.is_off:
            return None
        return await self._readers.attempt(workspace_id, lambda index: index.catalogue.coverage())

    def _vectors(self, workspace_id: str) -> VectorStatus:
        status = self._meaning.status(workspace_id)
        if status is None:
            state = "waiting" if self._meaning.is_coming else "off"
            return VectorStatus(state=state, note=self._meaning.note)
        return VectorStatus(
            model=status.model,
            store=self._meaning.engine,
            state=status.state,
            done=status.done,
            total=status.total,
            cost_usd=status.cost_usd,
            note=status.error or self._meaning.note,
        )

    def _forget(self, event: WorkspaceDeleted) -> None:
        task = asyncio.create_task(self._forgotten(event.workspace_id))
        self._forgetting.add(task)
        task.add_done_callback(self._forgetting.discard)

    async def _forgotten(self, workspace_id: str) -> None:
        try:
            await self._meaning.forget(workspace_id)
        except CodeLabError as error:
            _log.warning("vectors_not_forgotten", code=error.code, workspace_id=workspace_id)


def _note(standing: Standing) -> str:
    match standing.phase:
        case "off":
            return "no index is made on this server (CODELAB_INDEX_ENGINE is off)"
        case "unknown":
            return "the index is not compared with the files yet"
        case "comparing" if not standing.compared_at:
            return f"the index is being made: {standing.done} of {standing.of} files so far"
        case "failed":
            return f"the index could not be brought up to date: {standing.note}"
        case "comparing" | "ready" | "elsewhere":
            return ""

"""Brings the vectors that are missing, in the background and one batch at a time.

What is missing is asked of the store each time, so a server that was killed goes on where it was.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Collection, Mapping
from itertools import islice
from typing import Protocol

import msgspec
import structlog

from codelab.kit.errors import CodeLabError, Unavailable
from codelab.retrieval.encoders.encoder import Encoder
from codelab.retrieval.errors import DimensionsDiffer, EncoderUnavailable, TextRefused
from codelab.retrieval.indexing.embedding_state import (
    EmbeddingStatus,
    batches,
    finished,
    is_worth_pruning,
    may_restart,
    rest_s,
)
from codelab.retrieval.vectors.store import Vector, VectorStore

# Of one workspace, before others and what was changed meanwhile have theirs.
_TURN_S = 1.0
_ASKED_AT_ONCE = 4000
# More changes than these are looked for in the index.
_MOST_REMEMBERED = 10_000
# Of one batch: providers limit its tokens as a whole, OpenAI to 300,000.
_MOST_CHARACTERS = 300_000
# Of these, not the texts are the cause but how the model is asked.
_MOST_REFUSED_IN_A_ROW = 3
_log = structlog.get_logger(__name__)

OnStatus = Callable[[str, EmbeddingStatus], None]


class Pieces(Protocol):
    """The pieces of files, as an index knows them."""

    async def wanted(
        self, workspace_id: str, paths: Collection[str] | None = None
    ) -> Collection[str]:
        """Return the digests of the pieces that lie in the workspace now: of all, or of some paths.

        A folder's path stands for all that is below it.
        """
        ...

    async def retained(self, workspace_id: str) -> Collection[str]:
        """Return the digests of all pieces that are remembered, those of earlier versions too."""
        ...

    async def texts(self, workspace_id: str, digests: Collection[str]) -> Mapping[str, str]:
        """Return what the encoder is given for each digest, without those that changed since."""
        ...


class EmbeddingQueue:
    """Brings vectors, for one workspace after the other.

    Args:
        pieces: What should have vectors.
        encoder: What makes them.
        store: Where they are kept.
        on_status: Told of each step; must not block.
        sleep: Waits.
        clock: Tells the seconds since any moment.
    """

    def __init__(
        self,
        pieces: Pieces,
        encoder: Encoder,
        store: VectorStore,
        on_status: OnStatus,
        *,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._pieces = pieces
        self._encoder = encoder
        self._store = store
        self._on_status = on_status
        self._sleep = sleep
        self._clock = clock
        self._works: dict[str, _Work] = {}
        # In the order in which it is their turn.
        self._due: dict[str, None] = {}
        self._timers: dict[str, asyncio.TimerHandle] = {}
        self._waking = asyncio.Event()
        self._failures = 0
        self._refused_in_a_row = 0
        self._restarted_at_s: float | None = None
        self._task: asyncio.Task[None] | None = None
        self._turn = asyncio.Lock()

    def start(self) -> None:
        """Begin."""
        if self._task is None:
            self._task = asyncio.create_task(self._run(), name="embedding")

    def changed(self, workspace_id: str, paths: Collection[str] | None = None) -> None:
        """Have a workspace looked at: all of it, or some paths."""
        work = self._works.get(workspace_id)
        if work is None:
            work = self._works[workspace_id] = _Work(EmbeddingStatus(model=self._encoder.name))
        work.changed(paths)
        self._make_due(workspace_id)

    def status(self, workspace_id: str) -> EmbeddingStatus:
        """Say how far a workspace is."""
        work = self._works.get(workspace_id)
        return work.status if work else EmbeddingStatus(model=self._encoder.name)

    async def forget(self, workspace_id: str) -> None:
        """Forget a workspace with its vectors.

        Raises:
            Unavailable: The store cannot do it now.
        """
        self._works.pop(workspace_id, None)
        self._put_off(workspace_id)
        # What is in the middle of its turn would bring vectors back.
        async with self._turn:
            await self._store.forget(workspace_id)

    async def close(self) -> None:
        """Stop; what is not there yet is brought after the next start."""
        for timer in self._timers.values():
            timer.cancel()
        if self._task:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    def _make_due(self, workspace_id: str) -> None:
        self._put_off(workspace_id)
        if workspace_id in self._works:
            self._due[workspace_id] = None
            self._waking.set()

    def _put_off(self, workspace_id: str) -> None:
        self._due.pop(workspace_id, None)
        if timer := self._timers.pop(workspace_id, None):
            timer.cancel()

    async def _run(self) -> None:
        while True:
            await self._waking.wait()
            while self._due:
                workspace_id = next(iter(self._due))
                del self._due[workspace_id]
                async with self._turn:
                    pause_s = await self._take_turn(workspace_id)
                if pause_s:
                    await self._sleep(pause_s)
            self._waking.clear()

    async def _take_turn(self, workspace_id: str) -> float:
        """Go on with a workspace; return how long nobody need be tried."""
        work = self._works.get(workspace_id)
        if work is None:
            return 0.0
        try:
            is_over = await self._go_on(workspace_id, work)
        except Unavailable as error:
            # It is the same for all workspaces.
            self._failures += 1
            pause_s = rest_s(self._failures, error.retry_after_s)
            self._rest(workspace_id, work, error.message, pause_s)
            self._make_due(workspace_id)
            return pause_s
        except CodeLabError as error:
            self._try_later(workspace_id, work, error.message)
        except Exception:
            _log.exception("embedding_failed", workspace_id=workspace_id)
            self._try_later(workspace_id, work, "Something went wrong; the server's log says what.")
        else:
            self._failures = work.failures = 0
            if not is_over:
                self._make_due(workspace_id)
        return 0.0

    def _try_later(self, workspace_id: str, work: _Work, error: str) -> None:
        work.failures += 1
        pause_s = rest_s(work.failures, None)
        self._rest(workspace_id, work, error, pause_s)
        loop = asyncio.get_running_loop()
        self._put_off(workspace_id)
        self._timers[workspace_id] = loop.call_later(pause_s, self._make_due, workspace_id)

    def _rest(self, workspace_id: str, work: _Work, error: str, pause_s: float) -> None:
        _log.warning("embedding_rests", workspace_id=workspace_id, error=error, pause_s=pause_s)
        self._tell(workspace_id, work, state="resting", error=error, retry_in_s=pause_s)

    async def _go_on(self, workspace_id: str, work: _Work) -> bool:
        """Bring some vectors; tell whether none is missing any more."""
        self._tell(workspace_id, work, state="working", retry_in_s=0.0)
        if work.is_all_looked_at:
            await self._look_at(workspace_id, work)
        else:
            await self._look_at_all(workspace_id, work)
        self._tell(workspace_id, work)
        end_s = self._clock() + _TURN_S
        while work.missing and self._works.get(workspace_id) is work:
            if self._clock() >= end_s and (self._due or work.has_news):
                break
            await self._bring(workspace_id, work, list(islice(work.missing, self._encoder.batch)))
        if work.missing or work.has_news:
            return False
        await self._tidy(workspace_id, work)
        work.status = finished(work.status)
        self._tell(workspace_id, work)
        return True

    async def _look_at_all(self, workspace_id: str, work: _Work) -> None:
        work.is_all_looked_at = True
        work.news.clear()
        try:
            wanted = dict.fromkeys(await self._pieces.wanted(workspace_id))
            known = await self._known(workspace_id, wanted)
        except BaseException:
            work.is_all_looked_at = False
            raise
        work.missing = {digest: None for digest in wanted if digest not in known}
        work.is_untidy = True
        self._count(work, done=len(known), total=len(wanted), refused=0)

    async def _look_at(self, workspace_id: str, work: _Work) -> None:
        # What changes meanwhile, even the same paths, is looked at in the next turn.
        paths, work.news = work.news, {}
        try:
            wanted = dict.fromkeys(await self._pieces.wanted(workspace_id, paths) if paths else ())
            new = {digest: None for digest in wanted if digest not in work.missing}
            known = await self._known(workspace_id, new)
        except BaseException:
            work.news = {**paths, **work.news}
            raise
        missing = {digest: None for digest in new if digest not in known}
        # First what somebody has just written, then what a large project still lacks.
        work.missing = {**missing, **work.missing}
        self._count(work, total=work.status.total + len(missing))

    async def _known(self, workspace_id: str, digests: Collection[str]) -> set[str]:
        known: set[str] = set()
        asked = iter(digests)
        while part := list(islice(asked, _ASKED_AT_ONCE)):
            known |= await self._store.known(workspace_id, part)
        return known

    async def _bring(self, workspace_id: str, work: _Work, digests: list[str]) -> None:
        texts = await self._pieces.texts(workspace_id, digests)
        gone = [digest for digest in digests if digest not in texts]
        work.bring_no_more(gone)
        self._count(work, total=work.status.total - len(gone))
        waiting = list(batches(texts, self._encoder.batch, _MOST_CHARACTERS))
        while waiting:
            batch = waiting.pop(0)
            try:
                encoded = await self._encoder.documents(list(batch.values()))
            except TextRefused as error:
                if len(batch) > 1:
                    # One of them is the culprit; the others are not to suffer.
                    waiting[:0] = batches(batch, (len(batch) + 1) // 2, _MOST_CHARACTERS)
                    continue
                work.bring_no_more(batch)
                self._count(work, refused=work.status.refused + 1)
                self._tell(workspace_id, work, error=error.message)
                self._refused_in_a_row += 1
                if self._refused_in_a_row == _MOST_REFUSED_IN_A_ROW:
                    self._refused_in_a_row = 0
                    raise EncoderUnavailable(error.message) from error
                continue
            self._refused_in_a_row = 0
            self._count(work, cost_usd=work.status.cost_usd + encoded.cost_usd)
            await self._put(workspace_id, dict(zip(batch, encoded.vectors, strict=True)))
            work.bring_no_more(batch)
            self._count(work, done=work.status.done + len(batch))
            self._tell(workspace_id, work, error="" if not work.status.refused else None)

    async def _put(self, workspace_id: str, vectors: Mapping[str, Vector]) -> None:
        try:
            await self._store.put(workspace_id, vectors)
        except DimensionsDiffer:
            now_s = self._clock()
            if not may_restart(now_s, self._restarted_at_s):
                raise
            self._restarted_at_s = now_s
            _log.warning("vectors_begin_anew", model=self._encoder.name)
            await self._store.restart(len(next(iter(vectors.values()))))
            for other, work in self._works.items():
                work.is_all_looked_at = False
                if other != workspace_id:
                    self._make_due(other)
            await self._store.put(workspace_id, vectors)

    async def _tidy(self, workspace_id: str, work: _Work) -> None:
        """Forget what nobody needs any more, once all is there."""
        if not work.is_untidy or work.status.refused:
            return
        await self._store.forget_other_models(workspace_id)
        retained = await self._pieces.retained(workspace_id)
        if is_worth_pruning(await self._store.count(workspace_id), len(retained)):
            await self._store.keep_only(workspace_id, retained)
        work.is_untidy = False

    def _count(self, work: _Work, **counts: float) -> None:
        work.status = msgspec.structs.replace(work.status, **counts)

    def _tell(self, workspace_id: str, work: _Work, **news: object) -> None:
        said = {name: value for name, value in news.items() if value is not None}
        work.status = msgspec.structs.replace(work.status, **said)
        self._on_status(workspace_id, work.status)


class _Work:
    """What is to be done for one workspace."""

    def __init__(self, status: EmbeddingStatus) -> None:
        self.status = status
        self.news: dict[str, None] = {}
        self.missing: dict[str, None] = {}
        self.is_all_looked_at = False
        self.is_untidy = True
        self.failures = 0

    @property
    def has_news(self) -> bool:
        """Whether something changed since it was looked at."""
        return bool(self.news) or not self.is_all_looked_at

    def changed(self, paths: Collection[str] | None) -> None:
        """Note what is to be looked at."""
        if paths is None or len(self.news) + len(paths) > _MOST_REMEMBERED:
            self.is_all_looked_at = False
            self.news.clear()
        elif self.is_all_looked_at:
            self.news |= dict.fromkeys(paths)

    def bring_no_more(self, digests: Collection[str]) -> None:
        """Note that these are done with."""
        for digest in digests:
            self.missing.pop(digest, None)

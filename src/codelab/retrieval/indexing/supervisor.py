"""Keeps the one process that writes indexes at work, and starts it again when it ends."""

from __future__ import annotations

import asyncio
import itertools
import sys
import time
from collections import Counter
from collections.abc import Callable

import msgspec
import structlog

from codelab.kit.errors import CodeLabError
from codelab.retrieval.errors import IndexBroken, IndexerFailed, IndexLocked, IndexUnwritable
from codelab.retrieval.indexing.frames import (
    HEAD,
    LONGEST,
    Avoid,
    Begin,
    Done,
    Order,
    Progress,
    Report,
    Working,
    packed,
    reports,
)
from codelab.retrieval.settings import Engine

_MODULE = "codelab.retrieval.indexing.worker"
_LONGEST_FILE_S = 10.0
_LOOKED_AFTER_S = 0.25
# On which so many workers ended, a file is left out.
_MOST_ENDS = 3
# Without anything done in between.
_MOST_STARTS = 6
_FIRST_WAIT_S = 0.05
_ENDS_WITHIN_S = 1.0
_CONDITIONS: dict[str, type[CodeLabError]] = {
    one.code: one for one in (IndexBroken, IndexLocked, IndexUnwritable)
}
_log = structlog.get_logger(__name__)


class Supervisor:
    """Hands orders to the worker; whatever happens to that one, each is done or refused.

    Args:
        engine: What searches the indexes.
        folder: Where all of them are; the worker writes nowhere else.
        allowed_hidden: Hidden files that agents may use.
        progress: Told how far the comparison with a workspace has come.
        longest_file_s: How many seconds of a processor one file may take before it is done
            without its tree.
    """

    def __init__(
        self,
        engine: Engine,
        folder: str,
        allowed_hidden: tuple[str, ...] = (),
        progress: Callable[[Progress], None] = lambda progress: None,
        *,
        longest_file_s: float = _LONGEST_FILE_S,
    ) -> None:
        self._begin = Begin(engine, folder, allowed_hidden)
        self._progress = progress
        self._longest_file_s = longest_file_s
        self._numbers = itertools.count(1)
        self._waiting: dict[int, tuple[Order, asyncio.Future[Done]]] = {}
        self._process: asyncio.subprocess.Process | None = None
        self._running: asyncio.Task[None] | None = None
        self._working: tuple[Working, float] | None = None
        self._ends: Counter[str] = Counter()
        self._starts = 0
        self._closed = False

    @property
    def process_id(self) -> int | None:
        """The worker's number, while there is one."""
        return self._process.pid if self._process else None

    async def ask(self, order: Order) -> Done:
        """Have something done, and wait for it.

        Raises:
            IndexBroken: The index cannot be read; the next comparison makes a new one.
            IndexLocked: Another server writes it.
            IndexUnwritable: The disk is full or refuses.
            IndexerFailed: The worker ends again and again, or the server does.
        """
        if self._closed:
            raise IndexerFailed("The indexer has ended.")
        number = next(self._numbers)
        order = msgspec.structs.replace(order, number=number)
        future: asyncio.Future[Done] = asyncio.get_running_loop().create_future()
        self._waiting[number] = (order, future)
        if self._running is None or self._running.done():
            self._starts = 0
            self._running = asyncio.create_task(self._run())
        elif self._process is not None:
            self._send(order)
        done = await future
        if done.error:
            raise _CONDITIONS.get(done.error, IndexerFailed)(done.message)
        return done

    async def rest(self) -> None:
        """Let the worker end, if nothing is under way, until there is something to do again."""
        if not self._waiting:
            await self._stop()

    async def close(self) -> None:
        """End the worker; what is under way goes on at the next start."""
        self._closed = True
        await self._stop()
        self._refuse("The indexer has ended.")

    async def _stop(self) -> None:
        # Whoever asks meanwhile starts another one.
        running, self._running = self._running, None
        if running is not None:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)

    async def _run(self) -> None:
        try:
            await self._keep_running()
        except Exception:
            _log.exception("indexer_failed")
            self._refuse("The indexer has failed.")

    async def _keep_running(self) -> None:
        while True:
            self._starts += 1
            if self._starts > _MOST_STARTS:
                self._refuse("The indexer ends whenever it is started.")
                return
            try:
                process = await self._started()
            except OSError as error:
                _log.error("indexer_not_started", error=str(error))
                self._refuse("The indexer cannot be started.")
                return
            watching = asyncio.create_task(self._watch(process))
            try:
                await self._hear(process)
            finally:
                watching.cancel()
                if self._process is process:
                    self._process = None
                await _end(process)
            _log.warning("indexer_ended", exit_code=process.returncode)
            self._blame(is_slow=False)
            await asyncio.sleep(_FIRST_WAIT_S * 2**self._starts)

    async def _started(self) -> asyncio.subprocess.Process:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-I", "-m", _MODULE),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            env={},
            # What a terminal sends to end the server does not end it in the middle of a file: its
            # standard input closes when the server goes.
            start_new_session=True,
        )
        self._process = process
        self._write(packed(self._begin))
        for order, _ in [*self._waiting.values()]:
            self._send(order)
        return process

    def _send(self, order: Order) -> None:
        self._write(packed(order))

    def _write(self, data: bytes) -> None:
        if self._process is not None and self._process.stdin is not None:
            # A worker that has just ended is told all of it again by the next one.
            self._process.stdin.write(data)

    async def _hear(self, process: asyncio.subprocess.Process) -> None:
        source = process.stdout
        while source is not None:
            try:
                (length,) = HEAD.unpack(await source.readexactly(HEAD.size))
                if length > LONGEST:
                    return
                self._take(reports.decode(await source.readexactly(length)))
            except (asyncio.IncompleteReadError, ConnectionError, msgspec.DecodeError):
                return

    def _take(self, report: Report) -> None:
        match report:
            case Working():
                self._working = (report, self._spent_s()) if report.digest else None
            case Progress():
                self._starts = 0
                self._progress(report)
            case Done():
                self._starts = 0
                _, future = self._waiting.pop(report.number, (None, None))
                if future is not None and not future.done():
                    future.set_result(report)

    async def _watch(self, process: asyncio.subprocess.Process) -> None:
        while True:
            await asyncio.sleep(min(_LOOKED_AFTER_S, self._longest_file_s))
            if self._working and self._spent_s() - self._working[1] > self._longest_file_s:
                _log.warning("file_takes_too_long", digest=self._working[0].digest)
                self._blame(is_slow=True)
                process.kill()
                return

    def _spent_s(self) -> float:
        """Return for how long the worker has computed, however busy the machine is."""
        process_id = self.process_id
        try:
            # As clock_getcpuclockid(3) makes it.
            return time.clock_gettime((~process_id << 3) | 2) if process_id else 0.0
        except OSError:
            return time.monotonic()

    def _blame(self, *, is_slow: bool) -> None:
        """Note on which file the worker has ended, and have the next one do without."""
        if self._working is None:
            return
        working, self._working = self._working[0], None
        self._ends[working.digest] += 1
        ends = self._ends[working.digest]
        if is_slow or ends > 1:
            avoid = Avoid(place=working.place, digest=working.digest, wholly=ends >= _MOST_ENDS)
            number = next(self._numbers)
            order = msgspec.structs.replace(avoid, number=number)
            done = asyncio.get_running_loop().create_future()
            # Before all that waits.
            self._waiting = {number: (order, done), **self._waiting}

    def _refuse(self, reason: str) -> None:
        waiting, self._waiting = self._waiting, {}
        for order, future in waiting.values():
            if not future.done() and not isinstance(order, Avoid):
                future.set_exception(IndexerFailed(reason))


async def _end(process: asyncio.subprocess.Process) -> None:
    if process.stdin is not None:
        process.stdin.close()
    ended = asyncio.create_task(process.wait())
    # In what is being cancelled, asyncio.timeout raises no TimeoutError before Python 3.11.3.
    done, _ = await asyncio.wait({ended}, timeout=_ENDS_WITHIN_S)
    if not done:
        # A file holds it up.
        process.kill()
    await ended

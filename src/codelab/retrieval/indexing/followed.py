"""One workspace that is followed: what changes in it is looked at, and now and then all of it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Collection, Iterable
from contextlib import suppress
from typing import Literal

import msgspec
import structlog

from codelab.kit.errors import CodeLabError
from codelab.retrieval.errors import IndexBroken, IndexLocked, IndexUnwritable
from codelab.retrieval.indexing import history
from codelab.retrieval.indexing.frames import (
    Compare,
    Done,
    Look,
    Place,
    Progress,
    Reconcile,
    Remember,
    Rest,
)
from codelab.retrieval.indexing.supervisor import Supervisor
from codelab.retrieval.settings import IndexingSettings
from codelab.workspace.api import IGNORE_FILES, FileChanges, Watch, Workspaces

# Takes a workspace and the paths that were looked at; None: all of it.
OnChange = Callable[[str, Collection[str] | None], None]
Phase = Literal["off", "unknown", "comparing", "ready", "elsewhere", "failed"]
# So long what happens to a repository is waited for: a switch of branches writes many files.
_SETTLES_S = 0.3
# Programs that ask git for its state touch its index all the time.
_BETWEEN_S = 2.0
_FIRST_RETRY_S = 5.0
_WATCHES_WITHIN_S = 10.0
# So long a question waits for what was told to have changed before it.
_LOOKED_WITHIN_S = 1.0
_MADE_ANEW = "The index could not be read and was made anew."
_log = structlog.get_logger(__name__)


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """How far an index is.

    Args:
        phase: Whether none is made on this server, it is compared with the workspace right now, is
            up to date, is written by another server, or could not be made.
        done: Of the files that had changed, so many are done.
        of: So many had changed.
        compared_at: When it was last found to be whole, in seconds since 1970; 0: never.
        note: Why it failed, or that it had to be made anew.
    """

    phase: Phase = "unknown"
    done: int = 0
    of: int = 0
    compared_at: float = 0
    note: str = ""


class Followed:
    """Keeps one index up to date.

    Args:
        workspace_id: The workspace.
        folder: Where its index is.
        workspaces: Opens and watches it.
        supervisor: Does the work.
        settings: How often it is compared.
        on_change: Told when the index has changed, of some paths or of any.
    """

    def __init__(
        self,
        workspace_id: str,
        folder: str,
        workspaces: Workspaces,
        supervisor: Supervisor,
        settings: IndexingSettings,
        on_change: OnChange,
    ) -> None:
        self.used_at = time.monotonic()
        self.standing = Standing()
        self._workspace_id = workspace_id
        self._folder = folder
        self._workspaces = workspaces
        self._supervisor = supervisor
        self._settings = settings
        self._on_change = on_change
        self._paths: dict[str, None] = {}
        self._some_changed = asyncio.Event()
        self._all_changed = asyncio.Event()
        # Whether what was told has been looked at.
        self._is_looked_at = asyncio.Event()
        self._is_compared = asyncio.Event()
        self._is_looked_at.set()
        self._is_compared.set()
        self._comparing = asyncio.Lock()
        self._is_lost = False
        self._watch: Watch | None = None
        self._is_told = False
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Begin."""
        self._tasks = [asyncio.create_task(self._look()), asyncio.create_task(self._compare())]

    async def rest(self) -> None:
        """End, and let others write the index."""
        await self.close()
        if self._supervisor.process_id is None:
            return
        with suppress(CodeLabError):
            place = Place(self._workspace_id, "", self._folder)
            await self._supervisor.ask(Rest(place=place))

    async def close(self) -> None:
        """End; what is under way is not waited for."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._unwatched()

    def changed(self, paths: Iterable[str]) -> None:
        """Have paths looked at; without any, everything."""
        some = dict.fromkeys(paths)
        if not some or any(path.rsplit("/", 1)[-1] in IGNORE_FILES for path in some):
            self._all_changed.set()
        if not some:
            self._is_compared.clear()
        else:
            self._paths.update(some)
            self._is_looked_at.clear()
            self._some_changed.set()

    @property
    def waiting(self) -> int:
        """How many paths were told of that nobody has looked at yet."""
        return len(self._paths)

    def lost(self) -> None:
        """Have the index made anew: whoever wanted to read it could not."""
        self._is_lost = True
        self._all_changed.set()

    async def settled(self) -> None:
        """Wait a moment for the index to know what was told before."""
        if not self.standing.compared_at:
            return
        with suppress(TimeoutError):
            async with asyncio.timeout(_LOOKED_WITHIN_S):
                await self._is_looked_at.wait()
                await self._is_compared.wait()

    def progress(self, progress: Progress) -> None:
        """Take note of how far a comparison is."""
        self.standing = msgspec.structs.replace(self.standing, done=progress.done, of=progress.of)

    async def refresh(self, *, rebuild: bool = False) -> None:
        """Compare everything, take in the subjects of commits, and say how that went.

        Raises:
            CodeLabError: It cannot be done; the index stays as it was.
        """
        async with self._comparing:
            self.standing = msgspec.structs.replace(
                self.standing, phase="comparing", done=0, of=0, note=""
            )
            try:
                note = await self._refreshed(rebuild=rebuild)
            except IndexLocked:
                self.standing = msgspec.structs.replace(self.standing, phase="elsewhere", note="")
                raise
            except CodeLabError as error:
                self.standing = msgspec.structs.replace(
                    self.standing, phase="failed", note=error.message
                )
                raise
            self.standing = msgspec.structs.replace(
                self.standing, phase="ready", compared_at=time.time(), note=note
            )

    async def _refreshed(self, *, rebuild: bool) -> str:
        place = await self._place()
        note = ""
        if self._is_lost:
            rebuild, note = True, _MADE_ANEW
            self.standing = msgspec.structs.replace(self.standing, compared_at=0)
            # It may be open still where it does not lie any more.
            await self._supervisor.ask(Rest(place=place))
        try:
            done = await self._supervisor.ask(Reconcile(place=place, rebuild=rebuild))
        except IndexBroken as error:
            note = error.message
            done = await self._supervisor.ask(Reconcile(place=place, rebuild=True))
        if self._is_old(done):
            done = await self._supervisor.ask(Reconcile(place=place, rebuild=True))
        if done.was_broken:
            note = _MADE_ANEW
        if rebuild:
            self._is_lost = False
        if await self._remembered(place) or done.looked_at:
            self._on_change(self._workspace_id, None)
        return note

    async def _remembered(self, place: Place) -> bool:
        repository = await self._workspaces.open(self._workspace_id)
        try:
            names = await history.names(repository)
        except CodeLabError as error:
            # Where nothing can be boxed in, git does not run; all else is found without it.
            _log.info("history_not_indexed", error=error.code)
            return False
        commits = (await self._supervisor.ask(Compare(place=place, names=names))).commits
        if commits:
            log = await history.log(repository, commits)
            if not log.data:
                return False
            order = Remember(place=place, names=names, log=log.data, truncated=log.truncated)
            await self._supervisor.ask(order)
        return bool(commits)

    def _is_old(self, done: Done) -> bool:
        after_s = self._settings.rebuild_s
        return 0 < after_s < time.time() - done.built_at

    async def _look(self) -> None:
        while True:
            await self._some_changed.wait()
            self._some_changed.clear()
            paths, self._paths = tuple(self._paths), {}
            try:
                await self._supervisor.ask(Look(place=await self._place(), paths=paths))
            except IndexLocked:
                continue
            except CodeLabError as error:
                _log.warning("changes_not_indexed", error=error.code)
                self._all_changed.set()
                continue
            except Exception:
                # Whatever it was, the next comparison sees what changed.
                _log.exception("changes_not_indexed")
                self._all_changed.set()
                continue
            finally:
                if not self._paths:
                    self._is_looked_at.set()
            self._on_change(self._workspace_id, paths)

    async def _compare(self) -> None:
        wait_s = 0.0
        while True:
            try:
                await self._watched()
                self._all_changed.clear()
                await self.refresh()
                wait_s = self._settings.reconcile_s
            except CodeLabError as error:
                _log.info("workspace_not_indexed", error=error.code)
                if isinstance(error, IndexUnwritable):
                    # A worker may write only where the folder was when it began.
                    await self._supervisor.rest()
                wait_s = min(max(2 * wait_s, _FIRST_RETRY_S), self._settings.reconcile_s)
            except Exception:
                _log.exception("workspace_not_indexed")
                wait_s = self._settings.reconcile_s
            if not self._all_changed.is_set():
                self._is_compared.set()
            try:
                async with asyncio.timeout(wait_s):
                    await self._all_changed.wait()
            except TimeoutError:
                continue
            # Who has changed something and tells of it has ended; others may be in the middle.
            if self._is_compared.is_set():
                since_s = time.time() - self.standing.compared_at
                await asyncio.sleep(max(_SETTLES_S, _BETWEEN_S - since_s))

    async def _watched(self) -> None:
        """Be told of changes, before everything is compared: then none is missed in between."""
        if self._watch is not None and self._is_told:
            return
        loop = asyncio.get_running_loop()
        begun = asyncio.Event()

        def hear(changes: FileChanges) -> None:
            begun.set()
            self._hear(changes)

        def tell(changes: FileChanges) -> None:
            loop.call_soon_threadsafe(hear, changes)

        await self._unwatched()
        self._watch = await self._workspaces.watch(self._workspace_id, tell)
        self._is_told = True
        await asyncio.to_thread(self._watch.start)
        with suppress(TimeoutError):
            async with asyncio.timeout(_WATCHES_WITHIN_S):
                await begun.wait()

    async def _unwatched(self) -> None:
        if self._watch is not None:
            watch, self._watch = self._watch, None
            watch.stop()
            await asyncio.to_thread(watch.join)

    def _hear(self, changes: FileChanges) -> None:
        # Where nothing is told, it is compared from time to time, and watching is tried again.
        self._is_told = changes.watching
        if changes.paths:
            self.changed(changes.paths)
        if (changes.more and changes.watching) or changes.git:
            self._all_changed.set()

    async def _place(self) -> Place:
        folder = await self._workspaces.open(self._workspace_id)
        return Place(self._workspace_id, folder.root(), self._folder)

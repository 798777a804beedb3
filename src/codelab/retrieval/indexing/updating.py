"""Brings the index of one workspace up to date, in steps between which others are served."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import suppress
from pathlib import Path

import msgspec

from codelab.retrieval.index.entries import Entry, Stat
from codelab.retrieval.index.opening import WritableIndex
from codelab.retrieval.index.writer import HISTORY, Writer
from codelab.retrieval.indexing import subjects
from codelab.retrieval.indexing.frames import Compare, Place, Remember
from codelab.retrieval.indexing.reading import LARGEST, entry_of, reason_by_name
from codelab.retrieval.indexing.reconciling import Reconciliation, noted
from codelab.retrieval.indexing.scanning import is_folder, look, read, scan
from codelab.retrieval.settings import Engine
from codelab.workspace.api import Audience, Rules, digest_of, opened_root

_BUILT_AT = "built at"
_FAILING = "failing"
# Many files share a commit; nobody waits longer for one that was changed meanwhile.
_LONGEST_BATCH_S = 0.5
_MOST_TERMS = 300_000
_SCANNED_AT_ONCE = 200
_MOST_FAILING = 1000
# So many small commits make searching slower, until some upkeep is done.
_COMMITS_BETWEEN_MERGES = 32

# Work that stops now and then, and in the end says how many files it has looked at.
Steps = Generator[None, None, int]


class _Known(msgspec.Struct, frozen=True):
    """A content that the path has had before."""

    digest: str
    stat: Stat


class _Skipped(msgspec.Struct, frozen=True):
    """A file that is left out."""

    reason: str
    stat: Stat


class _Batch:
    """What will be put into the index together; the last word on a path counts."""

    def __init__(self) -> None:
        self.found: dict[str, Entry | _Known | _Skipped | None] = {}
        self._terms = 0
        self._began = time.monotonic()

    def add(self, path: str, found: Entry | _Known | _Skipped | None) -> None:
        self.found[path] = found
        if isinstance(found, Entry):
            self._terms += sum(len(piece.terms) for piece in found.pieces)

    def is_full(self) -> bool:
        return self._terms > _MOST_TERMS or time.monotonic() - self._began > _LONGEST_BATCH_S


class Updating:
    """The index of one workspace in the hands of its one writer.

    Args:
        place: The workspace and its index.
        engine: What searches it.
        allowed_hidden: Hidden files that agents may use.
        working: Told before a content is taken apart, and, without a digest, after it.

    Raises:
        IndexLocked: Another process writes it.
        IndexUnwritable: Its folder cannot be written.
    """

    def __init__(
        self,
        place: Place,
        engine: Engine,
        allowed_hidden: tuple[str, ...],
        working: Callable[[str], None],
    ) -> None:
        self._root = Path(place.root)
        self._rules = Rules(Audience.AGENT, allowed_hidden)
        self._working = working
        self._index = WritableIndex(Path(place.folder), engine)
        self._batches: list[_Batch] = []
        self._commits = 0
        self.was_broken = self._index.was_broken
        if self._index.is_new:
            self._begin()

    @property
    def built_at(self) -> float:
        """When the index was begun, in seconds since 1970."""
        return float(self._writer.state(_BUILT_AT) or 0)

    @property
    def _writer(self) -> Writer:
        return self._index.writer

    def renew(self) -> None:
        """Begin an empty index in place of this one."""
        self._index.renew()
        self._begin()

    def close(self) -> None:
        """Let another process write."""
        self._index.close()

    def reconcile(self, progress: Callable[[int, int], None]) -> Steps:
        """Compare everything with the workspace.

        Args:
            progress: Told how many of how many changed files are done.
        """
        with opened_root(self._root) as root:
            known = {file.path: file.stat for file in self._writer.files()}
            comparison = Reconciliation(known)
            waiting: dict[str, Stat | None] = {}
            for count, (path, stat) in enumerate(scan(root, self._rules), 1):
                if comparison.is_changed(path, stat):
                    waiting[path] = stat
                if count % _SCANNED_AT_ONCE == 0:
                    yield
            # One that was moved while the folders were gone through is there all the same.
            waiting.update(dict.fromkeys(comparison.gone()))
            del known, comparison
            yield
            looked_at = yield from self._taken(root, waiting, progress)
        yield from self._kept_small()
        return looked_at

    def look(self, paths: tuple[str, ...]) -> Steps:
        """Look at some paths, and at what has changed below them."""
        with opened_root(self._root) as root:
            waiting: dict[str, Stat | None] = {}
            for path in paths:
                below = [self._writer.file(one) for one in self._writer.below(path)]
                comparison = Reconciliation({file.path: file.stat for file in below if file})
                if is_folder(root, self._rules, path):
                    for found, stat in scan(root, self._rules, path):
                        if comparison.is_changed(found, stat):
                            waiting[found] = stat
                else:
                    waiting[path] = None
                waiting.update(dict.fromkeys(comparison.gone()))
            return (yield from self._taken(root, waiting))

    def avoid(self, digest: str, *, wholly: bool) -> None:
        """Do without the tree of a content, or without all of it."""
        with self._writer.batch():
            self._writer.avoid_tree(digest)
            if wholly:
                failing = [*self._failing(), digest][-_MOST_FAILING:]
                self._writer.note(_FAILING, " ".join(failing))

    def compare(self, command: Compare) -> int:
        """Return how many of the newest commits have to be told; 0 if nothing is new or gone."""
        names, known = subjects.names_in(command.names), self._past()
        return max(subjects.missing(names, known), int(known.keys() != set(names)))

    def remember(self, command: Remember) -> None:
        """Take in what was said of files when they were changed."""
        known = self._past()
        found = subjects.commits_in(command.log, truncated=command.truncated)
        now = subjects.merged(subjects.names_in(command.names), known, found)
        if now.keys() == known.keys():
            return
        with self._writer.batch():
            self._writer.put_history(subjects.changes(known, now))
            self._writer.note(HISTORY, subjects.kept(now))

    def _begin(self) -> None:
        with self._writer.batch():
            self._writer.note(_BUILT_AT, str(time.time()))

    def _past(self) -> dict[str, subjects.Commit]:
        return subjects.opened(self._writer.state(HISTORY) or "")

    def _failing(self) -> list[str]:
        return (self._writer.state(_FAILING) or "").split()

    def _taken(
        self,
        root: int,
        paths: Mapping[str, Stat | None],
        progress: Callable[[int, int], None] = lambda done, of: None,
    ) -> Steps:
        failing = frozenset(self._failing())
        batch = _Batch()
        self._batches.append(batch)
        try:
            for place, (path, seen) in enumerate(paths.items()):
                # Whoever looks later knows better.
                for other in self._batches:
                    other.found.pop(path, None)
                batch.add(path, self._read(root, path, seen, failing))
                if batch.is_full():
                    self._put(batch)
                    progress(place + 1, len(paths))
                    self._batches.remove(batch)
                    batch = _Batch()
                    self._batches.append(batch)
                yield
            self._put(batch)
            progress(len(paths), len(paths))
            return len(paths)
        finally:
            with suppress(ValueError):
                self._batches.remove(batch)

    def _read(
        self, root: int, path: str, seen: Stat | None, failing: frozenset[str]
    ) -> Entry | _Known | _Skipped | None:
        now_ns = time.time_ns()
        # Whoever goes through folders has just asked the rules.
        stat = seen or look(root, self._rules, path)
        if stat is None:
            return None
        if reason := reason_by_name(path, stat.size):
            return _Skipped(reason, stat)
        content = read(root, path, LARGEST)
        if content is None:
            stat = look(root, self._rules, path)
            return _Skipped("unreadable", stat) if stat else None
        stat = noted(content.stat, now_ns)
        if len(content.data) > LARGEST:
            return _Skipped("huge", stat)
        digest = digest_of(content.data)
        if self._writer.knows(path, digest):
            return _Known(digest, stat)
        if digest in failing:
            return _Skipped("indexing fails", stat)
        self._working(digest)
        treeless = self._writer.is_treeless(digest)
        found = entry_of(path, content.data, digest, stat, treeless=treeless)
        self._working("")
        return _Skipped(found, stat) if isinstance(found, str) else found

    def _put(self, batch: _Batch) -> None:
        if not batch.found:
            return
        with self._writer.batch():
            for path, found in batch.found.items():
                match found:
                    case None:
                        self._writer.forget([path])
                    case Entry():
                        self._writer.put([found])
                    case _Known(digest=digest, stat=stat):
                        self._writer.mark(path, digest, stat)
                    case _Skipped(reason=reason, stat=stat):
                        self._writer.skip(path, stat, reason)
        self._commits += 1
        if self._commits % _COMMITS_BETWEEN_MERGES == 0:
            self._writer.merge()

    def _kept_small(self) -> Iterator[None]:
        gone = 1
        while gone:
            with self._writer.batch():
                gone = self._writer.prune()
            yield

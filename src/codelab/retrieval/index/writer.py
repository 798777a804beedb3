"""The one writer of a workspace's index: the catalogue and its full-text search in step."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import chain

import apsw

from codelab.retrieval.chunks.chunking import Definition
from codelab.retrieval.index.catalogue import Catalogue
from codelab.retrieval.index.connecting import Value, listed, run, run_each
from codelab.retrieval.index.entries import KINDS, Entry, Stat, unqualified
from codelab.retrieval.index.lexical import FIELDS, Field, LexicalIndex
from codelab.retrieval.ranking.terms import terms

# The key of the commit up to which the subjects of past commits are known.
HISTORY = "history"
_BATCH = "batch"
# So many versions that are gone are pruned in one batch.
_PRUNED = 500
_OF_VERSIONS: tuple[Field, ...] = ("file", "path", "symbol")
_KNOWN_ROWS: dict[Field, str] = {
    "piece": "SELECT id FROM pieces",
    "file": "SELECT id FROM versions",
    "path": "SELECT id FROM versions",
    "symbol": "SELECT id FROM versions",
    "history": "SELECT id FROM paths",
}
_PIECES_OF_VERSIONS = """
SELECT id FROM pieces WHERE version_id IN (SELECT value FROM json_each(?))
"""
_UNKNOWN_PATHS = """
SELECT id FROM paths
WHERE id NOT IN (SELECT path_id FROM versions) AND id NOT IN (SELECT path_id FROM current)
"""
_FORGET_VERSIONS = (
    "DELETE FROM pieces WHERE version_id IN (SELECT value FROM json_each(?))",
    "DELETE FROM symbols WHERE version_id IN (SELECT value FROM json_each(?))",
    "DELETE FROM current WHERE version_id IN (SELECT value FROM json_each(?))",
    "DELETE FROM versions WHERE id IN (SELECT value FROM json_each(?))",
)


class Writer(Catalogue):
    """Puts files into the index, marks what lies there now, and forgets.

    All changes belong to a batch, which happens as a whole or not at all.

    Args:
        connection: The connection to the catalogue's file; nobody else writes there.
        lexical: The full-text search that follows the catalogue.

    Raises:
        IndexBroken: The file is damaged.
        IndexUnwritable: The disk is full; the batch has not happened.
    """

    def __init__(self, connection: apsw.Connection, lexical: LexicalIndex) -> None:
        super().__init__(connection)
        self._lexical = lexical
        self._batch = int(self.state(_BATCH) or 0)
        self._catch_up()

    @contextmanager
    def batch(self) -> Iterator[None]:
        """Make everything inside one step, from which a killed process leaves all or nothing."""
        self._catch_up()
        with self._step():
            yield

    @contextmanager
    def _step(self) -> Iterator[None]:
        run(self._connection, "BEGIN IMMEDIATE")
        # What is put tells which batch it came with.
        self._batch += 1
        try:
            yield
            self.note(_BATCH, str(self._batch))
            self._lexical.prepare(self._batch)
            run(self._connection, "COMMIT")
        except BaseException:
            self._batch -= 1
            if self._connection.in_transaction:
                run(self._connection, "ROLLBACK")
            self._lexical.rollback()
            raise
        self._lexical.commit()

    def _catch_up(self) -> None:
        """Forget what the catalogue has and the full-text search lost between two commits."""
        kept = self._lexical.batch()
        if kept == self._batch:
            return
        self._lexical.rollback()
        with self._step():
            # One that is ahead has rows of batches that never happened, and lacks others.
            since = kept if kept < self._batch else 0
            lost = run(self._connection, "SELECT id FROM versions WHERE put_in > ?", since)
            self._drop([version for (version,) in lost])
            self.note(HISTORY, None)
            for field in FIELDS:
                known = {row for (row,) in run(self._connection, _KNOWN_ROWS[field])}
                self._lexical.remove(field, self._lexical.rows(field) - known)

    def note(self, key: str, value: str | None) -> None:
        """Keep something under a key, or nothing any more."""
        if value is None:
            run(self._connection, "DELETE FROM state WHERE key = ?", key)
        else:
            run(self._connection, "INSERT OR REPLACE INTO state VALUES (?, ?)", key, value)

    def put(self, entries: Iterable[Entry]) -> None:
        """Take in files as they are now; what a path had before stays known."""
        for entry in entries:
            if not self.mark(entry.path, entry.digest, entry.stat):
                path_id = self._path(entry.path)
                self._comes(path_id, self._add(entry, path_id), entry.stat)

    def mark(self, path: str, digest: str, stat: Stat) -> bool:
        """Say that a path has a content that it had before; False if it never had it."""
        known = self.version(path, digest)
        if known is None:
            return False
        version, path_id = known
        run(self._connection, "UPDATE versions SET left_in = NULL WHERE id = ?", version)
        self._comes(path_id, version, stat)
        return True

    def skip(self, path: str, stat: Stat, reason: str) -> None:
        """Say that a file lies there which is not indexed, and why."""
        path_id = self._path(path)
        self._leave([path_id])
        self._lies_there(path_id, None, reason, stat)

    def forget(self, paths: Iterable[str]) -> None:
        """Say that files lie there no longer; their contents stay known for a while."""
        given = listed(paths)
        ids = [
            path_id
            for (path_id,) in run(
                self._connection,
                "SELECT id FROM paths WHERE path IN (SELECT value FROM json_each(?))",
                given,
            )
        ]
        self._leave(ids)
        run_each(
            self._connection,
            "DELETE FROM current WHERE path_id = ?",
            ((path_id,) for path_id in ids),
        )

    def avoid_tree(self, digest: str) -> None:
        """Have this content cut into windows from now on, as its tree takes too long."""
        run(
            self._connection,
            "INSERT OR IGNORE INTO treeless VALUES (?)",
            bytes.fromhex(digest),
        )

    def put_history(self, subjects: Iterable[tuple[str, Sequence[str]]]) -> None:
        """Replace the terms of what was said of paths when they were changed."""
        rows = [(self._path(path), found) for path, found in subjects]
        self._lexical.remove("history", (path_id for path_id, _ in rows))
        self._lexical.add("history", ((path_id, found) for path_id, found in rows if found))

    def prune(self) -> int:
        """Forget the oldest versions that lie nowhere, if they are more than the current ones.

        Returns:
            How many went; there may be more of them as long as it is not 0.
        """
        counts = run(
            self._connection,
            "SELECT (SELECT count(*) FROM versions WHERE left_in IS NOT NULL), "
            "(SELECT count(*) FROM current)",
        )
        gone, current = counts[0]
        found = run(
            self._connection,
            "SELECT id FROM versions WHERE left_in IS NOT NULL ORDER BY left_in, id LIMIT ?",
            min(_PRUNED, max(gone - current, 0)),
        )
        if found:
            self._drop([version for (version,) in found])
            self._drop_paths()
        return len(found)

    def merge(self) -> None:
        """Do some of the full-text search's upkeep."""
        with self.batch():
            self._lexical.merge()

    def close(self) -> None:
        """Close the files; what belongs to no batch that ended is lost."""
        self._lexical.close()
        self._connection.close()

    def _add(self, entry: Entry, path_id: int) -> int:
        run(
            self._connection,
            "INSERT INTO versions (path_id, digest, language, lines, size, how, put_in) "
            "VALUES (?, ?, ?, ?, ?, ?, ?)",
            *(path_id, bytes.fromhex(entry.digest), entry.language, entry.lines),
            *(entry.stat.size, entry.how, self._batch),
        )
        version = self._connection.last_insert_rowid()
        first = self._next_piece()
        numbers = range(first, first + len(entry.pieces))
        places = {one.name: place for place, one in enumerate(entry.definitions)}
        run_each(
            self._connection,
            "INSERT INTO pieces VALUES (?, ?, ?, ?, ?, ?)",
            (
                (
                    *(row, version, one.first, one.last),
                    listed(places[name] for name in one.names),
                    bytes.fromhex(one.digest),
                )
                for row, one in zip(numbers, entry.pieces, strict=True)
            ),
        )
        symbols = _symbols(version, entry.definitions)
        run_each(self._connection, "INSERT INTO symbols VALUES (?, ?, ?, ?, ?, ?, ?, ?)", symbols)
        self._add_terms(entry, version, numbers)
        return version

    def _add_terms(self, entry: Entry, version: int, pieces: Sequence[int]) -> None:
        path = terms(entry.path)
        names = [terms("\n".join(one.names)) for one in entry.pieces]
        each = zip(pieces, names, entry.pieces, strict=True)
        self._lexical.add("piece", ((row, [*path, *own, *one.terms]) for row, own, one in each))
        text = chain.from_iterable(one.terms for one in entry.pieces)
        for field, found in zip(
            _OF_VERSIONS, (list(text), path, list(chain.from_iterable(names))), strict=True
        ):
            if found:
                self._lexical.add(field, [(version, found)])

    def _next_piece(self) -> int:
        found = run(self._connection, "SELECT seq FROM sqlite_sequence WHERE name = 'pieces'")
        return found[0][0] + 1 if found else 1

    def _path(self, path: str) -> int:
        run(self._connection, "INSERT OR IGNORE INTO paths (path) VALUES (?)", path)
        return int(run(self._connection, "SELECT id FROM paths WHERE path = ?", path)[0][0])

    def _comes(self, path_id: int, version: int, stat: Stat) -> None:
        self._leave([path_id], unless=version)
        self._lies_there(path_id, version, None, stat)

    def _lies_there(
        self, path_id: int, version: int | None, skipped: str | None, stat: Stat
    ) -> None:
        # In two steps: one that may take back a part of itself (INSERT OR REPLACE) has FTS5 write
        # out all that it has gathered so far, which for each file is a tenth of all the work.
        run(self._connection, "DELETE FROM current WHERE path_id = ?", path_id)
        run(
            self._connection,
            "INSERT INTO current VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            *(path_id, version, skipped),
            *(stat.size, stat.mtime_ns, stat.ctime_ns, stat.inode, stat.device),
        )

    def _leave(self, paths: Iterable[int], unless: int | None = None) -> None:
        """Note with which batch the versions of paths ceased to lie there."""
        run(
            self._connection,
            "UPDATE versions SET left_in = ? WHERE id IN (SELECT version_id FROM current "
            "WHERE path_id IN (SELECT value FROM json_each(?))) AND id IS NOT ?",
            self._batch,
            listed(paths),
            unless,
        )

    def _drop(self, versions: Sequence[int]) -> None:
        given = listed(versions)
        found = run(self._connection, _PIECES_OF_VERSIONS, given)
        self._lexical.remove("piece", (row for (row,) in found))
        for field in _OF_VERSIONS:
            self._lexical.remove(field, versions)
        for statement in _FORGET_VERSIONS:
            run(self._connection, statement, given)

    def _drop_paths(self) -> None:
        """Forget paths of which nothing is known any more but what was said of them."""
        ids = [path_id for (path_id,) in run(self._connection, _UNKNOWN_PATHS)]
        self._lexical.remove("history", ids)
        run_each(
            self._connection, "DELETE FROM paths WHERE id = ?", ((path_id,) for path_id in ids)
        )


def _symbols(version: int, definitions: Sequence[Definition]) -> Iterator[tuple[Value, ...]]:
    places: dict[str, int] = {}
    for place, one in enumerate(definitions):
        qualifier, name = unqualified(one.name)
        yield (
            *(version, place, name, KINDS.index(one.kind), one.first, one.last),
            *(qualifier or None, places.get(one.container)),
        )
        places[one.name] = place

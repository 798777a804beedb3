"""Full-text search by SQLite's FTS5, in the file of the catalogue and in its transactions."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Iterable, Sequence

import apsw

from codelab.retrieval.index.connecting import run, run_each
from codelab.retrieval.index.lexical import FIELDS, Field

# How many pages a turn of upkeep writes at most in each table.
_MERGED_PAGES = 500


# What each field has; its name stands in for FIELD. This tokenizer takes letters beyond ASCII for
# parts of words, as they are, so that it splits at blanks only.
_TABLES = (
    """
    CREATE VIRTUAL TABLE text_FIELD USING fts5 (
        terms, content = '', contentless_delete = 1, tokenize = 'ascii'
    )
    """,
    "CREATE VIRTUAL TABLE terms_FIELD USING fts5vocab ('text_FIELD', 'row')",
)
_ADD = "INSERT INTO text_FIELD (rowid, terms) VALUES (?, ?)"
_REMOVE = "DELETE FROM text_FIELD WHERE rowid = ?"
_MERGE = "INSERT INTO text_FIELD (text_FIELD, rank) VALUES ('merge', ?)"
_ROWS = "SELECT id FROM text_FIELD_docsize"
_SIZE = "SELECT count(*) FROM text_FIELD_docsize"
_FOUND_IN = "SELECT doc FROM terms_FIELD WHERE term = ?"
# Each term by itself, so that each can have a weight of its own.
_BEST = """
SELECT text_FIELD.rowid, sum(-rank * value) AS score
FROM json_each(?) CROSS JOIN text_FIELD WHERE text_FIELD MATCH key
GROUP BY text_FIELD.rowid ORDER BY score DESC, text_FIELD.rowid LIMIT ?
"""
# In terms.
_LONG_ROW = 500
_MOST_REMEMBERED = 50_000
# What FTS5 gives to each term that half of the rows or more have.
_FTS5_LEAST = 1e-6


class Fts5Index:
    """Ranks rows by FTS5's BM25, made to tell common terms apart as other engines do.

    The tables keep no texts. What was added and removed belongs to the transaction of the
    connection: whoever commits that one has committed both.

    Args:
        connection: A connection to the file; it stays open when the index is closed.
    """

    def __init__(self, connection: apsw.Connection) -> None:
        self._connection = connection
        # How many rows there are, and have a term, as long as nobody changes it: counting those
        # that have a term takes as long as a good part of a search.
        self._sizes: dict[Field, int] = {}
        self._counts: dict[tuple[Field, str], int] = {}
        self._version = 0

    @staticmethod
    def create(connection: apsw.Connection) -> None:
        """Make the tables."""
        run(connection, "CREATE TABLE text_batch (number INTEGER NOT NULL)")
        for field in FIELDS:
            for table in _TABLES:
                run(connection, _of(field, table))

    def add(self, field: Field, rows: Iterable[tuple[int, Sequence[str]]]) -> None:
        """Take in rows that are not there yet, each with its terms in their order."""
        self._begin()
        texts = ((row, " ".join(_grouped(terms))) for row, terms in rows)
        run_each(self._connection, _of(field, _ADD), texts)

    def remove(self, field: Field, rows: Iterable[int]) -> None:
        """Forget rows; those that are not there do not matter."""
        self._begin()
        run_each(self._connection, _of(field, _REMOVE), ((row,) for row in rows))

    def prepare(self, batch: int) -> None:
        """Say which number the next commit has."""
        self._begin()
        run(self._connection, "DELETE FROM text_batch")
        run(self._connection, "INSERT INTO text_batch VALUES (?)", batch)

    def commit(self) -> None:
        """Make what was added and removed lasting, if the catalogue has not done it."""
        if self._connection.in_transaction:
            run(self._connection, "COMMIT")

    def rollback(self) -> None:
        """Drop what was added and removed since the last commit."""
        self._forget()
        if self._connection.in_transaction:
            run(self._connection, "ROLLBACK")

    def batch(self) -> int:
        """Return the number of the last commit that is complete; 0 before the first."""
        found = run(self._connection, "SELECT number FROM text_batch")
        return int(found[0][0]) if found else 0

    def merge(self) -> None:
        """Merge some of the small parts that commits leave behind."""
        for field in FIELDS:
            run(self._connection, _of(field, _MERGE), _MERGED_PAGES)

    def rows(self, field: Field) -> set[int]:
        """Return all rows that are there."""
        return {row for (row,) in run(self._connection, _of(field, _ROWS))}

    def size(self, field: Field) -> int:
        """Return how many rows there are."""
        self._forget_outdated()
        if field not in self._sizes:
            self._sizes[field] = int(run(self._connection, _of(field, _SIZE))[0][0])
        return self._sizes[field]

    def found_in(self, field: Field, terms: Iterable[str]) -> dict[str, int]:
        """Return in how many rows each term occurs; those without any are left out."""
        self._forget_outdated()
        statement = _of(field, _FOUND_IN)
        counts: dict[str, int] = {}
        for term in terms:
            count = self._counts.get((field, term))
            if count is None:
                rows = run(self._connection, statement, term)
                count = self._counts[field, term] = rows[0][0] if rows else 0
            if count:
                counts[term] = count
        return counts

    def best(self, field: Field, terms: Iterable[str], most: int) -> list[tuple[int, float]]:
        """Return the best rows that have one of the terms, with positive scores, best first."""
        if most < 1:
            return []
        total = self.size(field)
        counts = self.found_in(field, terms)
        weights = {f'"{term}"': _weight(total, count) for term, count in counts.items()}
        return run(self._connection, _of(field, _BEST), json.dumps(weights), most)

    def close(self) -> None:
        """Drop what was not committed."""
        self.rollback()

    def _forget_outdated(self) -> None:
        version = run(self._connection, "PRAGMA data_version")[0][0]
        if version != self._version or len(self._counts) > _MOST_REMEMBERED:
            self._version = version
            self._forget()

    def _forget(self) -> None:
        self._sizes.clear()
        self._counts.clear()

    def _begin(self) -> None:
        # Of the connection's own changes its version does not tell.
        self._forget()
        if not self._connection.in_transaction:
            run(self._connection, "BEGIN IMMEDIATE")


def _of(field: Field, statement: str) -> str:
    return statement.replace("FIELD", field)


def _weight(total: int, having: int) -> float:
    """Return what makes FTS5's weight of a term the usual one, which is never next to nothing."""
    odds = (total - having + 0.5) / (having + 0.5)
    return math.log(1 + odds) / max(math.log(odds), _FTS5_LEAST)


def _grouped(terms: Sequence[str]) -> Iterable[str]:
    """Bring alike terms of a long row together: their places, which nobody asks for, take less."""
    return terms if len(terms) < _LONG_ROW else Counter(terms).elements()

"""Full-text search by tantivy, in a folder beside the catalogue; imported where it is chosen."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import tantivy
from tantivy import Occur, Query

from codelab.retrieval.errors import IndexBroken, IndexUnwritable
from codelab.retrieval.index.lexical import FIELDS, Field

# The least that tantivy takes; it is used up only by what is added in one commit.
_WRITER_BYTES = 15_000_000
_BATCH = "batch"


class TantivyIndex:
    """Ranks rows by tantivy's BM25; an index of its own for each field.

    Commits of the catalogue and of this index are two: the catalogue's comes first, and the number
    of the batch, written when all fields are committed, tells whether the second followed.

    Args:
        folder: Where the files are.
        writes: Whether rows are added and removed; one process at a time may.
    """

    def __init__(self, folder: Path, *, writes: bool) -> None:
        self._folder = folder
        self._prepared = 0
        with _reported():
            self._fields = {field: _Part(folder / field, writes) for field in FIELDS}

    def add(self, field: Field, rows: Iterable[tuple[int, Sequence[str]]]) -> None:
        """Take in rows that are not there yet, each with its terms in their order."""
        with _reported():
            self._fields[field].add(rows)

    def remove(self, field: Field, rows: Iterable[int]) -> None:
        """Forget rows; those that are not there do not matter."""
        with _reported():
            self._fields[field].remove(rows)

    def prepare(self, batch: int) -> None:
        """Say which number the next commit has."""
        self._prepared = batch

    def commit(self) -> None:
        """Make what was added and removed lasting, and then its number."""
        with _reported():
            for part in self._fields.values():
                part.commit()
            _replace(self._folder / _BATCH, str(self._prepared))

    def rollback(self) -> None:
        """Drop what was added and removed since the last commit."""
        with _reported():
            for part in self._fields.values():
                part.rollback()

    def batch(self) -> int:
        """Return the number of the last commit that is complete; 0 before the first."""
        try:
            return int((self._folder / _BATCH).read_text("utf-8"))
        except (FileNotFoundError, ValueError):
            return 0

    def merge(self) -> None:
        """Leave it to tantivy's own threads, which merge as commits go on."""

    def rows(self, field: Field) -> set[int]:
        """Return all rows that are there."""
        with _reported():
            part = self._fields[field]
            return {row for row, _ in part.search(Query.all_query(), part.searcher().num_docs)}

    def size(self, field: Field) -> int:
        """Return how many rows there are."""
        with _reported():
            return self._fields[field].searcher().num_docs

    def found_in(self, field: Field, terms: Iterable[str]) -> dict[str, int]:
        """Return in how many rows each term occurs, among them ones removed a moment ago."""
        with _reported():
            searcher = self._fields[field].searcher()
            counts = {term: searcher.doc_freq("terms", term) for term in terms}
        return {term: count for term, count in counts.items() if count}

    def best(self, field: Field, terms: Iterable[str], most: int) -> list[tuple[int, float]]:
        """Return the best rows that have one of the terms, with positive scores, best first."""
        with _reported():
            return self._fields[field].best(terms, most)

    def close(self) -> None:
        """Let go of the files."""
        self._fields.clear()


class _Part:
    """The index of one field."""

    def __init__(self, folder: Path, writes: bool) -> None:
        self._meta = folder / "meta.json"
        if writes:
            folder.mkdir(parents=True, exist_ok=True)
        # Opened without a schema, it would not tell that a field is of another kind.
        self._index = tantivy.Index(_schema(), str(folder), reuse=True)
        blanks = tantivy.TextAnalyzerBuilder(tantivy.Tokenizer.whitespace()).build()
        self._index.register_tokenizer("blanks", blanks)
        self._index.config_reader("manual")
        self._writer = self._index.writer(_WRITER_BYTES, 1) if writes else None
        self._changed = False
        self._seen: tuple[int, int] | None = None

    def writer(self) -> tantivy.IndexWriter:
        if self._writer is None:
            raise IndexUnwritable("The index was opened for reading.")
        self._changed = True
        return self._writer

    def add(self, rows: Iterable[tuple[int, Sequence[str]]]) -> None:
        for row, terms in rows:
            document = tantivy.Document()
            document.add_integer("row", row)
            document.add_text("terms", " ".join(terms))
            self.writer().add_document(document)

    def remove(self, rows: Iterable[int]) -> None:
        wanted = list(rows)
        if wanted:
            query = Query.term_set_query(self._index.schema, "row", wanted)
            self.writer().delete_documents_by_query(query)

    def commit(self) -> None:
        # A commit without changes still writes files.
        if self._changed:
            self.writer().commit()
            self._changed = False

    def rollback(self) -> None:
        if self._changed:
            self.writer().rollback()
            self._changed = False

    def searcher(self) -> tantivy.Searcher:
        """Return a view of the last commit, whoever made it."""
        found = self._meta.stat()
        now = (found.st_mtime_ns, found.st_ino)
        if now != self._seen:
            self._index.reload()
            self._seen = now
        return self._index.searcher()

    def best(self, terms: Iterable[str], most: int) -> list[tuple[int, float]]:
        schema = self._index.schema
        each = [(Occur.Should, Query.term_query(schema, "terms", term, "freq")) for term in terms]
        return self.search(Query.boolean_query(each), most)

    def search(self, query: Query, most: int) -> list[tuple[int, float]]:
        if most < 1:
            return []
        searcher = self.searcher()
        hits = searcher.search(query, most, count=False).hits
        rows = searcher.fast_field_values("row", [address for _, address in hits])
        return [(int(row or 0), float(score)) for row, (score, _) in zip(rows, hits, strict=True)]


def _schema() -> tantivy.Schema:
    builder = tantivy.SchemaBuilder()
    builder.add_integer_field("row", indexed=True, fast=True)
    builder.add_text_field("terms", tokenizer_name="blanks", index_option="freq")
    return builder.build()


def _replace(file: Path, text: str) -> None:
    new = file.with_suffix(".new")
    with new.open("w", encoding="utf-8") as stream:
        stream.write(text)
        stream.flush()
        os.fsync(stream.fileno())
    new.replace(file)


@contextmanager
def _reported() -> Iterator[None]:
    """Turn what tantivy raises, which names no kinds, into what callers know."""
    try:
        yield
    except (ValueError, RuntimeError) as error:
        if "corrupt" in str(error).lower() or "schema" in str(error).lower():
            raise IndexBroken("The index is damaged and has to be made anew.") from error
        raise IndexUnwritable("The index cannot be written. Is the disk full?") from error
    except OSError as error:
        raise IndexUnwritable("The index cannot be read or written.") from error

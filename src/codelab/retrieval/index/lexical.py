"""What every full-text index can do, whatever engine is behind it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal, Protocol

# What is ranked by itself. The rows of `piece` are pieces, those of `file`, `path` and `symbol`
# are versions of files, and those of `history` are paths.
Field = Literal["piece", "file", "path", "symbol", "history"]
FIELDS: tuple[Field, ...] = ("piece", "file", "path", "symbol", "history")


class LexicalIndex(Protocol):
    """Ranks rows by the terms that they share with a question (BM25).

    Terms are what `ranking.terms` makes: without blanks, punctuation and capitals. Calls block; an
    instance belongs to one thread at a time.

    Raises:
        IndexBroken: Its files cannot be read.
        IndexUnwritable: The disk does not take what is written.
    """

    def add(self, field: Field, rows: Iterable[tuple[int, Sequence[str]]]) -> None:
        """Take in rows that are not there yet, each with its terms in their order."""
        ...

    def remove(self, field: Field, rows: Iterable[int]) -> None:
        """Forget rows; those that are not there do not matter."""
        ...

    def prepare(self, batch: int) -> None:
        """Say which number the next commit has, before the catalogue commits the same batch."""
        ...

    def commit(self) -> None:
        """Make what was added and removed lasting, and visible to whoever asks."""
        ...

    def rollback(self) -> None:
        """Drop what was added and removed since the last commit."""
        ...

    def batch(self) -> int:
        """Return the number of the last commit that is complete; 0 before the first."""
        ...

    def merge(self) -> None:
        """Do some of the upkeep that keeps searching fast after many small commits."""
        ...

    def rows(self, field: Field) -> set[int]:
        """Return all rows that are there."""
        ...

    def size(self, field: Field) -> int:
        """Return how many rows there are."""
        ...

    def found_in(self, field: Field, terms: Iterable[str]) -> dict[str, int]:
        """Return in how many rows each term occurs; those without any are left out."""
        ...

    def best(self, field: Field, terms: Iterable[str], most: int) -> list[tuple[int, float]]:
        """Return the best rows that have one of the terms, with positive scores, best first."""
        ...

    def close(self) -> None:
        """Give back what is held; what was not committed is lost."""
        ...

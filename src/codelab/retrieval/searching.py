"""What an index answers to a question: its files, the best first, and the best piece of each."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import msgspec

from codelab.retrieval.index.entries import FoundPiece
from codelab.retrieval.index.lexical import Field
from codelab.retrieval.index.opening import ReadableIndex
from codelab.retrieval.ranking.fusion import (
    Ranked,
    Weights,
    fused,
    normalised,
    of_files,
    spread,
)
from codelab.retrieval.ranking.question import telling, terms_of

# So many rows of each ranking are looked at; of a part of the project, more. What comes after them
# finds more of the right files only rarely, and more often puts others before them.
MOST_ROWS = 300
_MOST_ROWS_WITHIN = 6000
# Of so many files the best piece is told, unless more are wanted.
MOST_SHOWN = 32
# How much a piece's nearness in meaning counts beside its words, when a file's best is chosen.
_MEANING = 0.5


class Answer(msgspec.Struct, frozen=True):
    """The files that answer a question, the best first, and the best piece of the first ones."""

    files: Sequence[Ranked]
    pieces: Mapping[str, FoundPiece]


class _Piece(msgspec.Struct, frozen=True):
    """A piece of a file with what speaks for it."""

    id: int
    path: str
    score: float


def answered(
    index: ReadableIndex,
    question: str,
    *,
    similarities: Mapping[str, float] | None = None,
    folder: str = "",
    pieces_of: int = MOST_SHOWN,
    weights: Weights | None = None,
) -> Answer:
    """Ask an index.

    Args:
        index: The index.
        question: Plain words, names, or both.
        similarities: How near pieces are in meaning, by their digests, as far as it is known.
        folder: Only files in there; empty for all.
        pieces_of: Of how many files the best piece is wanted.
        weights: How much each ranking counts.
    """
    ask = _Asking(index, folder)
    counts = terms_of(question)
    chosen = ask.telling("piece", counts)
    words = ask.pieces(chosen)
    near = ask.similar(similarities or {})
    rankings = {
        "piece": normalised(of_files((piece.path, piece.score) for piece in words)),
        **ask.versions(
            {
                "file": chosen,
                "path": ask.telling("path", counts),
                "symbol": ask.telling("symbol", counts),
            }
        ),
        "history": ask.history(ask.telling("history", counts)),
        "meaning": spread(_best_of_files(near)),
    }
    files = fused(rankings, weights or Weights())
    best = _best_pieces([one.path for one in files[:pieces_of]], words, near)
    found = index.catalogue.pieces(best.values())
    return Answer(files, {path: found[number] for path, number in best.items() if number in found})


class _Asking:
    """Turns rows of an index into what lies in the workspace now, within one folder."""

    def __init__(self, index: ReadableIndex, folder: str) -> None:
        self._catalogue = index.catalogue
        self._lexical = index.lexical
        self._folder = f"{folder}/" if folder else ""
        self._most = _MOST_ROWS_WITHIN if folder else MOST_ROWS

    def telling(self, field: Field, counts: Mapping[str, int]) -> list[str]:
        found_in = self._lexical.found_in(field, counts)
        return telling(counts, found_in, self._lexical.size(field))

    def pieces(self, terms: Iterable[str]) -> list[_Piece]:
        rows = self._lexical.best("piece", terms, self._most)
        paths = self._inside(self._catalogue.paths_of_pieces(row for row, _ in rows))
        return [_Piece(row, paths[row], score) for row, score in rows if row in paths]

    def similar(self, similarities: Mapping[str, float]) -> list[_Piece]:
        found = self._catalogue.places_of(similarities) if similarities else []
        return [
            _Piece(number, path, similarities[digest])
            for digest, number, path in found
            if path.startswith(self._folder)
        ]

    def versions(self, terms: Mapping[Field, Iterable[str]]) -> dict[str, dict[str, float]]:
        rows = {field: self._lexical.best(field, some, self._most) for field, some in terms.items()}
        every = {row for some in rows.values() for row, _ in some}
        paths = self._inside(self._catalogue.paths_of_versions(every))
        return {field: _scores(paths, some) for field, some in rows.items()}

    def history(self, terms: Iterable[str]) -> dict[str, float]:
        rows = self._lexical.best("history", terms, self._most)
        return _scores(self._inside(self._catalogue.paths(row for row, _ in rows)), rows)

    def _inside(self, paths: Mapping[int, str]) -> Mapping[int, str]:
        if not self._folder:
            return paths
        return {row: path for row, path in paths.items() if path.startswith(self._folder)}


def _scores(paths: Mapping[int, str], rows: Sequence[tuple[int, float]]) -> dict[str, float]:
    return normalised({paths[row]: score for row, score in rows if row in paths})


def _best_of_files(near: Iterable[_Piece]) -> dict[str, float]:
    best: dict[str, float] = {}
    for piece in near:
        best[piece.path] = max(piece.score, best.get(piece.path, piece.score))
    return best


def _best_pieces(
    paths: Sequence[str], words: Sequence[_Piece], near: Sequence[_Piece]
) -> dict[str, int]:
    """Choose a piece of each file, by words and by meaning together."""
    by_words = max((piece.score for piece in words), default=1.0)
    scores: dict[str, dict[int, float]] = {path: {} for path in paths}
    for piece in words:
        if piece.path in scores:
            scores[piece.path][piece.id] = piece.score / by_words
    for piece in near:
        if piece.path in scores:
            some = scores[piece.path]
            some[piece.id] = some.get(piece.id, 0.0) + _MEANING * max(piece.score, 0.0)
    return {
        path: min(some, key=lambda number: (-some[number], number))
        for path, some in scores.items()
        if some
    }

"""What an index answers to a question: its files, the best first, and the best piece of each."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import msgspec

from codelab.retrieval.index.catalogue import Catalogue
from codelab.retrieval.index.entries import FoundPiece
from codelab.retrieval.index.lexical import Field, LexicalIndex
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
    counts = terms_of(question)
    most = _MOST_ROWS_WITHIN if folder else MOST_ROWS
    ask = _Asking(index.catalogue, index.lexical, folder, most)
    chosen = ask.telling("piece", counts)
    words = ask.pieces(chosen)
    near = ask.similar(similarities or {})
    rankings = {
        "piece": normalised(of_files((piece.path, piece.score) for piece in words)),
        "file": normalised(ask.versions("file", chosen)),
        "path": normalised(ask.versions("path", ask.telling("path", counts))),
        "symbol": normalised(ask.versions("symbol", ask.telling("symbol", counts))),
        "history": normalised(ask.history(ask.telling("history", counts))),
        "meaning": spread(_best_of_files(near)),
    }
    files = fused(rankings, weights or Weights())
    best = _best_pieces([one.path for one in files[:pieces_of]], words, near)
    found = index.catalogue.pieces(best.values())
    return Answer(files, {path: found[number] for path, number in best.items() if number in found})


class _Asking:
    """Turns rows of an index into what lies in the workspace now, within one folder."""

    def __init__(self, catalogue: Catalogue, lexical: LexicalIndex, folder: str, most: int) -> None:
        self._catalogue = catalogue
        self._lexical = lexical
        self._folder = f"{folder}/" if folder else ""
        self._most = most

    def telling(self, field: Field, counts: Mapping[str, int]) -> list[str]:
        found_in = self._lexical.found_in(field, counts)
        return telling(counts, found_in, self._lexical.size(field))

    def pieces(self, terms: Iterable[str]) -> list[_Piece]:
        rows = self._lexical.best("piece", terms, self._most)
        paths = self._catalogue.paths_of_pieces(row for row, _ in rows)
        found = (_Piece(row, paths[row], score) for row, score in rows if row in paths)
        return [piece for piece in found if self._is_inside(piece.path)]

    def similar(self, similarities: Mapping[str, float]) -> list[_Piece]:
        found = self._catalogue.places_of(similarities) if similarities else []
        return [
            _Piece(number, path, similarities[digest])
            for digest, number, path in found
            if self._is_inside(path)
        ]

    def versions(self, field: Field, terms: Iterable[str]) -> dict[str, float]:
        rows = self._lexical.best(field, terms, self._most)
        return self._paths(self._catalogue.paths_of_versions(row for row, _ in rows), rows)

    def history(self, terms: Iterable[str]) -> dict[str, float]:
        rows = self._lexical.best("history", terms, self._most)
        return self._paths(self._catalogue.paths(row for row, _ in rows), rows)

    def _paths(
        self, paths: Mapping[int, str], rows: Sequence[tuple[int, float]]
    ) -> dict[str, float]:
        pairs = ((paths[row], score) for row, score in rows if row in paths)
        return {path: score for path, score in pairs if self._is_inside(path)}

    def _is_inside(self, path: str) -> bool:
        return path.startswith(self._folder)


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

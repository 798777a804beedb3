"""What an index answers to a question: its files, the best first, and the best pieces of each."""

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

# So many rows of each ranking are looked at; of a part of the project, more.
MOST_ROWS = 600
_MOST_ROWS_WITHIN = 6000
# How much a piece's nearness in meaning counts beside its words, when a file's best is chosen.
_MEANING = 0.5


class Answer(msgspec.Struct, frozen=True):
    """The files that answer a question, the best first, and their pieces, the best first."""

    files: Sequence[Ranked]
    pieces: Mapping[str, Sequence[FoundPiece]]


def answered(
    index: ReadableIndex,
    question: str,
    *,
    similarities: Mapping[str, float] | None = None,
    folder: str = "",
    weights: Weights | None = None,
) -> Answer:
    """Ask an index.

    Args:
        index: The index.
        question: Plain words, names, or both.
        similarities: How near pieces are in meaning, by their digests, as far as it is known.
        folder: Only files in there; empty for all.
        weights: How much each ranking counts.
    """
    counts = terms_of(question)
    chosen = telling(counts, index.lexical.found_in("piece", counts), index.lexical.size("piece"))
    most = _MOST_ROWS_WITHIN if folder else MOST_ROWS
    ask = _Asking(index.catalogue, index.lexical, folder, most)
    words = ask.pieces(index.lexical.best("piece", chosen, most))
    near = ask.similar(similarities or {})
    rankings = {
        "piece": normalised(of_files((piece.path, score) for piece, score in words)),
        "file": normalised(ask.versions("file", chosen)),
        "path": normalised(ask.versions("path", counts)),
        "symbol": normalised(ask.versions("symbol", counts)),
        "history": normalised(ask.history(counts)),
        "meaning": spread(_best_of_files(near)),
    }
    return Answer(fused(rankings, weights or Weights()), _by_file(words, near))


class _Asking:
    """Turns rows of an index into what lies in the workspace now, within one folder."""

    def __init__(self, catalogue: Catalogue, lexical: LexicalIndex, folder: str, most: int) -> None:
        self._catalogue = catalogue
        self._lexical = lexical
        self._folder = f"{folder}/" if folder else ""
        self._most = most

    def pieces(self, rows: Sequence[tuple[int, float]]) -> list[tuple[FoundPiece, float]]:
        found = self._catalogue.pieces(row for row, _ in rows)
        pairs = [(found[row], score) for row, score in rows if row in found]
        return [(piece, score) for piece, score in pairs if self._is_inside(piece.path)]

    def similar(self, similarities: Mapping[str, float]) -> list[tuple[FoundPiece, float]]:
        found = self._catalogue.pieces_with(similarities) if similarities else {}
        return [
            (piece, similarities[digest])
            for digest, alike in found.items()
            for piece in alike
            if self._is_inside(piece.path)
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


def _best_of_files(near: Iterable[tuple[FoundPiece, float]]) -> dict[str, float]:
    best: dict[str, float] = {}
    for piece, similarity in near:
        best[piece.path] = max(similarity, best.get(piece.path, similarity))
    return best


def _by_file(
    words: Sequence[tuple[FoundPiece, float]], near: Sequence[tuple[FoundPiece, float]]
) -> dict[str, list[FoundPiece]]:
    """Put the pieces of each file into their order, by words and by meaning together."""
    by_words = max((score for _, score in words), default=1.0)
    scores = {piece.id: score / by_words for piece, score in words}
    for piece, similarity in near:
        scores[piece.id] = scores.get(piece.id, 0.0) + _MEANING * max(similarity, 0.0)
    known = {piece.id: piece for piece, _ in (*words, *near)}
    found: dict[str, list[FoundPiece]] = {}
    for number in sorted(known, key=lambda one: (-scores[one], one)):
        found.setdefault(known[number].path, []).append(known[number])
    return found

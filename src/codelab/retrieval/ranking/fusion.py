"""One order out of several rankings, by the weighted sum of their normalised scores; pure."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Mapping

import msgspec

# How much each further piece of a file adds to its best one, and how many count at all.
_DECAY = 0.35
_MOST_PIECES = 6
# Similarities lie close together: only the best ones tell anything.
_TELLING_SIMILARITIES = 200
# Nobody reads further.
MOST_FILES = 500


class Weights(msgspec.Struct, frozen=True, kw_only=True):
    """How much each ranking counts.

    Args:
        piece: The words of single pieces of a file, with its path and what is defined there.
        file: The words of the whole file.
        path: Those of its path.
        symbol: Those of the names that it defines.
        history: Those of the subjects of the commits that changed it.
        meaning: How near its pieces are to the question as vectors.
    """

    piece: float = 1.0
    file: float = 0.8
    path: float = 0.3
    symbol: float = 0.35
    history: float = 0.35
    meaning: float = 0.35


class Ranked(msgspec.Struct, frozen=True):
    """A file with its score; `parts` says what each ranking added to it."""

    path: str
    score: float
    parts: Mapping[str, float]


def of_files(pieces: Iterable[tuple[str, float]]) -> dict[str, float]:
    """Return the scores of files from those of their pieces, given with the file of each."""
    by_file: dict[str, list[float]] = {}
    for path, score in pieces:
        by_file.setdefault(path, []).append(score)
    return {path: _decayed(scores) for path, scores in by_file.items()}


def _decayed(scores: list[float]) -> float:
    best = heapq.nlargest(_MOST_PIECES, scores)
    return sum(score * _DECAY**place for place, score in enumerate(best))


def normalised(scores: Mapping[str, float]) -> dict[str, float]:
    """Bring scores to at most 1, the best one."""
    best = max(scores.values(), default=0.0)
    if best <= 0:
        return {}
    return {path: score / best for path, score in scores.items() if score > 0}


def spread(similarities: Mapping[str, float]) -> dict[str, float]:
    """Bring the best similarities to between 0 and 1, from the last of them to the first."""
    best = heapq.nlargest(_TELLING_SIMILARITIES, similarities.values())
    if not best or best[0] <= best[-1]:
        return dict.fromkeys(similarities, 0.0)
    width = best[0] - best[-1]
    return {
        path: (score - best[-1]) / width for path, score in similarities.items() if score > best[-1]
    }


def fused(rankings: Mapping[str, Mapping[str, float]], weights: Weights) -> list[Ranked]:
    """Return the best files in their order, the best first.

    Args:
        rankings: The normalised scores of files, by the names of the weights.
        weights: How much each counts.
    """
    factors: dict[str, float] = {name: getattr(weights, name) for name in rankings}
    totals: dict[str, float] = {}
    for name, scores in rankings.items():
        factor = factors[name]
        for path, score in scores.items():
            totals[path] = totals.get(path, 0.0) + factor * score
    best = heapq.nsmallest(MOST_FILES, totals, key=lambda path: (-totals[path], path))
    return [
        Ranked(
            path,
            totals[path],
            {name: factors[name] * some[path] for name, some in rankings.items() if path in some},
        )
        for path in best
    ]

"""A question as the terms to look for; pure."""

from __future__ import annotations

import math
from collections.abc import Mapping
from itertools import accumulate

from codelab.retrieval.ranking.terms import terms

# Rarer terms say nearly all of it, and every further one costs its share of the time.
_MOST_TERMS = 16
_FEWEST_TERMS = 4
# A term that every third piece has tells hardly one from another.
_COMMON = 0.3
_LONGEST_QUESTION = 8000
# Each place where a term is costs its time: of a large project the more common terms are left out.
_MOST_PLACES = 50_000


def terms_of(question: str) -> dict[str, int]:
    """Return the terms of a question with how often they occur, in the order of their first."""
    counts: dict[str, int] = {}
    for term in terms(question[:_LONGEST_QUESTION]):
        counts[term] = counts.get(term, 0) + 1
    return counts


def telling(counts: Mapping[str, int], found_in: Mapping[str, int], total: int) -> list[str]:
    """Choose the terms that tell most, the most telling first.

    Args:
        counts: The terms of the question with how often they occur in it.
        found_in: In how many pieces each of them occurs.
        total: How many pieces there are.
    """
    known = [term for term in counts if found_in.get(term)]
    rare = [term for term in known if found_in[term] <= _COMMON * total]
    chosen = rare if len(rare) >= _FEWEST_TERMS else known

    def weight(term: str) -> float:
        return math.log(1 + total / found_in[term]) * (1 + math.log(counts[term]))

    ordered = sorted(chosen, key=lambda term: (-weight(term), term))[:_MOST_TERMS]
    places = accumulate(found_in[term] for term in ordered)
    affordable = sum(so_far <= _MOST_PLACES for so_far in places)
    return ordered[: max(affordable, _FEWEST_TERMS)]

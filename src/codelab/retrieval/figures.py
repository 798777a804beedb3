"""What all indexes that a server keeps up to date amount to; pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Literal

import msgspec

from codelab.retrieval.index.entries import Coverage
from codelab.retrieval.indexing.followed import Phase, Standing

State = Literal["off", "none", "indexing", "ready", "elsewhere", "failed"]
STATES: dict[Phase, State] = {
    "off": "off",
    "unknown": "none",
    "comparing": "indexing",
    "ready": "ready",
    "elsewhere": "elsewhere",
    "failed": "failed",
}
# What has no known language.
OTHER = "other"


class IndexFigures(msgspec.Struct, frozen=True, kw_only=True):
    """The indexes of all projects in use, added up.

    Args:
        states: How many are in each state.
        waiting: How many changed files are not in them yet.
        age_s: How long ago the one was found whole for which that is longest ago; of those that
            never were, nothing is known.
        files: How many files can be found, by language.
        lines: How many lines these have.
    """

    states: Mapping[State, int]
    waiting: int
    age_s: float
    files: Mapping[str, int]
    lines: Mapping[str, int]


def figures_of(
    standings: Iterable[tuple[Standing, int]], coverages: Iterable[Coverage | None], now: float
) -> IndexFigures:
    """Add up.

    Args:
        standings: How far each index is, with the number of changed files that were told of.
        coverages: What is in those that there are.
        now: The time, in seconds since 1970.
    """
    states: Counter[State] = Counter()
    files: Counter[str] = Counter()
    lines: Counter[str] = Counter()
    waiting, age_s = 0, 0.0
    for standing, told in standings:
        states[STATES[standing.phase]] += 1
        waiting += told + (standing.of - standing.done if standing.phase == "comparing" else 0)
        if standing.compared_at:
            age_s = max(age_s, now - standing.compared_at)
    for coverage in filter(None, coverages):
        for language, (some_files, some_lines) in coverage.languages.items():
            files[language or OTHER] += some_files
            lines[language or OTHER] += some_lines
    return IndexFigures(states=states, waiting=waiting, age_s=age_s, files=files, lines=lines)

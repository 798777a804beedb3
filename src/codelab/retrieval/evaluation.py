"""How good answers are, measured against questions whose right files are known; pure."""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence

import msgspec

from codelab.retrieval.sources import is_source

CUT = 10


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """A question with the files that answer it.

    Args:
        id: Its name.
        repo: The repository, as owner/name.
        query: The question.
        relevant: The right files.
    """

    id: str
    repo: str
    query: str
    relevant: tuple[str, ...]


class Scores(msgspec.Struct, frozen=True, kw_only=True):
    """Figures from 0 to 1, as means.

    Args:
        questions: Of how many questions.
        mrr: One by the rank of the first right file.
        ndcg: Normalised discounted cumulative gain among the first ten.
        recall: The share of the right files among the first ten.
        hit: The share of questions with a right file at the first place.
    """

    questions: int
    mrr: float
    ndcg: float
    recall: float
    hit: float


def score(relevant: Sequence[str], ranked: Sequence[str]) -> Scores:
    """Judge one answer; files that are no sources count neither for nor against it."""
    wanted = set(relevant)
    sources = [path for path in dict.fromkeys(ranked) if path in wanted or is_source(path)]
    ranks = [rank for rank, path in enumerate(sources) if path in wanted]
    near = [rank for rank in ranks if rank < CUT]
    ideal = sum(_gain(rank) for rank in range(min(CUT, len(wanted))))
    return Scores(
        questions=1,
        mrr=1 / (ranks[0] + 1) if ranks else 0.0,
        ndcg=sum(map(_gain, near)) / ideal if ideal else 0.0,
        recall=len(near) / len(wanted) if wanted else 0.0,
        hit=float(bool(ranks) and ranks[0] == 0),
    )


def mean(scores: Sequence[Scores]) -> Scores:
    """Average scores, each weighing the same."""
    return Scores(
        questions=sum(one.questions for one in scores),
        mrr=_mean([one.mrr for one in scores]),
        ndcg=_mean([one.ndcg for one in scores]),
        recall=_mean([one.recall for one in scores]),
        hit=_mean([one.hit for one in scores]),
    )


def by_repository(
    questions: Sequence[Question], answers: Mapping[str, Sequence[str]]
) -> dict[str, Scores]:
    """Judge all answers, given by the names of the questions; one that lacks scores nothing."""
    scores: dict[str, list[Scores]] = {}
    for one in questions:
        judged = score(one.relevant, answers.get(one.id, ()))
        scores.setdefault(one.repo, []).append(judged)
    return {repository: mean(some) for repository, some in scores.items()}


def _gain(rank: int) -> float:
    return 1 / math.log2(rank + 2)


def _mean(values: Sequence[float]) -> float:
    return statistics.fmean(values) if values else 0.0

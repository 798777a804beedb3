"""Several rankings become one order, in which each counts by its weight."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codelab.retrieval.ranking.fusion import Weights, fused, normalised, of_files, spread

_SCORES = st.dictionaries(st.sampled_from("abcdefgh"), st.floats(0, 100), max_size=8)


def test_a_file_counts_by_its_best_pieces_and_further_ones_less_and_less() -> None:
    scores = of_files([("a", 1.0), ("b", 1.2), ("a", 1.0), ("a", 0.5)])
    assert scores == {"a": pytest.approx(1 + 0.35 + 0.5 * 0.35**2), "b": 1.2}
    many = of_files(("a", 1.0) for _ in range(99))
    assert many["a"] == pytest.approx(sum(0.35**place for place in range(6)))


@given(_SCORES)
def test_the_best_score_becomes_one_and_the_order_stays(scores: dict[str, float]) -> None:
    found = normalised(scores)
    assert set(found) == {path for path, score in scores.items() if score > 0}
    assert not found or max(found.values()) == 1
    assert all(
        (found[one] <= found[other]) or scores[one] > scores[other]
        for one in found
        for other in found
    )


def test_similarities_are_spread_from_the_last_to_the_first() -> None:
    assert spread({"a": 0.9, "b": 0.8, "c": 0.7}) == {
        "a": pytest.approx(1.0),
        "b": pytest.approx(0.5),
    }
    assert spread({"a": 0.5, "b": 0.5}) == {"a": 0.0, "b": 0.0}
    assert spread({}) == {}
    found = spread({str(number): number / 1000 for number in range(1000)})
    assert len(found) == 199
    assert found["999"] == 1


@given(st.fixed_dictionaries({"piece": _SCORES, "path": _SCORES, "meaning": _SCORES}))
def test_the_score_is_the_weighted_sum_and_its_parts_say_so(
    rankings: dict[str, dict[str, float]],
) -> None:
    weights = Weights(piece=2.0, path=0.5, meaning=0.25)
    found = fused(rankings, weights)
    assert {one.path for one in found} == {path for each in rankings.values() for path in each}
    assert [one.score for one in found] == sorted((one.score for one in found), reverse=True)
    for one in found:
        expected = (
            2.0 * rankings["piece"].get(one.path, 0)
            + 0.5 * rankings["path"].get(one.path, 0)
            + 0.25 * rankings["meaning"].get(one.path, 0)
        )
        assert one.score == pytest.approx(expected)
        assert sum(one.parts.values()) == pytest.approx(one.score)


def test_equal_files_come_in_the_order_of_their_paths() -> None:
    found = fused({"piece": {"b": 1.0, "a": 1.0, "c": 1.0}}, Weights())
    assert [one.path for one in found] == ["a", "b", "c"]

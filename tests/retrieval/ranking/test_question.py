"""Of a question those terms are looked for that tell most."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from codelab.retrieval.ranking.question import telling, terms_of

_COUNTS = st.dictionaries(st.text("abcdef", min_size=1, max_size=4), st.integers(1, 9), max_size=40)


def test_terms_are_counted_in_the_order_of_their_first() -> None:
    assert list(terms_of("retry the retries of a socket, retry").items()) == [
        *(("retri", 3), ("socket", 1)),
    ]
    assert terms_of("of the") == {}
    assert "late" not in terms_of("word " * 2000 + "late")


def test_rare_terms_come_first_and_unknown_ones_not_at_all() -> None:
    counts = dict.fromkeys(["common", "rare", "middle", "unheard"], 1)
    found_in = {"common": 90, "middle": 10, "rare": 1}
    assert telling(counts, found_in, 100) == ["rare", "middle", "common"]


def test_common_terms_are_left_out_where_enough_others_are_there() -> None:
    counts = dict.fromkeys(["common", "a1", "b1", "c1", "d1"], 1)
    found_in = {"common": 40, "a1": 1, "b1": 2, "c1": 3, "d1": 30}
    assert telling(counts, found_in, 100) == ["a1", "b1", "c1", "d1"]


def test_what_a_question_repeats_counts_more() -> None:
    assert telling({"once": 1, "often": 5}, {"once": 5, "often": 5}, 100) == ["often", "once"]


def test_of_a_large_project_as_many_terms_are_taken_as_can_be_afforded() -> None:
    counts = dict.fromkeys(["a1", "b1", "c1", "d1", "e1", "f1"], 1)
    found_in = {"a1": 10, "b1": 20, "c1": 30, "d1": 40, "e1": 20_000, "f1": 40_000}
    assert telling(counts, found_in, 200_000) == ["a1", "b1", "c1", "d1", "e1"]
    most = {term: 40_000 + place for place, term in enumerate(counts)}
    assert telling(counts, most, 200_000) == ["a1", "b1", "c1", "d1"]


@given(_COUNTS, st.data())
def test_only_known_terms_are_chosen_and_never_too_many(
    counts: dict[str, int], data: st.DataObject
) -> None:
    found_in = {term: data.draw(st.integers(0, 50)) for term in counts}
    chosen = telling(counts, found_in, 50)
    assert len(chosen) == len(set(chosen)) <= 16
    assert all(found_in[term] for term in chosen)
    assert bool(chosen) == any(found_in.values())

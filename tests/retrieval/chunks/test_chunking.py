"""Pieces leave nothing out, tear no small definition apart, and say what they hold."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from codelab.retrieval.chunks.chunking import LONGEST, Definition, pieces, windows


@st.composite
def _files(draw: st.DrawFn) -> tuple[int, list[Definition]]:
    """Draw a file and any definitions: nested, overlapping, upside down and beyond its end."""
    lines = draw(st.integers(1, 400))
    spans = draw(st.lists(st.tuples(st.integers(1, 420), st.integers(-2, 150)), max_size=25))
    found = [
        Definition(name=f"n{place}", kind="function", first=first, last=first + more)
        for place, (first, more) in enumerate(spans)
    ]
    return lines, sorted(found, key=lambda one: (one.first, -one.last))


@given(_files())
def test_pieces_cover_every_line_once_and_in_order(file: tuple[int, list[Definition]]) -> None:
    lines, definitions = file
    found = pieces(lines, definitions)
    covered = [line for one in found for line in range(one.first, one.last + 1)]
    assert covered == list(range(1, lines + 1))
    assert all(one.last - one.first < LONGEST for one in found)
    known = {one.name for one in definitions}
    assert all(known.issuperset(one.names) for one in found)


@given(st.integers(1, 2000))
def test_windows_cover_every_line_and_overlap(lines: int) -> None:
    found = windows(lines)
    assert (found[0].first, found[-1].last) == (1, lines)
    for one, after in pairwise(found):
        assert one.last - one.first == 49
        assert one.last - after.first == 9
        assert after.last > one.last


def _defined(*spans: tuple[str, int, int]) -> Sequence[Definition]:
    return [
        Definition(name=name, kind="function", first=first, last=last)
        for name, first, last in spans
    ]


def _spans(lines: int, definitions: Sequence[Definition]) -> list[tuple[int, int, tuple[str, ...]]]:
    return [(one.first, one.last, one.names) for one in pieces(lines, definitions)]


def test_small_neighbours_join_and_ample_ones_stay_apart() -> None:
    small = _defined(("a", 1, 5), ("b", 6, 10), ("c", 11, 15))
    assert _spans(15, small) == [(1, 15, ("a", "b", "c"))]
    ample = _defined(("a", 1, 30), ("b", 31, 50))
    assert _spans(50, ample) == [(1, 30, ("a",)), (31, 50, ("b",))]


def test_a_large_class_is_cut_along_its_methods_whose_rest_bears_its_name() -> None:
    found = _spans(100, _defined(("Big", 1, 100), ("one", 10, 50), ("two", 51, 100)))
    assert found == [(1, 50, ("Big", "one")), (51, 100, ("two",))]


def test_a_long_function_is_cut_into_even_spans_that_bear_its_name() -> None:
    found = _spans(150, _defined(("long", 1, 150)))
    assert found == [(1, 60, ("long",)), (61, 120, ("long",)), (121, 150, ("long",))]

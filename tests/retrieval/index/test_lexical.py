"""What every full-text index does, by each of the engines."""

from __future__ import annotations

import math
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codelab.retrieval.errors import IndexBroken
from codelab.retrieval.index.connecting import reading, writing
from codelab.retrieval.index.fts5 import Fts5Index
from codelab.retrieval.index.lexical import FIELDS, LexicalIndex
from codelab.retrieval.index.tantivy_index import TantivyIndex

Documents = Mapping[int, Sequence[str]]
_K1, _B = 1.2, 0.75


@contextmanager
def _fts5(folder: Path, *, writes: bool) -> Iterator[LexicalIndex]:
    file = folder / "catalogue.db"
    is_new = not file.exists()
    connection = writing(file) if writes else reading(file)
    if is_new:
        Fts5Index.create(connection)
    index = Fts5Index(connection)
    yield index
    index.close()
    connection.close()


@contextmanager
def _tantivy(folder: Path, *, writes: bool) -> Iterator[LexicalIndex]:
    index = TantivyIndex(folder, writes=writes)
    yield index
    index.close()


_ENGINES = {"fts5": _fts5, "tantivy": _tantivy}


@pytest.fixture(params=_ENGINES)
def engine(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def index(engine: str, tmp_path: Path) -> Iterator[LexicalIndex]:
    with _ENGINES[engine](tmp_path, writes=True) as opened:
        yield opened


def _bm25(documents: Documents, wanted: Iterable[str]) -> dict[int, float]:
    total = len(documents)
    average = sum(map(len, documents.values())) / total
    scores: dict[int, float] = {}
    for term in set(wanted):
        having = {row: Counter(terms)[term] for row, terms in documents.items() if term in terms}
        rarity = math.log(1 + (total - len(having) + 0.5) / (len(having) + 0.5))
        for row, count in having.items():
            length = 1 - _B + _B * len(documents[row]) / average
            weight = count * (_K1 + 1) / (count + _K1 * length)
            scores[row] = scores.get(row, 0.0) + rarity * weight
    return scores


def _put(index: LexicalIndex, documents: Documents, batch: int = 1) -> None:
    index.add("piece", documents.items())
    index.prepare(batch)
    index.commit()


# Of Latin and Cyrillic letters, digits and letters that know no case.
_TERMS = st.sampled_from(["pars", "http", "parsehttp", "x2", "404", "ключ", "ёж", "日本", "naïv"])
_DOCUMENTS = st.dictionaries(
    st.integers(1, 2**40), st.lists(_TERMS, min_size=1, max_size=12), min_size=1, max_size=12
)


@pytest.mark.parametrize("engine", _ENGINES)
@given(documents=_DOCUMENTS, wanted=st.sets(_TERMS, min_size=1), most=st.integers(1, 14))
@settings(max_examples=20)
def test_rows_are_ranked_by_bm25(
    engine: str, documents: Documents, wanted: set[str], most: int
) -> None:
    opened = _ENGINES[engine]
    expected = _bm25(documents, wanted)
    with tempfile.TemporaryDirectory() as folder, opened(Path(folder), writes=True) as index:
        _put(index, documents)
        found = index.best("piece", wanted, most)
        scores = [score for _, score in found]
        assert scores == sorted(scores, reverse=True)
        assert scores == pytest.approx(sorted(expected.values(), reverse=True)[:most], rel=1e-4)
        assert all(score == pytest.approx(expected[row], rel=1e-4) for row, score in found)
        assert index.size("piece") == len(documents)
        assert index.rows("piece") == set(documents)
        counts = Counter(term for terms in documents.values() for term in set(terms))
        assert index.found_in("piece", wanted) == {
            term: counts[term] for term in wanted if counts[term]
        }


@pytest.mark.parametrize("engine", _ENGINES)
@given(
    batches=st.lists(
        st.tuples(st.sets(st.integers(0, 5)), st.sets(st.integers(0, 5)), st.booleans()),
        max_size=6,
    )
)
@settings(max_examples=10)
def test_only_what_was_committed_and_not_removed_is_found(
    engine: str, batches: Sequence[tuple[set[int], set[int], bool]]
) -> None:
    opened = _ENGINES[engine]
    there: set[int] = set()
    with tempfile.TemporaryDirectory() as folder, opened(Path(folder), writes=True) as index:
        for number, (added, removed, happens) in enumerate(batches, 1):
            index.remove("file", removed)
            index.add("file", ((row, ["same"]) for row in added - (there - removed)))
            index.prepare(number)
            if happens:
                index.commit()
                there = (there - removed) | added
            else:
                index.rollback()
            index.merge()
            index.commit()
        assert index.rows("file") == there
        assert index.size("file") == len(there)
        assert {row for row, _ in index.best("file", ["same"], 99)} == there


def test_each_field_is_an_index_of_its_own(index: LexicalIndex) -> None:
    for number, field in enumerate(FIELDS, 1):
        index.add(field, [(number, [field]), (10, ["every"])])
    index.prepare(1)
    index.commit()
    for number, field in enumerate(FIELDS, 1):
        assert index.rows(field) == {number, 10}
        assert [row for row, _ in index.best(field, FIELDS, 9)] == [number]
        assert index.found_in(field, [*FIELDS, "every"]) == {field: 1, "every": 1}


def test_a_question_without_terms_finds_nothing(index: LexicalIndex) -> None:
    _put(index, {1: ["a1", "b1"]})
    assert index.best("piece", [], 5) == []
    assert index.best("piece", ["unheard"], 5) == []
    assert index.best("piece", ["a1"], 0) == []
    assert index.found_in("piece", []) == {}


def test_words_that_mean_something_to_the_engine_are_terms_like_others(
    index: LexicalIndex,
) -> None:
    _put(index, {1: ["or", "and"], 2: ["near", "not"], 3: ["terms"], 4: ["row"]})
    for number, terms in {1: ["or", "and"], 2: ["near", "not"], 3: ["terms"], 4: ["row"]}.items():
        assert [row for row, _ in index.best("piece", terms, 5)] == [number]


def test_a_long_row_and_many_terms_are_taken(index: LexicalIndex) -> None:
    long = [f"t{number}" for number in range(20_000)]
    _put(index, {1: long, 2: ["t1"], 3: ["t7" * 40]})
    assert {row for row, _ in index.best("piece", long[:300], 5)} == {1, 2}
    assert [row for row, _ in index.best("piece", ["t7" * 40], 5)] == [3]


def test_readers_see_each_commit_and_nothing_before_it(engine: str, tmp_path: Path) -> None:
    opened = _ENGINES[engine]
    with opened(tmp_path, writes=True) as index:
        _put(index, {1: ["same"]})
        with opened(tmp_path, writes=False) as reader:
            assert [row for row, _ in reader.best("piece", ["same"], 9)] == [1]
            assert reader.found_in("piece", ["same"]) == {"same": 1}
            assert reader.size("piece") == 1
            index.add("piece", [(2, ["same", "same"])])
            assert [row for row, _ in reader.best("piece", ["same"], 9)] == [1]
            index.prepare(2)
            index.commit()
            assert {row for row, _ in reader.best("piece", ["same"], 9)} == {1, 2}
            assert reader.found_in("piece", ["same"]) == {"same": 2}
            assert reader.size("piece") == 2
            assert reader.batch() == 2


def test_what_was_committed_outlives_the_process(engine: str, tmp_path: Path) -> None:
    opened = _ENGINES[engine]
    with opened(tmp_path, writes=True) as index:
        assert index.batch() == 0
        _put(index, {1: ["kept"]}, batch=7)
        index.add("piece", [(2, ["lost"])])
        index.prepare(8)
    with opened(tmp_path, writes=True) as index:
        assert index.batch() == 7
        assert index.rows("piece") == {1}


def test_damage_is_told(engine: str, tmp_path: Path) -> None:
    opened = _ENGINES[engine]
    with opened(tmp_path, writes=True) as index:
        _put(index, {row: [f"t{row}"] for row in range(1, 500)})
    for file in tmp_path.rglob("*"):
        if file.is_file() and file.stat().st_size > 100:
            file.write_bytes(b"\xff" * file.stat().st_size)
    with pytest.raises(IndexBroken), opened(tmp_path, writes=False) as index:
        index.best("piece", ["t1"], 5)

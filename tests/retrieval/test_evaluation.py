import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codelab.retrieval.evaluation import Question, by_repository, mean, score

PATHS = st.lists(st.sampled_from([f"src/{letter}.py" for letter in "abcdefghijklmnop"]))


def test_the_figures_of_one_answer() -> None:
    judged = score(["src/a.py", "src/b.py"], ["src/x.py", "src/a.py", "src/y.py", "src/b.py"])
    assert judged.mrr == 1 / 2
    assert judged.recall == 1
    assert judged.hit == 0
    gained, ideal = 1 / math.log2(3) + 1 / math.log2(5), 1 + 1 / math.log2(3)
    assert judged.ndcg == pytest.approx(gained / ideal)


def test_what_is_no_source_does_not_take_a_place() -> None:
    plain = score(["src/a.py"], ["src/x.py", "src/a.py"])
    assert score(["src/a.py"], ["tests/test_a.py", "README.md", "src/x.py", "src/a.py"]) == plain


def test_a_right_file_counts_even_where_it_looks_like_a_test() -> None:
    assert score(["tests/rig.py"], ["tests/rig.py"]).mrr == 1


def test_places_behind_the_tenth_count_for_the_first_right_file_only() -> None:
    ranked = [f"src/{number}.py" for number in range(15)]
    judged = score(["src/12.py"], ranked)
    assert (judged.mrr, judged.ndcg, judged.recall) == (1 / 13, 0, 0)


@given(PATHS.filter(bool), PATHS)
def test_figures_lie_between_none_and_all(relevant: list[str], ranked: list[str]) -> None:
    judged = score(relevant, ranked)
    for figure in (judged.mrr, judged.ndcg, judged.recall, judged.hit):
        assert 0 <= figure <= 1 + 1e-9
    assert score(relevant, relevant).ndcg == pytest.approx(1)


@given(PATHS.filter(bool), PATHS)
def test_the_right_file_in_front_is_never_worse(relevant: list[str], ranked: list[str]) -> None:
    before, after = score(relevant, ranked), score(relevant, [relevant[0], *ranked])
    assert after.mrr == 1
    assert after.recall >= before.recall or len(set(ranked)) >= 10


def test_every_repository_is_judged_by_itself_and_what_lacks_scores_nothing() -> None:
    questions = [
        Question(id="1", repo="ann/shop", query="q", relevant=("src/a.py",)),
        Question(id="2", repo="ann/shop", query="q", relevant=("src/a.py",)),
        Question(id="3", repo="bob/game", query="q", relevant=("src/b.py",)),
    ]
    judged = by_repository(questions, {"1": ["src/a.py"], "3": ["src/x.py", "src/b.py"]})
    assert judged["ann/shop"].mrr == 0.5
    assert judged["bob/game"].mrr == 0.5
    assert mean(list(judged.values())).questions == 3

"""Guessing tokens, and learning how a model counts them."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from codelab.agents.budget import prompt_window
from codelab.agents.counting import (
    LEAST_FACTOR,
    MOST_FACTOR,
    TokenCounter,
    estimate_tokens,
    learnt,
    learnt_window,
)
from codelab.sdk.model import ModelInfo

factors = st.floats(min_value=LEAST_FACTOR, max_value=MOST_FACTOR)
counts = st.integers(min_value=0, max_value=1_000_000)


@given(st.text(max_size=500))
def test_no_text_is_free(text: str) -> None:
    assert estimate_tokens(text) >= 1 + len(text) // 4


@given(st.text(max_size=200), st.text(max_size=200))
def test_more_text_takes_no_fewer_tokens(text: str, more: str) -> None:
    assert estimate_tokens(text) <= estimate_tokens(text + more)


@given(factors, counts, counts)
def test_a_factor_stays_within_its_bounds(factor: float, guessed: int, counted: int) -> None:
    assert LEAST_FACTOR <= learnt(factor, guessed=guessed, counted=counted) <= MOST_FACTOR


@given(factors, st.floats(min_value=0.7, max_value=2.9))
def test_a_factor_comes_to_what_a_provider_counts(factor: float, ratio: float) -> None:
    for _ in range(60):
        factor = learnt(factor, guessed=10_000, counted=int(10_000 * ratio))
    assert abs(factor - ratio) < 0.01


def test_a_factor_rises_at_once_and_falls_slowly() -> None:
    assert learnt(1.0, guessed=1000, counted=1500) == 1.5
    assert learnt(1.5, guessed=1000, counted=1000) == 1.4


def test_what_cannot_be_a_count_of_ours_teaches_nothing() -> None:
    assert learnt(1.0, guessed=5000, counted=10) == 1.0
    assert learnt(1.0, guessed=50, counted=100) == 1.0


def test_what_is_refused_teaches_the_window_or_the_factor() -> None:
    counter = TokenCounter()
    counter.overflowed("a", guessed=1000, known=32_000, limit_tokens=None, asked_tokens=None)
    assert counter.factor("a") == 1.25
    counter.overflowed("b", guessed=1000, known=32_000, limit_tokens=4096, asked_tokens=2000)
    assert (counter.factor("b"), counter.window("b", 32_000)) == (2.0, 4096)
    assert (counter.factor("c"), counter.window("c", 32_000)) == (1.0, 32_000)


def test_a_limit_that_cannot_be_the_window_teaches_none() -> None:
    counter = TokenCounter()
    counter.overflowed("a", guessed=9000, known=32_000, limit_tokens=1, asked_tokens=None)
    assert counter.window("a", 32_000) == 32_000
    assert counter.factor("a") == 1.25, "it was too long all the same"


def test_a_window_that_was_learnt_is_forgotten_after_ten_minutes() -> None:
    times = iter([0.0, 599.0, 600.0])
    counter = TokenCounter(clock=lambda: next(times))
    counter.overflowed("a", guessed=30_000, known=32_000, limit_tokens=16_000, asked_tokens=None)
    assert [counter.window("a", 32_000) for _ in range(2)] == [16_000, 32_000]


tokens = st.integers(min_value=1, max_value=2_000_000)


@given(tokens, tokens, tokens, st.floats(0, 2000))
def test_a_window_is_believed_only_near_what_is_known_or_sent(
    limit: int, known: int, guessed: int, later_s: float
) -> None:
    window = learnt_window(limit, known=known, guessed=guessed, now_s=0.0)
    assert (window is None) == (limit < known / 4 and limit < guessed / 2)
    if window is not None:
        assert window.of(known, later_s) <= known
        assert later_s < 600 or window.of(known, later_s) == known


@given(
    st.integers(min_value=1, max_value=2_000_000),
    st.integers(min_value=1, max_value=2_000_000),
    st.integers(min_value=2000, max_value=200_000),
)
def test_a_prompt_leaves_room_for_the_answer(window: int, answer: int, limit: int) -> None:
    model = ModelInfo(name="m", provider="p", context_tokens=window, max_output_tokens=answer)
    room = prompt_window(model, limit)
    assert 0 < room <= min(limit, window)
    assert window - room >= min(answer, window // 4)

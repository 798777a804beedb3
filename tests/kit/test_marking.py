"""Marks around text that is data."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from codelab.kit.marking import marked


@given(st.text(), st.text(), st.integers(0, 3))
def test_no_text_can_close_its_mark(text: str, key: str, times: int) -> None:
    # Whoever wrote the text knows how it is marked, and tries to get ahead of it.
    for _ in range(times):
        text += marked(text, key).rsplit("\n", 1)[1]
    opening, *inside, closing = marked(text, key).split("\n")
    assert "\n".join(inside) == text
    mark = closing.removeprefix("</data ").removesuffix(">")
    assert opening == f"<data {mark}>"
    assert mark not in text


def test_the_same_text_is_marked_in_the_same_way() -> None:
    assert marked("x", "a") == marked("x", "a") != marked("x", "b")

"""What is shown of the project because a message is about it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codelab.agents.gathering import Shown, pieces_for, spans, telling_terms
from codelab.sdk.retrieval import Finding
from codelab.sessions.api import written_out

QUESTION = telling_terms("Where are all prices of the cart added up?")
CART = "def total(prices):\n    # All prices of the cart.\n    return sum(prices)"


def finding(path: str = "shop/cart.py", first: int = 1, text: str = CART, **more: float) -> Finding:
    last = first + text.count("\n")
    return Finding(path=path, first=first, last=last, text=text, score=more.get("score", 1.0))


def places(*findings: Finding, shown: Shown | None = None, room: int = 9000) -> list[str]:
    chosen = pieces_for(QUESTION, findings, shown or Shown(key="m1"), room)
    return [f"{one.path}:{one.first}-{one.last}" for one in chosen]


@pytest.mark.parametrize(
    ("message", "is_about_code"),
    [
        ("yes, go on", False),
        ("Okay, continue please!", False),
        ("да, продолжай", False),
        ("спасибо, хорошо", False),
        ("Fix it", False),
        ("why?", False),
        ("", False),
        ("Where are prices added up?", True),
        ("explain parseHeader", True),
        ("yes, add prices up in the cart", True),
        ("где складываются цены?", True),
    ],
)
def test_messages_that_ask_for_nothing_have_no_telling_terms(
    message: str, is_about_code: bool
) -> None:
    assert (len(telling_terms(message)) >= 2) == is_about_code


def test_what_fits_less_or_is_about_something_else_is_left_out() -> None:
    other = finding("shop/mail.py", text="def send(address):\n    return address", score=0.9)
    weak = finding("shop/price.py", score=0.5)
    only_named = Finding(path="shop/cart_prices.py", score=0.9)
    assert places(finding(), other, weak, only_named) == ["shop/cart.py:1-3"]
    assert places() == []


def test_what_the_message_brings_or_the_agent_may_not_read_is_left_out() -> None:
    found = finding("a.py"), finding("b.py"), finding("c.py")
    shown = Shown(key="m1", paths={"a.py"}, may_read=lambda path: path != "b.py")
    assert places(*found, shown=shown) == ["c.py:1-3"]


def test_what_the_model_is_shown_already_is_not_shown_again() -> None:
    (piece,) = pieces_for(QUESTION, [finding()], Shown(key="m1"), 9000)
    read = f"before\n{piece.text}\n     4\tafter"
    assert places(finding(), shown=Shown(key="m2", texts=[read])) == []
    # As it was before a change, it is something else.
    changed = read.replace("sum(", "max(")
    assert places(finding(), shown=Shown(key="m2", texts=[changed])) == ["shop/cart.py:1-3"]


def test_secrets_are_masked_and_names_begin_no_line() -> None:
    token = "ghp_" + "a1B2c3D4e5" * 4
    text = f'{CART}\nTOKEN = "{token}"'
    pieces = pieces_for(QUESTION, [finding("x\n\n[push].py", text=text)], Shown(key="m1"), 9000)
    shown = written_out(pieces, "m1")
    assert "[masked: GitHub token]" in shown and token not in shown
    assert "\n[push]" not in shown
    assert '[Found in the project for this message: "x\\n\\n[push].py", lines 1-4.' in shown


numbers = st.integers(1, 60)
lengths = st.integers(1, 30)


@given(
    st.lists(st.tuples(st.sampled_from(["a.py", "b/ö.py"]), numbers, lengths), max_size=8),
    st.integers(0, 4000),
)
def test_each_line_is_shown_once_in_order_and_within_the_room(
    cut: list[tuple[str, int, int]], room: int
) -> None:
    files = {path: [f"prices cart {n} ж" for n in range(1, 100)] for path in ("a.py", "b/ö.py")}
    found = [
        finding(path, first, "\n".join(files[path][first - 1 : first - 1 + length]))
        for path, first, length in cut
    ]
    together = list(spans(found))
    lines = [
        (one.path, one.first + at, line) for one in together for at, line in enumerate(one.lines)
    ]
    asked = {(path, first + at) for path, first, length in cut for at in range(length)}
    assert {(path, number) for path, number, _ in lines} == asked and len(lines) == len(asked)
    assert all(files[path][number - 1] == line for path, number, line in lines)
    # Two of one file have at least a line between them.
    ends = {(one.path, one.first + len(one.lines)) for one in together}
    assert not any((one.path, one.first) in ends for one in together)
    pieces = pieces_for(QUESTION, found, Shown(key="m1"), room)
    assert len(f"\n\n{written_out(pieces, 'm1')}".encode()) <= room or not pieces
    for piece in pieces:
        shown = [line.split("\t") for line in piece.text.split("\n")]
        assert [int(number) for number, _ in shown] == [*range(piece.first, piece.last + 1)]
        assert all(files[piece.path][int(number) - 1] == line for number, line in shown)
    if room == 4000 and found:
        assert pieces

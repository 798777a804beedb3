from hypothesis import given
from hypothesis import strategies as st

from codelab.retrieval.ranking.judging import asked, order_of, reordered
from codelab.sdk.retrieval import Finding

FINDINGS = st.lists(
    st.builds(
        Finding,
        path=st.text(max_size=300),
        first=st.integers(0, 9999),
        last=st.integers(0, 9999),
        text=st.text(max_size=3000),
        names=st.lists(st.text(max_size=30), max_size=4).map(tuple),
    ),
    max_size=12,
)
# What models say beside what they were asked for.
SAID = st.text() | st.text(alphabet='[]{}0123456789,. \n"-', max_size=60)

BETWEEN = st.sampled_from([",", ", ", " ", ",\n"])


@given(SAID, st.integers(0, 20))
def test_whatever_is_said_nothing_is_lost_or_made_up(said: str, count: int) -> None:
    findings = [Finding(path=str(number)) for number in range(count)]
    places = order_of(said, count)
    assert len(set(places)) == len(places)
    found = reordered(findings, places)
    assert sorted(int(one.path) for one in found) == [*range(count)]
    assert [int(one.path) for one in found[: len(places)]] == places
    rest = [int(one.path) for one in found[len(places) :]]
    assert rest == sorted(rest)


@given(
    st.lists(st.integers(0, 19), min_size=1, unique=True), st.sampled_from([",", ", ", " ", ",\n"])
)
def test_a_list_is_read_wherever_it_stands(places: list[int], between: str) -> None:
    numbers = between.join(str(place + 1) for place in places)
    for said in (f"[{numbers}]", f"[1] is near, but:\n```json\n[{numbers}]\n```\nGood luck!"):
        assert order_of(said, 20) == places


def test_what_names_nothing_is_no_order() -> None:
    for said in ("", "3, 1", "[]", "[0, 21, 99999999999999999999]", '["3"]', "[1.5]", "[²]"):
        assert order_of(said, 20) == []
    assert order_of("[2, 2, 0, 21, 1]", 20) == [1, 0]


@given(st.text(max_size=3000), FINDINGS, st.integers(0, 20_000))
def test_a_question_keeps_within_its_room(
    question: str, findings: list[Finding], room: int
) -> None:
    text = asked(question, findings, 8, room)
    assert len(text) <= room
    if text:
        for number in range(1, len(findings) + 1):
            assert f"\n[{number}] " in text


def test_a_question_shows_each_piece_and_cuts_long_ones_at_lines() -> None:
    long = "".join(f"line {number}\n" for number in range(1000))
    findings = [
        Finding(path="src/cart.py", first=3, last=9, text="def add():\n    pass", names=("add",)),
        Finding(path="src/long.py", first=1, last=1000, text=long),
        Finding(path="notes.md"),
    ]
    text = asked('add "prices"', findings, 2, 10_000)
    assert '"add \\"prices\\""' in text and "at most 2" in text
    assert "\n[1] src/cart.py:3-9 (add)\ndef add():\n    pass\n\n[2] src/long.py:1-1000\n" in text
    assert "\nline 9\n" in text and "\nline 999\n" not in text
    secret = Finding(path="a.py", text="key = 'AKIAIOSFODNN7EXAMPLQ'")
    assert "AKIAIOSFODNN7EXAMPLQ" not in asked("q", [secret], 2, 10_000)
    assert "\n[3] notes.md\n\nAnswer with" in text
    assert asked("q", findings, 2, 300) == "" == asked("q", [], 2, 10_000)

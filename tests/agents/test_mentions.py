"""Which words of a message are paths to attach."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codelab.agents.mentions import MOST, mentions

names = st.text("abcdef-_09", min_size=1, max_size=8)
paths = st.builds("{}/{}.py".format, names, names) | st.builds("{}.md".format, names)


def found(text: str, agent: str = "") -> list[str]:
    return [one.path for one in mentions(text, agent)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Explain @src/main.py.", ["src/main.py"]),
        ("Compare (@a.py, @b.py) and @src/", ["a.py", "b.py", "src/"]),
        ("Read @\"My Files/to do.md\" and @'x y'!", ["My Files/to do.md", "x y"]),
        ("Объясни @каталог/файл.py", ["каталог/файл.py"]),
        ("@a.py twice @a.py", ["a.py"]),
        ("@Makefile", ["Makefile"]),
        ("Mail ann@example.com, or me@host", []),
        (r"Not \@a.py", []),
        ("In code `@a.py` or\n```\n@b.py\n```\nbut @c.py", ["c.py"]),
        ("```py\n@b.py", []),
        ("@app.route('/x')", []),
        ("Why?\n@pytest.fixture\ndef x(): ...", []),
        ("Why?\n  @Deprecated\n  public void x()", []),
        ("user@host:@x", ["x"]),
        ("@", []),
        ("@.. @. @./", ["./"]),
        ("git@github.com:me/x.git", []),
    ],
)
def test_what_is_a_mention(text: str, expected: list[str]) -> None:
    assert found(text) == expected


def test_an_agent_at_the_beginning_is_no_path() -> None:
    assert found("@coder read @coder/x.py and @coder", "coder") == ["coder/x.py", "coder"]
    assert found("@Coder: read @a.py", "coder") == ["a.py"]
    assert found("@coder", "") == ["coder"]


def test_a_word_is_less_certain_than_a_path() -> None:
    certain = {one.path: one.certain for one in mentions('@word @a.py @src/x @"word two"')}
    assert certain == {"word": False, "a.py": True, "src/x": True, "word two": True}


@given(st.lists(paths, unique=True, min_size=1), st.sampled_from([" ", ", ", "\n", " and "]))
def test_every_path_of_a_list_is_found(wanted: list[str], between: str) -> None:
    text = "See " + between.join(f"@{path}" for path in wanted)
    assert found(text) == wanted[:MOST]


@given(st.text(max_size=300))
def test_no_message_is_too_strange(text: str) -> None:
    assert all(one.path and one.path in text for one in mentions(text))


@pytest.mark.parametrize("piece", [" @a.b", "@abc\n \n", '@"', "@a(", "`a`"])
def test_a_long_message_is_read_in_time(piece: str) -> None:
    """Nobody else is served meanwhile: the time grows with the length, not with its square."""
    began = time.process_time()
    assert len(mentions(piece * (1_000_000 // len(piece)), "coder")) <= 1
    assert time.process_time() - began < 1.5

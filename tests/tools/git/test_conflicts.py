"""The layout of conflicts, as a pure function of what is conflicted."""

from hypothesis import given
from hypothesis import strategies as st

from codelab.tools.builtin.git.conflicts import Conflict, described, has_markers, hunks_of
from tests.tools.repositories import read_conflicts

SPECIAL = ("<<<<<<< ours", "||||||| base", "=======", ">>>>>>> theirs", "file: both added: x")
LINES = st.one_of(st.sampled_from(SPECIAL), st.text("ab <>=:", max_size=9))


def test_conflicts_are_found_from_marker_to_marker() -> None:
    text = (
        "a\n<<<<<<< ours\nb\n=======\nc\n>>>>>>> theirs\nd\r\n<<<<<<< x\r\n=======\r\n>>>>>>> y\r\n"
    )
    first, second = hunks_of(text)
    assert (first.first, first.last) == (2, 6)
    assert first.lines == ("<<<<<<< ours", "b", "=======", "c", ">>>>>>> theirs")
    assert (second.first, second.last) == (8, 10)
    assert not has_markers("<<<<<<< begun and never ended\n=======\n")
    assert not has_markers("a\n=======\n<<<<<<<< eight\n>>>>>>>>\n")
    assert has_markers("-" + text.replace("\n", "\n-"), before="-")


@given(st.lists(LINES, max_size=40), st.text("ab/\n\"'é", min_size=1, max_size=9))
def test_no_content_passes_for_the_layout(lines: list[str], name: str) -> None:
    hunks = hunks_of("\n".join(lines))
    output = described([Conflict("both modified", name, hunks)], 1, "the merge of a into b")
    ((_, read),) = read_conflicts(output).values()
    assert read == [(hunk.first, hunk.last, list(hunk.lines)) for hunk in hunks]


def test_much_is_bounded_and_counted() -> None:
    text = "\n".join(["<<<<<<< ours", *["x" * 200] * 500, "=======", ">>>>>>> theirs"])
    hunks = hunks_of("\n".join([text] * 10))
    output = described([Conflict("both modified", "a", hunks)] * 20, 300, "the merge of a into b")
    assert len(output) < 30_000
    assert "lines left out …" in output
    assert "conflicts not shown" in output
    assert "note: 280 files not named" in output
    assert output.splitlines()[0] == "conflicts: 300 in the merge of a into b"

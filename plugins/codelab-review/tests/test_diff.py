"""What git prints becomes values with the right line numbers."""

from __future__ import annotations

import pytest
from codelab_review.diff import Counts, FileChange, new_file, parse_counts, parse_file

DIFF = """\
diff --git a/app.py b/app.py
index 1111111..2222222 100644
--- a/app.py
+++ b/app.py
@@ -1,3 +1,4 @@ import math
 one
-two
+zwei
+drei
 four
@@ -10,2 +11,2 @@ def last():
-ten
+zehn
\\ No newline at end of file
 eleven
"""
COUNTS = Counts(path="app.py", old_path="", added=3, removed=2)


def numbers(change: FileChange) -> list[tuple[str, int | None, int | None, str]]:
    return [
        (line.kind, line.old, line.new, line.text) for hunk in change.hunks for line in hunk.lines
    ]


def test_lines_have_the_numbers_of_both_sides() -> None:
    change = parse_file(COUNTS, DIFF)
    assert numbers(change) == [
        (" ", 1, 1, "one"),
        ("-", 2, None, "two"),
        ("+", None, 2, "zwei"),
        ("+", None, 3, "drei"),
        (" ", 3, 4, "four"),
        ("-", 10, None, "ten"),
        ("+", None, 11, "zehn"),
        (" ", 11, 12, "eleven"),
    ]
    assert [hunk.heading for hunk in change.hunks] == ["import math", "def last():"]
    assert (change.status, change.added, change.removed) == ("modified", 3, 2)


def test_only_a_new_last_line_without_an_end_counts() -> None:
    old_side = "@@ -1 +1 @@\n-a\n\\ No newline at end of file\n+b\n"
    new_side = "@@ -1 +1 @@\n-a\n+b\n\\ No newline at end of file\n"
    assert not parse_file(COUNTS, old_side).ends_without_newline
    assert parse_file(COUNTS, new_side).ends_without_newline


def test_a_cut_answer_is_read_up_to_the_cut() -> None:
    cut = DIFF.replace("+drei\n", "+dr\n… 900 characters left out …\nei\n")
    change = parse_file(COUNTS, cut, is_cut=True)
    assert [text for *_, text in numbers(change)] == ["one", "two", "zwei", "dr"]
    assert change.is_cut


@pytest.mark.parametrize(
    ("header", "status"),
    [("new file mode 100644", "added"), ("deleted file mode 100644", "deleted")],
)
def test_the_header_tells_what_happened(header: str, status: str) -> None:
    assert parse_file(COUNTS, f"diff --git a/x b/x\n{header}\n@@ -0,0 +1 @@\n").status == status


def test_counts_are_read_with_renames_and_binaries() -> None:
    counted = parse_counts("3\t2\tapp.py\x00-\t-\tlogo.png\x001\t0\t\x00old name.py\x00new.py\x00")
    assert counted == [
        COUNTS,
        Counts(path="logo.png", old_path="", added=None, removed=None),
        Counts(path="new.py", old_path="old name.py", added=1, removed=0),
    ]
    assert parse_counts("") == []
    assert parse_file(counted[1], "Binary files differ").is_binary
    assert parse_file(counted[2], "similarity index 90%\n").status == "renamed"


def test_a_new_file_is_all_added() -> None:
    change = new_file("a.py", "x\ny")
    assert numbers(change) == [("+", None, 1, "x"), ("+", None, 2, "y")]
    assert change.ends_without_newline
    assert not new_file("a.py", "x\n").ends_without_newline
    assert new_file("empty", "").hunks == ()

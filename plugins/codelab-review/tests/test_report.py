"""The report is bounded, can be cited, and shows neither secrets nor tricks."""

from __future__ import annotations

from codelab_review.diff import Counts, FileChange, new_file, parse_file
from codelab_review.findings import find
from codelab_review.report import ROOM, write_report


def test_lines_can_be_cited() -> None:
    counts = Counts(path="app.py", old_path="", added=1, removed=1)
    change = parse_file(counts, "@@ -8,2 +9,2 @@ def total():\n-    a = 1\n+    a = 2\n     b\n")
    report = write_report("Uncommitted changes", [change], [])
    assert report.text.splitlines() == [
        "Uncommitted changes: 1 file, +1 -1",
        "",
        "## app.py (modified, +1 -1)",
        "@@ def total():",
        "    8       -     a = 1",
        "          9 +     a = 2",
        "    9    10       b",
    ]
    assert report.is_complete and report.shown == (change,)


def test_findings_come_before_the_files_and_secrets_are_hidden() -> None:
    change = new_file("app.py", 'password = "hunter2-and-more"\n')
    text = write_report("Changes", [change], find([change])).text
    assert "- high secret app.py:1: looks like a password or key" in text
    assert "hunter2" not in text
    assert '+ password = "[hidden]"' in text


def test_invisible_characters_are_made_visible() -> None:
    text = write_report("Changes", [new_file("a.py", "x = 1 \u202e# \x1b[31m\r\n")], []).text
    assert "x = 1 ⟨U+202E⟩# ⟨U+001B⟩[31m" in text
    assert "\u202e" not in text and "\x1b" not in text


def test_what_has_no_room_is_named_and_not_called_shown() -> None:
    small = new_file("small.py", "x = 1\n")
    large = new_file("large.py", "x = 1\n" * 4000)
    report = write_report("Changes", [large, small], [])
    assert report.shown == (small,)
    assert not report.is_complete
    assert "large.py (+4000 -0)" in report.text
    assert len(report.text) < ROOM + 1000


def test_many_names_and_findings_stay_bounded() -> None:
    changes = [new_file(f"{number:03}.py", "print(1)\n" * 300) for number in range(200)]
    report = write_report("Changes", changes, find(changes))
    assert len(report.text) < ROOM + 5000
    assert "more" in report.text


def test_a_cut_file_is_not_called_shown() -> None:
    change = FileChange(path="app.py", added=900, is_cut=True)
    report = write_report("Changes", [change], [])
    assert report.shown == () and not report.is_complete
    assert "read the rest" in report.text


def test_what_cannot_be_shown_is_said() -> None:
    changes = [
        FileChange(path="logo.png", is_binary=True),
        FileChange(path=".env", status="added", is_withheld=True),
        FileChange(path="b.py", old_path="a.py", status="renamed"),
    ]
    text = write_report("Changes", changes, [], known=[FileChange(path="old.py")]).text
    assert "A binary file." in text
    assert "off limits" in text
    assert "## b.py (renamed from a.py, +0 -0)" in text
    assert "left out: old.py" in text

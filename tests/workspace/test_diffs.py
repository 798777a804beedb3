import subprocess
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from codelab.workspace.diffs import reveal, unified

LINES = st.lists(st.sampled_from(["a", "b", "c", "", "long line", "x"]), max_size=30)


def test_a_change_with_its_context() -> None:
    old = "".join(f"{number}\n" for number in range(1, 21))
    new = old.replace("5\n", "five\n", 1).replace("20\n", "twenty\n")
    assert unified(old, new, "a.txt").split("\n") == [
        *("--- a/a.txt", "+++ b/a.txt"),
        *("@@ -2,7 +2,7 @@", " 2", " 3", " 4", "-5", "+five", " 6", " 7", " 8"),
        *("@@ -17,4 +17,4 @@", " 17", " 18", " 19", "-20", "+twenty"),
    ]


def test_new_and_deleted_files() -> None:
    assert unified("", "a\n", "x", is_new=True) == "--- /dev/null\n+++ b/x\n@@ -0,0 +1 @@\n+a"
    assert unified("a\n", "", "x", is_gone=True) == "--- a/x\n+++ /dev/null\n@@ -1 +0,0 @@\n-a"
    assert unified("", "", "x", is_new=True) == "--- /dev/null\n+++ b/x"
    assert unified("same\n", "same\n", "x") == ""


def test_a_missing_final_newline_shows() -> None:
    assert unified("a", "a\n", "x").endswith("-a\n\\ No newline at end of file\n+a")


@pytest.mark.parametrize(
    ("character", "shown"),
    [
        ("\u202e", "⟦U+202E⟧"),
        ("\u200b", "⟦U+200B⟧"),
        ("\x1b", "⟦ESC⟧"),
        ("\r", "⟦CR⟧"),
        ("\x08", "⟦U+0008⟧"),
        ("\u2028", "⟦U+2028⟧"),
        ("\U000e0041", "⟦U+E0041⟧"),
        ("\ufe0f", "⟦U+FE0F⟧"),
        ("\x85", "⟦U+0085⟧"),
    ],
)
def test_what_cannot_be_seen_is_made_visible(character: str, shown: str) -> None:
    diff = unified("", f"a{character}b\n", "x", is_new=True)
    assert f"+a{shown}b" in diff
    assert character not in diff
    assert character not in unified("", "a", f"x{character}", is_new=True)


def test_what_can_be_seen_stays() -> None:
    text = "\tdef функция():  # naïve ☃\n"
    assert reveal(text) == text


def test_line_endings_show_where_they_change() -> None:
    assert "⟦CR⟧" not in unified("a\r\nb\r\n", "a\r\nc\r\n", "x")
    assert "-a⟦CR⟧\n" in unified("a\r\nb\n", "a\nb\n", "x")


def test_nothing_is_left_out_however_large_it_is() -> None:
    old = "".join(f"old {number % 7}\n" for number in range(20_000))
    new = "".join(f"new {number % 5}\n" for number in range(20_000))
    started = time.monotonic()
    lines = unified(old, new, "x").split("\n")
    assert time.monotonic() - started < 5
    assert sum(line.startswith("-old") for line in lines) == 20_000
    assert sum(line.startswith("+new") for line in lines) == 20_000


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40)
@given(LINES, LINES, st.booleans(), st.booleans())
def test_git_applies_every_diff(
    tmp_path: Path, old: list[str], new: list[str], old_ends: bool, new_ends: bool
) -> None:
    before = "\n".join(old) + ("\n" if old and old_ends else "")
    after = "\n".join(new) + ("\n" if new and new_ends else "")
    diff = unified(before, after, "file")
    if not diff:
        assert before == after
        return
    (tmp_path / "file").write_text(before, "utf-8")
    subprocess.run(
        ["git", "apply", "--unidiff-zero", "--whitespace=nowarn", "-"],
        input=f"{diff}\n",
        cwd=tmp_path,
        check=True,
        text=True,
        capture_output=True,
        env={"GIT_CEILING_DIRECTORIES": str(tmp_path.parent), "PATH": "/usr/local/bin:/usr/bin"},
    )
    path = tmp_path / "file"
    assert (path.read_text("utf-8") if path.exists() else "") == after

"""What is left out is said in one line."""

from pytest import TestReport

from tests.support import left_out


def report(reason: str) -> TestReport:
    place = ("tests/a.py", 1, f"Skipped: {reason}")
    return TestReport("tests/a.py::test", ("", None, ""), {}, "skipped", place, "setup")


def test_one_line_counts_each_reason() -> None:
    skipped = [report("nginx is not installed"), report("no node"), report("no node")]
    assert left_out.line(skipped) == (
        "Left out here: nginx is not installed (1 test); no node (2 tests)."
    )


def test_nothing_is_said_when_nothing_was_left_out() -> None:
    assert left_out.line([]) == ""

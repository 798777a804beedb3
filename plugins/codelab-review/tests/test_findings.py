"""Each rule finds what it is for, at its line, and nothing else."""

from __future__ import annotations

import pytest
from codelab_review.diff import FileChange, new_file
from codelab_review.findings import LARGE_ADDITION, LONG_FILE, LONG_LINE, Finding, find

STOP = "break" + "point()"


def found(path: str, *lines: str) -> list[tuple[str, str, int | None]]:
    change = new_file(path, "".join(f"{line}\n" for line in lines))
    return [(each.severity, each.rule, each.line) for each in find([change])]


def test_clean_code_has_no_findings() -> None:
    assert found("app.py", "def total(prices):", "    return sum(prices)") == []


@pytest.mark.parametrize(
    ("path", "line", "expected"),
    [
        ("app.py", 'password = "hunter2-and-more"', ("high", "secret")),
        ("app.py", "<<<<<<< HEAD", ("high", "conflict")),
        ("app.py", ">>>>>>> other", ("high", "conflict")),
        ("app.py", "if admin:\u202e # no", ("high", "unseen-character")),
        ("app.py", f"    {STOP}", ("medium", "debugger")),
        ("app.py", "    import pdb; pdb" + ".set_trace()", ("medium", "debugger")),
        ("web/app.ts", "  debugger" + ";", ("medium", "debugger")),
        ("app.rb", "binding" + ".pry", ("medium", "debugger")),
        ("app.py", "    print(total)", ("low", "debug-output")),
        ("web/app.tsx", "  console" + ".log(total)", ("low", "debug-output")),
        ("src/main.rs", "    dbg" + "!(total);", ("low", "debug-output")),
        ("data.json", "x" * (LONG_LINE + 1), ("low", "long-line")),
    ],
)
def test_a_line_is_found_where_it_stands(path: str, line: str, expected: tuple[str, str]) -> None:
    assert found(path, "first", line) == [(*expected, 2)]


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ("tests/test_app.py", "    print(total)"),
        ("scripts/report.py", "print(total)"),
        ("app.py", "    pprint(total)"),
        ("README.md", "print(total)"),
        ("README.rst", "======="),
        ("app.go", "debugger := newDebugger()"),
    ],
)
def test_ordinary_lines_are_left_alone(path: str, line: str) -> None:
    assert found(path, line) == []


def test_removed_lines_are_not_judged() -> None:
    change = FileChange(path=".env", status="deleted", removed=3)
    assert find([change]) == []


def test_a_file_that_usually_holds_secrets_is_named() -> None:
    assert find([FileChange(path=".env", status="added", is_withheld=True)]) == [
        Finding(
            severity="high",
            rule="secret",
            path=".env",
            line=None,
            message="a file of this kind usually holds secrets",
        )
    ]


def test_the_message_never_holds_the_secret() -> None:
    change = new_file("app.py", 'password = "hunter2-and-more"\n')
    assert "hunter2" not in repr(find([change]))


def test_sizes() -> None:
    assert found("app.py", *["x"] * (LARGE_ADDITION + 1)) == [("low", "large-addition", None)]
    assert found("app.py", *["x"] * (LONG_FILE + 1)) == [("low", "long-file", None)]
    assert found("app.py", *["x"] * LARGE_ADDITION) == []


def test_a_missing_last_newline_is_found() -> None:
    assert [each.rule for each in find([new_file("app.py", "x = 1")])] == ["final-newline"]


@pytest.mark.parametrize(
    ("lock", "manifest"),
    [("web/package-lock.json", "web/package.json"), ("uv.lock", "pyproject.toml")],
)
def test_a_lock_file_needs_its_manifest(lock: str, manifest: str) -> None:
    changed = FileChange(path=lock, added=900)
    assert [each.rule for each in find([changed])] == ["lock-alone"]
    assert find([changed, FileChange(path=manifest)]) == []


def test_the_worst_comes_first() -> None:
    lines = ["print(1)", STOP, "<<<<<<< HEAD"]
    assert [severity for severity, *_ in found("app.py", *lines)] == ["high", "medium", "low"]

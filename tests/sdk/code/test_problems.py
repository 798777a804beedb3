"""What an editor says about a text."""

from __future__ import annotations

import pytest

from codelab.sdk.code.problems import Checked, CodeProblem, checked


@pytest.mark.parametrize(
    ("path", "text", "language", "found"),
    [
        ("a.py", "x = (\n", "Python", [(1, 5, "error")]),
        ("a.py", "x = 1\n", "Python", []),
        ("a.json", "[" * 5000, "JSON", [(1, 1, "error")]),
        ("a.yml", "a: 1\n b: 2\n", "YAML", [(2, 3, "error")]),
        ("a.toml", "\na = \n", "TOML", [(2, 5, "error")]),
        ("a.rs", "fn main() {\n", "Rust", [(1, 1, "error")]),
        ("a.js", "a = b |> c;\nx('üü', = );\n", "JavaScript", [(1, 7), (2, 9)]),
        ("a.dart", "void main( {", "", []),
        ("a.md", "[", "", []),
        ("long.go", "{\n" * 200_000, "", []),
    ],
)
async def test_problems_have_a_place_and_a_severity(
    path: str, text: str, language: str, found: list[tuple[int, ...]]
) -> None:
    answer = await checked(path, text)
    assert answer.language == language
    assert all(one.message and one.source == language for one in answer.problems)
    places = [(one.line, one.column, one.severity) for one in answer.problems]
    assert places == [(*one, "warning")[:3] for one in found]


async def test_what_takes_too_long_is_said_and_given_up() -> None:
    answer = await checked("a.ts", "a<b(" * 70_000)
    assert answer.problems[0].severity in ("error", "warning")
    assert answer.language == "TypeScript"


async def test_many_flaws_are_not_all_told() -> None:
    answer = await checked("a.go", "package a\n" + "var = 1\n" * 400)
    assert 1 < len(answer.problems) <= 20


def test_nothing_is_said_of_what_was_not_checked() -> None:
    assert Checked() == Checked(language="", problems=())
    assert CodeProblem.__struct_fields__ == ("line", "column", "message", "severity", "source")

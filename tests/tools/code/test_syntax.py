import asyncio
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codelab.sdk import ToolError
from codelab.tools.builtin.code.syntax import check, problem_in

ENDINGS = st.sampled_from(["a.py", "a.json", "a.yaml", "a.toml", "a.txt"])


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("a.py", "def f(x: int) -> int:\n    return x\n"),
        ("a.py", "x = '\\d'\n"),
        ("a.py", ""),
        ("a.json", '{"a": [1, 2.5, null]}'),
        ("tsconfig.json", '{"a": 1, // why\n}'),
        ("app/.vscode/settings.json", "{ // why\n}"),
        ("a.yml", "a: 1\n---\nb: !Ref x\nc: &x [*x]\n"),
        ("chart.yaml", "{{- if .Values.x }}\na: {{ .y }}\n{{- end }}\n"),
        ("a.toml", '[a]\nb = "c"\n'),
        ("a.txt", "def f(:"),
        ("Makefile", "{{{"),
    ],
)
async def test_what_is_valid_passes(path: str, text: str) -> None:
    await check(path, text)


@pytest.mark.parametrize(
    ("path", "text", "problem"),
    [
        ("a.py", "x = 1\nif x\n    y\n", "Python: line 2: expected ':'"),
        ("a.pyi", "def f(", "Python: line 1"),
        ("A.PY", "x = (", "Python: line 1"),
        ("a.py", "x\0", "Python"),
        ("a.py", "(" * 1000, "Python"),
        ("a.json", "{\n  'a': 1}", "JSON: line 2, column 3"),
        ("a.json", "", "JSON: line 1"),
        ("a.json", "[" * 100_000, "JSON: it is nested too deeply"),
        ("a.yaml", "a: 1\n b: 2\n", "YAML: line 2, column"),
        ("a.yaml", "a: \x01", "YAML"),
        ("a.yaml", "- [" * 100_000, "YAML"),
        ("a.toml", "a = 1\na = 2\n", "TOML"),
        ("a.toml", "a = " + "[" * 100_000, "TOML"),
    ],
)
async def test_what_is_not_valid_is_named_with_its_line(path: str, text: str, problem: str) -> None:
    with pytest.raises(ToolError, match=problem):
        await check(path, text)


async def test_a_large_file_is_checked_without_holding_up_others() -> None:
    text = "x = [1, 2, {'a': foo(b, c=3)}]\n" * 20_000
    late = 0.0

    async def beat() -> None:
        nonlocal late
        while True:
            before = time.monotonic()
            await asyncio.sleep(0.01)
            late = max(late, time.monotonic() - before - 0.01)

    heart = asyncio.create_task(beat())
    await check("a.py", text)
    with pytest.raises(ToolError, match="line 20001: invalid syntax"):
        await check("a.py", text + "x = = 1\n")
    heart.cancel()
    assert late < 0.5


@pytest.mark.parametrize(
    ("path", "text"), [("a.yaml", "[" * 300_000), ("a.toml", f"a{'.a' * 150_000}=1")]
)
async def test_what_takes_minutes_to_parse_is_given_up(path: str, text: str) -> None:
    started = time.process_time()
    with pytest.raises(ToolError, match=r"takes too long|nested|did not find"):
        await check(path, text)
    # What another process does is not counted.
    assert time.process_time() - started < 2


def test_numbers_that_are_too_long_are_said() -> None:
    assert "limit" in problem_in("a.toml", f"a = {'1' * 5000}")


@given(ENDINGS, st.text() | st.text(alphabet="[]{}():,'\"\n \t-&*#=a1"))
def test_nothing_makes_a_parser_fail(path: str, text: str) -> None:
    assert isinstance(problem_in(path, text), str)

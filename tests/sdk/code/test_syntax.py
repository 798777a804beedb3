import asyncio
import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codelab.sdk.code.flaws import Flaw
from codelab.sdk.code.syntax import first_flaw, flaw_in

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
    assert await first_flaw(path, text) is None


@pytest.mark.parametrize(
    ("path", "text", "problem"),
    [
        ("a.py", "x = 1\nif x\n    y\n", "line 2, column 5: expected ':'"),
        ("a.pyi", "def f(", "line 1"),
        ("A.PY", "x = (", "line 1"),
        ("a.py", "x\0", ""),
        ("a.py", "(" * 1000, ""),
        ("a.json", "{\n  'a': 1}", "line 2, column 3"),
        ("a.json", "", "line 1"),
        ("a.json", "[" * 100_000, "it is nested too deeply"),
        ("a.yaml", "a: 1\n b: 2\n", "line 2, column"),
        ("a.yaml", "a: \x01", ""),
        ("a.yaml", "- [" * 100_000, ""),
        ("a.toml", "a = 1\na = 2\n", ""),
        ("a.toml", "a = " + "[" * 100_000, ""),
    ],
)
async def test_what_is_not_valid_is_named_with_its_line(path: str, text: str, problem: str) -> None:
    flaw = await first_flaw(path, text)
    assert flaw is not None
    assert str(flaw).startswith(problem)


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
    assert await first_flaw("a.py", text) is None
    found = await first_flaw("a.py", text + "x = = 1\n")
    assert found == Flaw(message="invalid syntax", line=20001, column=5)
    heart.cancel()
    assert late < 0.5


@pytest.mark.parametrize(
    ("path", "text"), [("a.yaml", "[" * 300_000), ("a.toml", f"a{'.a' * 150_000}=1")]
)
async def test_what_takes_minutes_to_parse_is_given_up(path: str, text: str) -> None:
    started = time.process_time()
    flaw = await first_flaw(path, text)
    assert re.search(r"takes too long|nested|did not find", str(flaw))
    # What another process does is not counted.
    assert time.process_time() - started < 2


def test_numbers_that_are_too_long_are_said() -> None:
    assert "limit" in str(flaw_in("a.toml", f"a = {'1' * 5000}"))


@given(ENDINGS, st.text() | st.text(alphabet="[]{}():,'\"\n \t-&*#=a1"))
def test_nothing_makes_a_parser_fail(path: str, text: str) -> None:
    flaw = flaw_in(path, text)
    assert flaw is None or (flaw.line >= 0 and flaw.column >= 0 and flaw.message)

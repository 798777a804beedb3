"""What is read without a doubt is what bash runs, word by word."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from codelab.hitl.commands.shell import parse
from tests.hitl.commands.bash_oracle import BASH, mismatches, run_in_bash
from tests.hitl.commands.shell_texts import hard_texts

pytestmark = pytest.mark.skipif(not Path(BASH).exists(), reason="There is no bash here.")


def check(texts: list[str], folder: Path) -> None:
    lines = {text: line for text in texts if not (line := parse(text)).doubt}
    assert mismatches(lines, lines.values(), folder) == []


@settings(
    max_examples=25,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(texts=st.lists(hard_texts, min_size=10, max_size=80))
def test_bash_runs_what_was_read(texts: list[str], tmp_path: Path) -> None:
    check(texts, tmp_path)


def test_bash_runs_what_was_read_in_the_cases_that_once_were_hard(tmp_path: Path) -> None:
    check(
        [
            *("qa;qb", "qa\nqb", "qa &qb", "qa&&qb||zz", "qa||qb&&zz", "qa|qb|&zz", "qa &&\n\n qb"),
            *("q\\\na", '"q\\\na"', "'q\\\na'", "qa ''", "qa ''\"\"", "qa \\\n", "qa a\\\n\n"),
            *("qa '\n'", 'qa "\\a\\$"', "qa HEAD^", "qa =b", "qa b=c", "qa %1", "qa if", "qa +x"),
            *("qa time", "qa é日", "\n\nqa\n\n", "qa;\nqb", "qa&\nqb\n", "qa in do"),
        ],
        tmp_path,
    )


def test_the_judge_sees_what_differs(tmp_path: Path) -> None:
    worked, failed = run_in_bash(["qa 'b c' && qb || zz | qc", "time qa"], tmp_path)[0]
    assert set(worked) == {("qa", "b c"), ("qb",)}
    assert set(failed) == {("qa", "b c"), ("zz",), ("qc",)}
    assert mismatches(["qa * b"], [parse("qa '*'")], tmp_path) != []

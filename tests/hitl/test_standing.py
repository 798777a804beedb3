"""The rule that "always" makes: this call and no other, and none where a human is always asked."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codelab.hitl.errors import RuleInvalid
from codelab.hitl.policy import Decision, Subject, decide
from codelab.hitl.standing import rule_for


def command(text: str) -> Subject:
    return Subject(tool="execute_command", protected=True, command=text)


def writes(*paths: str) -> Subject:
    return Subject(tool="write_file", protected=True, paths=paths)


@pytest.mark.parametrize(
    ("given_", "other"),
    [
        (command("pytest -q"), command("pytest -q tests")),
        (command("pytest -q"), command("pytest -x")),
        (command("npm test && git status"), command("npm test")),
        (command("timeout 5 make"), command("make")),
        (command("sudo make"), command("make")),
        (command("grep 'a*b' f"), command("grep 'aXb' f")),
        (writes("a.txt"), writes("docs/a.txt")),
        (writes("a.txt"), writes("a.txt", "b.txt")),
        (writes("a[1].txt"), writes("a1.txt")),
        (writes("docs/*"), writes("docs/b")),
    ],
)
def test_it_allows_the_same_and_nothing_else(given_: Subject, other: Subject) -> None:
    rule = rule_for(given_)
    assert decide((rule,), given_).decision is Decision.ALLOW
    assert decide((rule,), other).decision is Decision.ASK


@pytest.mark.parametrize("text", ["make > log", "rm $X", "ls; cat $(x)", "echo 'open", "cat *"])
def test_what_is_asked_every_time_is_refused_with_the_reason(text: str) -> None:
    with pytest.raises(RuleInvalid) as refused:
        rule_for(command(text))
    assert "asked every time" in refused.value.message
    assert refused.value.field == "always"


@given(st.text(alphabet="ab/[]*?!.-", min_size=1, max_size=12))
def test_no_path_makes_a_rule_for_another_one(path: str) -> None:
    try:
        rule = rule_for(writes(path))
    except RuleInvalid:
        return
    assert decide((rule,), writes(f"{path}x")).decision is Decision.ASK
    assert decide((rule,), writes(f"x/{path}")).decision is Decision.ASK

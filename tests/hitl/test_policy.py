from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codelab.hitl.errors import PolicyInvalid
from codelab.hitl.policy import Decision, Rule, Subject, decide, is_plain
from codelab.hitl.policy_file import read_rules

ALLOW, ASK, DENY = Decision.ALLOW, Decision.ASK, Decision.DENY

words = st.sampled_from(["ls", "git", "status", "-la", "a b", "src", "rm", "--all"])
paths = st.sampled_from(["a.py", "src/b.py", ".env", "docs/c.md", "../d", "src/../.env"])
rules = st.builds(
    Rule,
    decision=st.sampled_from(Decision),
    tool=st.sampled_from(["*", "write_file", "execute_command", "read_*"]),
    paths=st.lists(st.sampled_from(["*.py", "src/*", ".env"]), max_size=2).map(tuple),
    commands=st.lists(st.sampled_from(["git *", "ls*", "*"]), max_size=1).map(tuple),
)
subjects = st.builds(
    Subject,
    tool=st.sampled_from(["write_file", "read_file", "execute_command"]),
    protected=st.booleans(),
    paths=st.lists(paths, max_size=2).map(tuple),
    command=st.none() | st.lists(words, min_size=1, max_size=3).map(" ".join),
)


def verdict(subject: Subject, *chosen: Rule) -> Decision:
    return decide(chosen, subject).decision


@given(subject=subjects)
def test_without_rules_the_tool_decides(subject: Subject) -> None:
    assert verdict(subject) is (ASK if subject.protected else ALLOW)


@given(chosen=st.lists(rules, max_size=6), subject=subjects, data=st.data())
def test_the_order_of_the_rules_does_not_matter(
    chosen: list[Rule], subject: Subject, data: st.DataObject
) -> None:
    shuffled = data.draw(st.permutations(chosen))
    assert verdict(subject, *chosen) is verdict(subject, *shuffled)


@given(chosen=st.lists(rules, max_size=6), extra=rules, subject=subjects)
def test_a_further_rule_moves_a_decision_only_in_its_own_direction(
    chosen: list[Rule], extra: Rule, subject: Subject
) -> None:
    before, after = verdict(subject, *chosen), verdict(subject, *chosen, extra)
    if before is not after:
        assert after is extra.decision
        assert before is not DENY
        assert not (extra.decision is ALLOW and before is ASK and not subject.protected)


@given(chosen=st.lists(rules, max_size=6), subject=subjects)
def test_what_is_denied_once_is_denied(chosen: list[Rule], subject: Subject) -> None:
    assert verdict(subject, *chosen, Rule(decision=DENY)) is DENY
    assert verdict(subject, *chosen, Rule(decision=ASK)) in (ASK, DENY)


def test_the_reason_of_the_deciding_rule_is_told() -> None:
    rule = Rule(decision=DENY, tool="delete_file", reason="Nothing is deleted here.")
    subject = Subject(tool="delete_file", protected=True)
    assert decide([Rule(decision=ALLOW), rule], subject).reason == "Nothing is deleted here."


@pytest.mark.parametrize(
    ("patterns", "touched", "expected"),
    [
        (("docs/*",), ("docs/a.md",), ALLOW),
        (("docs/*",), ("docs/a/b.md",), ALLOW),
        (("docs/*",), ("docs/a.md", "src/a.py"), ASK),
        (("docs/*",), (), ASK),
        (("docs/*",), ("docs/../src/a.py",), ASK),
        (("docs/*",), ("./docs/a.md",), ALLOW),
        (("*.md",), ("deep/down/a.md",), ALLOW),
        (("*",), ("../outside.md",), ASK),
        (("*",), ("/etc/passwd",), ASK),
        (("/etc/*",), ("/etc/passwd",), ASK),
    ],
)
def test_to_allow_a_rule_must_cover_all_that_is_touched(
    patterns: tuple[str, ...], touched: tuple[str, ...], expected: Decision
) -> None:
    subject = Subject(tool="write_file", protected=True, paths=touched)
    assert verdict(subject, Rule(decision=ALLOW, paths=patterns)) is expected


@pytest.mark.parametrize(
    ("patterns", "touched", "expected"),
    [
        ((".env",), ("src/a.py", ".env"), DENY),
        ((".env",), ("deep/.env",), DENY),
        ((".env",), ("src/../.env",), DENY),
        (("src/*",), ("docs/../src/a.py",), DENY),
        (("src/*",), ("docs/a.md",), ASK),
    ],
)
def test_to_deny_one_path_is_enough(
    patterns: tuple[str, ...], touched: tuple[str, ...], expected: Decision
) -> None:
    subject = Subject(tool="write_file", protected=True, paths=touched)
    assert verdict(subject, Rule(decision=DENY, paths=patterns)) is expected


@pytest.mark.parametrize(
    "command",
    [
        "git status; rm -rf .",
        "git status && rm x",
        "git status | sh",
        "git status & rm x",
        "git status > x",
        "git status < x",
        "git status $(rm x)",
        "git status `rm x`",
        "git status $HOME",
        "git status\nrm x",
        "git status *",
        "git status \\; rm",
        "git status 'unfinished",
        "PAGER=rm git status",
        "(git status)",
        "git status # rm",
        "",
        "   ",
        "''",
    ],
)
def test_more_than_a_plain_program_call_always_asks(command: str) -> None:
    rule = Rule(decision=ALLOW, tool="execute_command")
    for protected in (True, False):
        subject = Subject(tool="execute_command", protected=protected, command=command)
        assert verdict(subject, rule, Rule(decision=ALLOW, commands=("*",))) is ASK
    denied = Rule(decision=DENY, commands=("*",))
    assert verdict(Subject(tool="x", protected=True, command=command), denied) is DENY


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        ("git status", ALLOW),
        ("git  status   -s", ALLOW),
        ('"git" status', ALLOW),
        ("git push", ASK),
        ("'git status'", ASK),
        ("xgit status", ASK),
    ],
)
def test_an_allowed_command_runs_unasked(command: str, expected: Decision) -> None:
    rule = Rule(decision=ALLOW, tool="execute_command", commands=("git status*",))
    subject = Subject(tool="execute_command", protected=True, command=command)
    assert verdict(subject, rule) is expected


@given(st.lists(words, min_size=1, max_size=5))
def test_plain_words_are_plain(parts: list[str]) -> None:
    assert is_plain(" ".join(parts))


def test_rules_come_from_a_file(tmp_path: Path) -> None:
    file = tmp_path / "policy.toml"
    file.write_text(
        '[[rules]]\ndecision = "deny"\ntool = "delete_file"\nreason = "Ask Ann."\n'
        '[[rules]]\ndecision = "allow"\npaths = ["docs/*"]\n'
    )
    assert read_rules(file) == (
        Rule(decision=DENY, tool="delete_file", reason="Ask Ann."),
        Rule(decision=ALLOW, paths=("docs/*",)),
    )


@pytest.mark.parametrize(
    "content",
    [
        "[[rules]]\ndecision = 'perhaps'\n",
        "[[rules]]\ndecision = 'deny'\npath = 'misspelled'\n",
        "[[rules]]\ntool = 'no decision'\n",
        "not toml",
        "rules = 3",
    ],
)
def test_a_wrong_file_says_so(tmp_path: Path, content: str) -> None:
    file = tmp_path / "policy.toml"
    file.write_text(content)
    with pytest.raises(PolicyInvalid, match=r"policy\.toml is not right"):
        read_rules(file)
    with pytest.raises(PolicyInvalid, match="cannot be read"):
        read_rules(tmp_path / "missing.toml")

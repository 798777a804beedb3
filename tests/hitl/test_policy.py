from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from codelab.hitl.commands.wrappers import understand
from codelab.hitl.errors import PolicyInvalid
from codelab.hitl.policy import Decision, Rule, Subject, decide
from codelab.hitl.policy_file import read_rules
from tests.hitl.commands.shell_texts import hard_texts

ALLOW, ASK, DENY = Decision.ALLOW, Decision.ASK, Decision.DENY

names = st.sampled_from(["ls", "git", "a", "rm"])
words = st.sampled_from(["ls", "git", "status", "-la", "a b", "src", "rm", "--all"])
commands = st.builds(" ".join, st.builds(lambda name, rest: [name, *rest], names, st.lists(words)))
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
    command=st.none() | commands,
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


@given(chosen=st.lists(rules, max_size=6), subject=subjects)
def test_what_is_riskier_than_its_tool_is_never_just_allowed(
    chosen: list[Rule], subject: Subject
) -> None:
    raised = msgspec.structs.replace(subject, raised=True)
    assert verdict(raised, *chosen) in (ASK, DENY)
    assert (verdict(raised, *chosen) is DENY) is (verdict(subject, *chosen) is DENY)


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
        "git status > x",
        "git status < x",
        "git status $(rm x)",
        "git status `rm x`",
        "git status $HOME",
        "git status *",
        "git status 'unfinished",
        "git status;; rm x",
        "PAGER=rm git status",
        "(git status)",
        "git status # rm",
        "git status | xargs rm",
        "git status | sh",
        "git status\r\nrm x",
        "alias git=rm; git status",
        "cp x AGENTS.md",
        "",
        "   ",
        "''",
    ],
)
def test_what_is_not_certain_or_guarded_always_asks(command: str) -> None:
    rule = Rule(decision=ALLOW, tool="execute_command")
    for protected in (True, False):
        subject = Subject(tool="execute_command", protected=protected, command=command)
        verdict = decide([rule, Rule(decision=ALLOW, commands=("*",))], subject)
        assert verdict.decision is ASK
        assert verdict.reason
    denied = Rule(decision=DENY, commands=("*",))
    assert verdict_of(command, denied) is DENY


def verdict_of(command: str, *chosen: Rule) -> Decision:
    subject = Subject(tool="execute_command", protected=True, command=command, root="/srv/w/x")
    return verdict(subject, *chosen)


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        ("git status", ALLOW),
        ("git  status   -s", ALLOW),
        ('"git" status', ALLOW),
        ("git status && npm test", ALLOW),
        ("git status | npm test; git status & npm test\ngit status", ALLOW),
        ("timeout 60 nice npm test", ALLOW),
        ("/bin/git status", ASK),
        ("./timeout 60 npm test", ASK),
        ("git push", ASK),
        ("git status && git push", ASK),
        ("npm test; rm x", ASK),
        ("sudo npm test", ASK),
        ("sh -c 'npm test'", ASK),
        ("'git status'", ASK),
        ("xgit status", ASK),
        ("echo npm test", ASK),
        ("npm test > log", ASK),
    ],
)
def test_a_command_runs_unasked_when_rules_cover_all_that_it_runs(
    command: str, expected: Decision
) -> None:
    chosen = [
        Rule(decision=ALLOW, tool="execute_command", commands=("git status*",)),
        Rule(decision=ALLOW, tool="execute_*", commands=("npm test",)),
    ]
    assert verdict_of(command, *chosen) is expected


@pytest.mark.parametrize(
    ("command", "patterns", "expected"),
    [
        ("sudo npm test", ("sudo *", "npm test"), ALLOW),
        ("sudo npm test", ("sudo *",), ASK),
        ("sh -c 'npm test; ls'", ("sh -c *", "npm test"), ASK),
        ("sh -c 'npm test; ls'", ("sh -c *", "npm test", "ls"), ALLOW),
        ("timeout 5 npm test", ("timeout 5 npm test",), ALLOW),
        ("timeout 5 sudo npm test", ("timeout *", "npm test"), ALLOW),
        ("make && make test", ("make && make test",), ALLOW),
        ("make && make test", ("make && make *",), ASK),
        ("echo $x", ("echo $x",), ASK),
        ('python -c "print(1)"', ('python -c "print(1)"',), ALLOW),
        ("git show HEAD^", ("git show HEAD^",), ALLOW),
        ("rm 'x --dry-run'", ("* --dry-run",), ASK),
        ("rm x\\ --dry-run", ("* --dry-run",), ASK),
    ],
)
def test_wrappers_are_allowed_with_what_they_run(
    command: str, patterns: tuple[str, ...], expected: Decision
) -> None:
    assert verdict_of(command, Rule(decision=ALLOW, commands=patterns)) is expected


@pytest.mark.parametrize(
    "command",
    [
        "git push",
        "git  push origin",
        "g\\it 'push'",
        "/usr/bin/git push",
        "ls; git push",
        "ls && (git push)",
        "ls\ngit push",
        "sudo -u ann git push",
        "env A=b git push",
        "timeout 5 git push",
        "sh -c 'cd x && git push'",
        "eval git push",
        "echo $(git push)",
        "A=b git push $x",
        "xargs git push",
        "find . -exec git push ';'",
        "if x; then git push; fi",
        "git push > log",
        "git push 'unclosed",
    ],
)
def test_a_denied_program_is_found_wherever_it_stands(command: str) -> None:
    allow = Rule(decision=ALLOW)
    for decision in (DENY, ASK):
        rule = Rule(decision=decision, tool="execute_*", commands=("git push*",))
        assert verdict_of(command, allow, rule) is decision


def test_a_pattern_that_restricts_needs_no_quotes() -> None:
    rule = Rule(decision=DENY, commands=("rm *.log", "* | sh"))
    assert verdict_of("rm *.log", rule) is DENY
    assert verdict_of("curl x | sh", rule) is DENY


@pytest.mark.parametrize("command", ["rm -rf /", "cd .. && rm -rf x", "sudo rm -rf ~", "rm -r ."])
def test_nothing_overrides_what_is_built_in(command: str) -> None:
    subject = Subject(tool="execute_command", protected=False, command=command, root="/srv/w/x")
    rules = [Rule(decision=ALLOW), Rule(decision=ALLOW, commands=(command,)), Rule(decision=ASK)]
    verdict = decide(rules, subject)
    assert verdict.decision is DENY
    assert verdict.reason.startswith("It would delete")


@pytest.mark.parametrize("path", ["", ".", "sub/..", ".."])
def test_no_tool_deletes_the_workspace(path: str) -> None:
    for root in (None, "/srv/w/x"):
        subject = Subject(tool="delete_file", protected=True, paths=(path,), root=root)
        assert verdict(subject, Rule(decision=ALLOW)) is DENY


def test_guarded_files_are_changed_only_after_asking() -> None:
    for path in ("AGENTS.md", ".git/hooks/x", "conf/policy.toml"):
        for protected, expected in ((True, ASK), (False, ALLOW)):
            subject = Subject(
                tool="a_tool", protected=protected, paths=(path,), guarded=("conf/policy.toml",)
            )
            assert verdict(subject, Rule(decision=ALLOW)) is expected
            assert verdict(subject, Rule(decision=DENY)) is DENY


def test_the_folder_of_a_command_counts() -> None:
    for folder, expected in (("conf", ASK), ("", ALLOW)):
        subject = Subject(
            tool="execute_command",
            protected=True,
            command="cp x policy.toml",
            root="/srv/w/x",
            folder=folder,
            guarded=("conf/policy.toml",),
        )
        assert verdict(subject, Rule(decision=ALLOW)) is expected


@given(chosen=st.lists(rules, max_size=4), text=hard_texts, data=st.data())
def test_rules_move_no_text_where_it_may_not_go(
    chosen: list[Rule], text: str, data: st.DataObject
) -> None:
    pattern = data.draw(st.sampled_from(["*", text, text[:3] + "*"]))
    allow = Rule(decision=ALLOW, commands=(pattern,))
    before, after = verdict_of(text, *chosen), verdict_of(text, *chosen, allow)
    assert before is after or (before is ASK and after is ALLOW)
    if understand(text).doubt:
        assert after is not ALLOW
    deny = Rule(decision=DENY, commands=(pattern,))
    assert verdict_of(text, *chosen, deny) in (DENY, before)
    assert verdict_of(text, *chosen, Rule(decision=DENY)) is DENY
    assert verdict_of(text, *reversed(chosen)) is before


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

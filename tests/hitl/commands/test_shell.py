import shlex

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codelab.hitl.commands.shell import Line, Program, parse
from tests.hitl.commands.shell_texts import hard_texts, plain_texts


def words(program: Program) -> list[str]:
    return [word.text for word in program.words]


def programs(text: str) -> list[list[str]]:
    return [words(program) for program in parse(text).programs]


def everything(line: Line) -> list[list[str]]:
    found = []
    for program in line.programs:
        found += everything(Line(program.inside))
        found.append(words(program))
    return found


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("git status", [["git", "status"]]),
        ("  git\t status  ", [["git", "status"]]),
        ("a; b", [["a"], ["b"]]),
        ("a;b;", [["a"], ["b"]]),
        ("a && b || c", [["a"], ["b"], ["c"]]),
        ("a | b |& c", [["a"], ["b"], ["c"]]),
        ("a & b &", [["a"], ["b"]]),
        ("a\nb\n\nc", [["a"], ["b"], ["c"]]),
        ("\n\na &&\n\n b", [["a"], ["b"]]),
        ("a &\nb", [["a"], ["b"]]),
        ("r\\m x", [["rm", "x"]]),
        ("r'm' x", [["rm", "x"]]),
        ('"r"m x', [["rm", "x"]]),
        ("r\\\nm x", [["rm", "x"]]),
        ('"r\\\nm" x', [["rm", "x"]]),
        ("a ''", [["a", ""]]),
        ("a ''\"\"", [["a", ""]]),
        ("a 'b;c' \"d && e\" f\\;g", [["a", "b;c", "d && e", "f;g"]]),
        ("a '$x' '`b`' '\\'", [["a", "$x", "`b`", "\\"]]),
        ('a "\\$x \\`b\\` \\" \\\\ \\n"', [["a", '$x `b` " \\ \\n']]),
        ("a '*' \"?\" \\* '~' '{b,c}' '#' '!'", [["a", "*", "?", "*", "~", "{b,c}", "#", "!"]]),
        ("a 'two\nlines'", [["a", "two\nlines"]]),
        ("a b=c", [["a", "b=c"]]),
        ("é 日", [["é", "日"]]),
        ("a HEAD^ x@y %b", [["a", "HEAD^", "x@y", "%b"]]),
    ],
)
def test_plain_lines_are_read_exactly(text: str, expected: list[list[str]]) -> None:
    assert parse(text).doubt == ""
    assert programs(text) == expected


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("a $x", "expansion"),
        ('a "$x"', "expansion"),
        ("a$IFS-b", "expansion"),
        ("a $(b)", "expansion"),
        ('a "`b`"', "expansion"),
        ("a $'b'", "expansion"),
        ('a $"b"', "expansion"),
        ("a $", "expansion"),
        ("a *.py", "wildcard"),
        ("a ?", "wildcard"),
        ("a [b]", "wildcard"),
        ("a {b,c}", "braces"),
        ("a ~", "tilde"),
        ("a b=~/c", "tilde"),
        ("a > b", "redirection"),
        ("a >| b", "redirection"),
        ("a <<< b", "redirection"),
        ("a << b", "redirection"),
        ("a 2>&1", "redirection"),
        ("a &> b", "redirection"),
        ("a < b", "redirection"),
        ("(a)", "parentheses"),
        ("a() { b; }", "parentheses"),
        ("{ a; }", "braces"),
        ("if a; then b; fi", "keyword if"),
        ("function a", "keyword function"),
        ("'if' a", "keyword if"),
        ("time a", "keyword time"),
        ("a && ! b", "exclamation"),
        ("a; [[ b ]]", "wildcard"),
        ("coproc a", "keyword coproc"),
        ("a !!", "exclamation"),
        ("a # b", "hash"),
        ("a b#c", "hash"),
        ("x=y a", "variable"),
        ("x=y", "variable"),
        ("x+=y a", "variable"),
        ("a; x=y b", "variable"),
        ("a 'b", "quote"),
        ('a "b', "quote"),
        ('a "b\\"', "quote"),
        ("a \\", "backslash"),
        ("a\r\nb", "invisible"),
        ("a\x00b", "invisible"),
        ("a\x1bb", "invisible"),
        ("a '\x7f'", "invisible"),
        ("a\u200bb", "invisible"),
        ("a\u00a0b", "invisible"),
        ("a\u3000b", "invisible"),
        ("a \u202eb", "invisible"),
        ("a\ud800", "invisible"),
        ("", "no program"),
        ("   ", "no program"),
        ("\n", "no program"),
        ("''", "no name"),
        ("a; '' b", "no name"),
        ("%1", "job"),
        ("-x a", "option"),
        ("; a", "before"),
        ("a ;; b", "before"),
        ("a ;& b", "before"),
        ("a & & b", "before"),
        ("a & && b", "before"),
        ("a\n&& b", "before"),
        ("a &\\\n& b", "before"),
        ("a &&", "after"),
        ("a |\n", "after"),
        ("a " * 40_000, "too long"),
    ],
)
def test_what_is_not_plain_raises_a_doubt(text: str, reason: str) -> None:
    assert reason in parse(text).doubt


@pytest.mark.parametrize(
    "text",
    [
        "echo $(rm x)",
        'echo "$(rm x)"',
        'echo "a$(echo "b$(rm x)")"',
        "echo `rm x`",
        "echo `echo \\`rm x\\``",
        "echo ${y:-$(rm x)}",
        "$(rm x)",
        "(rm x)",
        "(cd y; rm x)",
        "{ rm x; }",
        "if true; then rm x; fi",
        "for y in z; do rm x; done",
        "while rm x; do true; done",
        "until ! rm x; do true; done",
        "case y in z) rm x;; esac",
        "f() { rm x; }",
        "function f { rm x; }",
        "coproc rm x",
        "time ! rm x",
        "> y rm x",
        "rm 2>/dev/null x",
        "rm x &> y",
        "cat <(rm x)",
        "cat > $(rm x)",
        "true; ;; rm x",
        "rm x \\",
        "$'r\\x6d' x",
        "$'\\162m' x",
        '$"rm" x',
        "true # y\nrm x",
        "cat << y\nrm x\ny",
        "\u200b; rm x",
        "rm x " + "; true" * 20_000,
    ],
)
def test_a_doubtful_line_still_shows_its_programs(text: str) -> None:
    line = parse(text)
    assert line.doubt
    found = everything(line)
    assert any(one[:2] in (["rm", "x"], ["rm", "x\\"]) for one in found), found


def test_an_expansion_stays_as_it_is_written() -> None:
    (program,) = parse('git push "$(cat x)" --force ${y}').programs
    assert words(program) == ["git", "push", "$(cat x)", "--force", "${y}"]
    assert [word.live for word in program.words] == [False, False, True, False, True]


def test_only_what_the_shell_would_expand_is_live() -> None:
    (program,) = parse("rm '*' \\* \"*\" * '$x' \"$x\" ~").programs
    assert [word.live for word in program.words[1:]] == [False] * 3 + [True, False, True, True]


@pytest.mark.parametrize("piece", ["$(", "${", "`", "(", "{", '"$(', "x=", "<<"])
def test_what_is_nested_deeply_is_not_followed_forever(piece: str) -> None:
    assert parse(piece * 30_000).doubt
    assert parse(piece * 15_000 + ")}" * 15_000).doubt


@given(st.text() | hard_texts)
def test_any_text_can_be_read(text: str) -> None:
    line = parse(text)
    assert line.doubt or line.programs


@given(plain_texts)
def test_what_is_certain_reads_the_same_again(text: str) -> None:
    line = parse(text)
    if line.doubt:
        return
    again = " ".join(f"{program.joined} {shlex.join(words(program))}" for program in line.programs)
    assert programs(again.lstrip()) == programs(text)
    assert not any(word.live for program in line.programs for word in program.words)

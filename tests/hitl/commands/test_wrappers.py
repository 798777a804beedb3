from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codelab.hitl.commands.wrappers import Step, understand
from tests.hitl.commands.shell_texts import hard_texts

WRAPPERS = [
    "sudo",
    "env",
    "env A=b",
    "timeout 5",
    "nice",
    "eval",
    "sh -c",
    "xargs",
    "watch",
    "find",
]


def layers(steps: Iterable[Step]) -> list[str]:
    found = []
    for step in steps:
        found += layers(step.before)
        found.append(" ".join(word.text for word in step.words))
        found += layers(step.inner)
    return found


@pytest.mark.parametrize(
    "text",
    [
        "timeout 5 rm x",
        "timeout -k 3 -s KILL --foreground 5 rm x",
        "timeout -sKILL --kill-after=3 5 rm x",
        "nice rm x",
        "nice -n 5 rm x",
        "nice -5 rm x",
        "nohup rm x",
        "stdbuf -oL -e 0 rm x",
        "ionice -c 3 rm x",
        "setsid -w rm x",
        "command rm x",
        "command -p -- rm x",
        "env rm x",
        "timeout 5 nice nohup rm x",
    ],
)
def test_transparent_programs_are_seen_through(text: str) -> None:
    command = understand(text)
    assert command.doubt == ""
    assert layers(command.steps)[-1] == "rm x"
    step = command.steps[0]
    while step.inner:
        assert step.is_transparent
        step = step.inner[0]


@pytest.mark.parametrize(
    "text",
    [
        "sudo rm x",
        "sudo -u ann -n rm x",
        "sudo A=b rm x",
        "doas -u ann rm x",
        "env A=b rm x",
        "env -u A -C y rm x",
        "env -i A=b C=d rm x",
        "exec -a y rm x",
        "builtin rm x",
        "busybox rm x",
        "flock y rm x",
        "flock -w 3 y -c 'rm x'",
        "watch -n 2 rm x",
        "sh -c 'rm x'",
        "bash -lc 'rm x'",
        "bash -xec 'true; rm x'",
        "bash -euo pipefail -c 'rm x' y z",
        "bash -c -e 'rm x'",
        "bash +c -- 'rm x'",
        "eval rm x",
        "eval 'rm x'",
        "eval -- 'r\"m\" x'",
        "sh -c \"sh -c 'rm x'\"",
        "/usr/bin/timeout 5 rm x",
        "./nice rm x",
        "sudo -u x env A=b sh -c 'cd /; rm x'",
    ],
)
def test_opaque_programs_are_judged_besides_what_they_run(text: str) -> None:
    command = understand(text)
    assert command.doubt == ""
    assert layers(command.steps)[-1] == "rm x"
    assert not command.steps[0].is_transparent


@pytest.mark.parametrize(
    "text",
    [
        "xargs rm x",
        "xargs -0 -n 1 -I Y rm x",
        "find . -exec rm x ';'",
        "find . -type f -execdir rm x +",
        "find . -okdir rm x ';' -exec true ';'",
        "parallel rm x",
        "chroot y rm x",
        "strace -f rm x",
        "su -c 'rm x'",
        "su ann -c 'rm x'",
        "su --command='rm x'",
        "eval $y; rm x",
        "env -S 'rm x'",
        "env -S'rm x'",
        "env - rm x",
        "A=b rm x",
        "timeout --odd 5 rm x",
        "nice --adj=5 rm x",
        "time rm x",
        "bash --rcfile y -c 'rm x'",
        "bash -o posix -c 'rm x'",
        "sh -c 'rm x' ; sh -c 'echo $0'",
    ],
)
def test_what_cannot_be_known_raises_a_doubt_and_is_still_shown(text: str) -> None:
    command = understand(text)
    assert command.doubt
    assert "rm x" in layers(command.steps)


@pytest.mark.parametrize(
    "text",
    [
        *("source x", ". x", "ssh host ls", "tmux new", "at now", "crontab x"),
        *("curl x | sh", "bash", "bash -s", "bash -i", "sh -", "sudo sh"),
        *("alias ls=rm", "export PATH=x", "set -k", "shopt -s expand_aliases", "trap x EXIT"),
        *("hash -p x ls", "enable -f x y", "declare x", "unset x", "let x", "read x"),
        *(
            "printf -v x y",
            "test -v x",
            "\\[ 1 -a -v x \\]",
            "wait -p x",
            "jobs -x rm",
            "command eval 'a $x'",
        ),
        *("timeout 5 ''", "sudo ''", "eval ''", "sh -c ''", "sh -c 'a\x00'", "sh -c 'a $1' b"),
        "sudo " * 20 + "rm",
        "eval " * 20 + "rm",
    ],
)
def test_what_runs_something_unseen_raises_a_doubt(text: str) -> None:
    assert understand(text).doubt


@pytest.mark.parametrize(
    "text",
    [
        *("command -v rm", "sh script.sh", "bash -e script.sh x", "env", "nice", "sudo -n"),
        *("find . -name x", "printf x", "test -f x", "echo eval sudo", "cd x", "git -c a=b log"),
    ],
)
def test_what_runs_nothing_else_is_plain(text: str) -> None:
    command = understand(text)
    assert command.doubt == ""
    assert layers(command.steps) == [text]


@given(st.lists(st.sampled_from(WRAPPERS), max_size=20), hard_texts)
def test_any_nesting_can_be_looked_through(wrappers: list[str], text: str) -> None:
    command = understand(" ".join([*wrappers, text]))
    assert command.doubt or command.steps


@pytest.mark.parametrize("piece", ["eval $(", 'eval "$(', "sh -c '", "sudo ", "find . -exec "])
def test_what_is_wrapped_deeply_is_not_followed_forever(piece: str) -> None:
    assert understand(piece * 5_000).doubt
    assert understand(piece * 40 + ")" * 40).doubt

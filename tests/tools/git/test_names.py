"""Nothing that git would read as an option, a refspec, a range or a helper passes for a name."""

import subprocess
from collections.abc import Callable

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from codelab.sdk import ToolError
from codelab.tools.builtin.git.names import branch_name, remote_address, remote_name, revision

PIECES = [
    "-",
    "--upload-pack=x",
    ":",
    "..",
    "...",
    "@{",
    "@",
    "/",
    "//",
    ".",
    ".lock",
    "^",
    "~",
    "+",
]
TEXTS = st.one_of(
    st.text(max_size=30),
    st.lists(
        st.one_of(st.sampled_from([*PIECES, "HEAD", "refs/heads/", "\0", "\n", " ", "\u202e", "*"]),
                  st.text("abc019-_./#", max_size=4)),
        max_size=6,
    ).map("".join),
)  # fmt: skip
HOSTILE = [
    *("", "-", "-d", "--force", "--upload-pack=touch x", "+main", "main:other", ":main", "a:b:c"),
    *("main..other", "main...other", "^main", "a b", "a\0b", "a\nb", "a\x1b[2J", "a\u202eb", "@"),
    *("@{-1}", "main@{1}", "a//b", "/a", "a/", ".a", "a/.b", "a.lock", "a/-b", "a.", "a\\b", "a*"),
    *("refs/heads/main", "HEAD", "a" * 40, "0" * 64, "x" * 201, "\ud800", "a?b", "a[b", "a~b"),
]


def accepted(check: Callable[[str], object], text: str) -> bool:
    try:
        check(text)
    except ToolError:
        return False
    return True


@pytest.mark.parametrize("text", HOSTILE)
def test_what_is_no_branch(text: str) -> None:
    with pytest.raises(ToolError, match="no name of a branch"):
        branch_name(text)


@pytest.mark.parametrize("text", ["main", "feature/#12-x", "ann@home", "ветка", "v1.2", "a+b", "_"])
def test_what_is_a_branch(text: str) -> None:
    assert branch_name(text) == text


@given(TEXTS)
@example("a/.b")
def test_a_branch_is_always_one_plain_word(text: str) -> None:
    if not accepted(branch_name, text):
        return
    assert not text.startswith(("-", "+", "^", ":"))
    assert not set(text) & set(":~^?*[\\ \0\n\t")
    assert ".." not in text and "@{" not in text
    assert text.isprintable()
    assert f"refs/heads/{text}".split("refs/heads/", 1)[1] == text


# Each name is a process.
@settings(max_examples=30)
@given(st.lists(TEXTS, min_size=20, max_size=60))
def test_git_takes_every_name_that_passes(texts: list[str]) -> None:
    names = [text for text in texts if accepted(branch_name, text)][:3]
    for name in names:
        done = subprocess.run(["git", "check-ref-format", "--branch", name], capture_output=True)
        assert done.returncode == 0, name


@pytest.mark.parametrize(
    "text", ["HEAD", "HEAD~3", "main^", "main^2~1", "v1.0", "abc1234", "origin/main", "a" * 40]
)
def test_what_names_a_commit(text: str) -> None:
    name, steps = revision(text)
    assert name + steps == text


@given(TEXTS)
@example("main..HEAD")
@example("main:path")
@example("-x~1")
def test_what_names_a_commit_is_a_name_and_steps_back(text: str) -> None:
    try:
        name, steps = revision(text)
    except ToolError:
        return
    assert name + steps == text
    assert not set(steps) - set("~^0123456789")
    assert name in ("HEAD",) or not set(name) & set(":~^?*[\\ \0\n")
    assert ".." not in text and not text.startswith("-")


@given(TEXTS)
def test_a_remote_is_one_plain_word(text: str) -> None:
    if accepted(remote_name, text):
        assert text[0] not in "-." and not set(text) & set("/:@ \\\0\n")


@pytest.mark.parametrize(
    "text",
    [
        *("ext::sh -c evil", "file:///etc", "/etc", "../x", "ssh://host/x", "git@host:x", "-x", ""),
        *("http://ann:secret@host/x", "https://token@host/x", "http:///x", "http://h:99999/x"),
        *("http://host/a b", "http://host/\0", "http://host/\u202e", "ftp://host/x", "git://h/x"),
        *("HTTP", "https:host/x", "http::https://host/x", "http://[::1/x", "http://h:0/x"),
    ],
)
def test_addresses_that_are_not_reached(text: str) -> None:
    with pytest.raises(ToolError) as caught:
        remote_address(text)
    assert "secret" not in str(caught.value)


def test_addresses_that_are_reached() -> None:
    for text in ("https://git.example.com/a/b.git", "http://127.0.0.1:3000/x", "https://[::1]/x"):
        assert remote_address(text) == text

from pathlib import PurePosixPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codelab.workspace.errors import PathRefused
from codelab.workspace.names import ROOT, clean, joined, prefixes

HOSTILE = [
    "",
    "/",
    "/etc/passwd",
    "//etc/passwd",
    "..",
    "../outside.txt",
    "a/../../outside.txt",
    "a/..",
    "./..",
    "~",
    "~/.ssh/id_rsa",
    "a\x00b",
    "a\nb",
    "\u202eexe.txt",
    "zero\u200bwidth",
    "..\\outside.txt",
    "a\\b",
    "C:/Windows",
    "%2e%2e/outside.txt",
    "..%2foutside.txt",
    "%2E%2E%2Foutside.txt",
    "a%00b",
    "half\ud800",
    "x" * 256,
    "я" * 128,
    "a/" * 2001,
]


@pytest.mark.parametrize("path", HOSTILE)
def test_a_hostile_path_is_refused(path: str) -> None:
    with pytest.raises(PathRefused):
        clean(path)


@pytest.mark.parametrize(
    ("path", "plain"),
    [
        (".", "."),
        ("./", "."),
        ("a", "a"),
        ("./a//b/", "a/b"),
        ("a/./b", "a/b"),
        ("...", "..."),
        ("a..b/c", "a..b/c"),
        ("папка/файл.py", "папка/файл.py"),
        ("x" * 255, "x" * 255),
        ("100%.txt", "100%.txt"),
    ],
)
def test_a_path_has_one_plain_form(path: str, plain: str) -> None:
    assert clean(path) == plain


@given(st.text(alphabet=st.sampled_from("ab./\\%2eF~\0 \u202e"), max_size=30) | st.text())
def test_what_is_accepted_stays_inside_and_is_stable(path: str) -> None:
    try:
        plain = clean(path)
    except PathRefused:
        return
    parts = PurePosixPath(plain).parts
    assert not PurePosixPath(plain).is_absolute()
    assert ".." not in parts
    assert "\0" not in plain
    assert clean(plain) == plain


def test_the_folders_of_a_path() -> None:
    assert prefixes("a/b/c") == ["a", "a/b", "a/b/c"]
    assert prefixes(ROOT) == []
    assert joined(ROOT, "a") == "a"
    assert joined("a", "b") == "a/b"

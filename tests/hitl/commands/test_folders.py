import pytest

from codelab.hitl.commands.folders import HOME, named, placed, spread, walk
from codelab.hitl.commands.shell import Word
from codelab.hitl.commands.wrappers import understand


@pytest.mark.parametrize(
    ("text", "is_live", "expected"),
    [
        ("b", False, {"/a/b"}),
        ("..//b/./", False, {"/b"}),
        ("//b", False, {"/b"}),
        ("~/b", False, {"/a/~/b"}),
        ("~/b", True, {f"{HOME}/b"}),
        ("${HOME}", True, {HOME}),
        ("$PWD/b", True, {"/a/b"}),
        ("$x/b", True, set()),
        ("$x/b", False, {"/a/$x/b"}),
        ("{b,c}d", True, {"/a/bd", "/a/cd"}),
        ("$HOMER", True, set()),
    ],
)
def test_words_name_paths(text: str, is_live: bool, expected: set[str]) -> None:
    assert named(Word(text, is_live), ["/a"]) == expected


def test_few_braces_are_carried_out_and_many_are_left() -> None:
    assert sorted(spread(Word("{a,b}{c,d}", True))) == ["ac", "ad", "bc", "bd"]
    assert len(spread(Word("{a,b}" * 1_000, True))) < 200


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("cd b && x", {"/a/b"}),
        ("cd b && y && x", {"/a/b"}),
        ("cd b; x", {"/a", "/a/b"}),
        ("cd b || x", {"/a", "/a/b"}),
        ("y || cd b && x", {"/a", "/a/b"}),
        ("y || z; cd b && x", {"/a/b"}),
        ("sh -c 'cd b' && x", {"/a"}),
        ("eval 'cd b' && x", {"/a/b"}),
        ("env -C b x", {"/a/b"}),
        ("cd $y && x", set()),
        ("cd && x", {HOME}),
    ],
)
def test_the_folder_is_followed(text: str, expected: set[str]) -> None:
    walked = list(walk(understand(text).steps, frozenset((placed("/", "a"),))))
    assert walked[-1][0].name == "x"
    assert walked[-1][1] == expected

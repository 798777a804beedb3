"""What a file of each language defines, by a small sample of its ways to do so."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from codelab.retrieval.chunks.definitions import definitions, is_known

_SAMPLES = tomllib.loads((Path(__file__).parent / "samples.toml").read_text("utf-8"))


@pytest.mark.parametrize("language", _SAMPLES)
def test_what_is_defined_is_found_with_its_lines(language: str) -> None:
    sample = _SAMPLES[language]
    found = definitions(language, sample["text"].encode())
    told = [f"{one.container}.{one.name} {one.kind} {one.first}-{one.last}" for one in found]
    assert [one.removeprefix(".") for one in told] == sample["defines"]


def test_all_languages_with_a_grammar_have_a_sample() -> None:
    assert all(is_known(language) for language in _SAMPLES)
    assert len(_SAMPLES) == 17
    assert not is_known("")
    assert not is_known("Markdown")


def test_single_lines_define_what_stands_at_the_top_of_a_file() -> None:
    text = (
        "export type A = string;\nexport const f = () => 1;\n"
        "function g() {\n  const h = () => 1;\n}\n"
    )
    names = [one.name for one in definitions("TypeScript", text.encode())]
    assert names == ["A", "f", "g"]
    text = "package a\ntype Word string\nconst (\n\tA = 1\n\tB = 2\n)\n"
    assert [one.name for one in definitions("Go", text.encode())] == ["Word", "A", "B"]


def test_names_take_one_line_and_are_not_endless() -> None:
    text = f"class {'A' * 5000}:\n    pass\n".encode()
    assert definitions("Python", text)[0].name == "A" * 200
    text = b"int shop::\n  Cart::add(int x) {\n  return x;\n}\n"
    assert definitions("C++", text)[0].name == "shop:: Cart::add"


@pytest.mark.parametrize("language", _SAMPLES)
@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\n",
        bytes(range(256)) * 4,
        b"(" * 2_000,
        b"{\n" * 500,
        b"class A {\n" * 100,
        b"x = f(1);" * 1_000,
        b"\xef\xbb\xbfclass \xff\xfe {\n}\n",
    ],
    ids=["empty", "blank", "binary", "deep", "open", "nested", "one line", "no text"],
)
def test_hostile_texts_are_taken(language: str, data: bytes) -> None:
    lines = data.count(b"\n") + 1
    for one in definitions(language, data):
        assert 1 <= one.first <= one.last <= lines
        assert one.name


def test_a_file_of_endless_definitions_gives_the_first_ones() -> None:
    text = "".join(f"def f{number}():\n    pass\n" for number in range(6_000))
    found = definitions("Python", text.encode())
    assert [one.name for one in found] == [f"f{number}" for number in range(5_000)]

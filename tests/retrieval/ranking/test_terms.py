"""Texts become the terms by which both a file and a question are known."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codelab.retrieval.ranking.terms import parts_of_word, terms, words


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("parseHTTPHeader", ["pars", "http", "header", "parsehttpheader"]),
        ("parse_http_header", ["pars", "http", "header", "parsehttpheader"]),
        ("PARSE_HTTP_HEADER", ["pars", "http", "header", "parsehttpheader"]),
        ("XMLHttpRequest2", ["xml", "http", "request", "2", "xmlhttprequest2"]),
        ("utf8", ["utf", "8", "utf8"]),
        ("__init__", ["init"]),
        ("readers reading", ["reader", "read"]),
        ("the parser of a file", ["parser", "file"]),
        ("x = 404", ["404"]),
        ("don't stop-words.here", ["don", "stop", "word", "here"]),
        ("ключи ключей", ["ключ", "ключ"]),
        ("чтениеФайла", ["чтен", "файл", "чтениефайла"]),
        ("это и то", []),
        ("日本語", ["日本語"]),
        ("", []),
    ],
)
def test_words_are_taken_apart_and_stemmed(text: str, expected: list[str]) -> None:
    assert terms(text) == expected


def test_longest_words_are_left_out_as_a_whole() -> None:
    assert terms("a1" * 40) == [*["1"] * 40, "a1" * 40]
    assert terms("x" * 81) == []
    assert words(f"ab {'x' * 81} cd {'y' * 1000} ef") == ["ab", "cd", "ef"]


def test_spellings_of_one_name_share_their_terms() -> None:
    assert terms("readFile") == terms("read_file") == terms("ReadFile") == terms("READ_FILE")


def test_parts_are_unstemmed() -> None:
    assert parts_of_word("parsingHTTPHeaders") == ("parsing", "http", "headers")


@given(st.text(st.characters(max_codepoint=127)))
def test_words_are_the_same_in_ascii_as_elsewhere(text: str) -> None:
    assert words(text) == words(f"{text} я")[:-1]


@given(st.text(max_size=200))
def test_terms_are_what_every_engine_can_keep(text: str) -> None:
    found = terms(text)
    assert all(term == term.lower() or not term.isascii() for term in found)
    assert all(part.isalnum() for term in found for part in term if part.isascii())
    assert not any(term.isspace() or set(term) & set(" \t\r\n\"'") for term in found)
    # Nothing between words counts, and remembering makes no difference.
    assert terms(f"{text} {text}") == found * 2
    assert terms(" ".join(words(text))) == found

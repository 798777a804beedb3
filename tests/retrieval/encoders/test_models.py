"""What is known of models is found by their names, whoever offers them."""

from __future__ import annotations

import pytest

from codelab.retrieval.encoders.models import KNOWN, UNKNOWN, shortened, traits_of


@pytest.mark.parametrize(
    ("name", "question", "document", "dimensions", "pooling"),
    [
        ("openai/text-embedding-3-small", "", "", 1536, "mean"),
        ("azure/text-embedding-3-large", "", "", 3072, "mean"),
        ("intfloat/multilingual-e5-base", "query: ", "passage: ", 0, "mean"),
        ("ollama/nomic-embed-text:latest", "search_query: ", "search_document: ", 768, "mean"),
        ("/models/BGE-base-en-v1.5/", "Represent this sentence", "", 0, "first"),
        ("thenlper/gte-base", "", "", 0, "mean"),
        ("Alibaba-NLP/gte-base-en-v1.5", "", "", 0, "first"),
        ("microsoft/codebert-base", "", "", 768, "mean"),
        ("C:\\models\\all-MiniLM-L6-v2", "", "", 384, "mean"),
    ],
)
def test_a_model_is_known_by_the_last_part_of_its_name(
    name: str, question: str, document: str, dimensions: int, pooling: str
) -> None:
    traits = traits_of(name)
    assert traits in KNOWN
    assert traits.question.startswith(question) and bool(traits.question) == bool(question)
    assert (traits.document, traits.dimensions) == (document, dimensions)
    assert traits.pooling == pooling


def test_of_others_nothing_is_known() -> None:
    assert traits_of("somebody/their-own-model") is UNKNOWN
    assert all(traits.source for traits in KNOWN)


def test_what_vectors_depend_on_changes_the_fingerprint() -> None:
    assert traits_of("e5-base").fingerprint() != traits_of("gte-base").fingerprint()
    assert traits_of("e5-base").fingerprint() == traits_of("e5-large-v2").fingerprint()


def test_texts_are_cut_to_the_window() -> None:
    assert shortened("a" * 100, 50) == "a" * 100
    assert shortened("a" * 1000, 100) == "a" * 300
    assert shortened("ж" * 1000, 100) == "ж" * 100
    assert shortened("", 100) == ""

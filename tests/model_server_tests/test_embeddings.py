from __future__ import annotations

from tests.model_server.embeddings import embeddings


def test_every_text_has_the_vector_of_its_length() -> None:
    answer = embeddings({"model": "m", "input": ["one", "three"], "dimensions": 2})
    assert [one["embedding"] for one in answer["data"]] == [[3.0, 0.5], [5.0, 0.5]]
    assert answer["usage"] == {"prompt_tokens": 8, "total_tokens": 8}


def test_tokens_count_as_they_are() -> None:
    answer = embeddings({"model": "m", "input": [[1, 2], [3]]})
    assert [one["embedding"][0] for one in answer["data"]] == [2.0, 1.0]

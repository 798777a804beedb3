"""OpenAI's embeddings: a vector that says which text it stands for."""

from __future__ import annotations

from typing import Any

import msgspec

from tests.model_server.script import Body

_DIMENSIONS = 3


class EmbeddingsAsked(msgspec.Struct):
    """What is needed of a request."""

    model: str
    input: str | list[str | list[int]]
    dimensions: int = _DIMENSIONS


def vector_of(text: str | list[int], dimensions: int = _DIMENSIONS) -> list[float]:
    """The vector of a text: its length, then halves of its place."""
    return [float(len(text)), *(0.5**n for n in range(1, dimensions))]


def embeddings(body: Body) -> dict[str, Any]:
    """The answer; every text, or list of tokens, counts as many tokens as its length."""
    asked = msgspec.convert(body, EmbeddingsAsked)
    texts = [asked.input] if isinstance(asked.input, str) else asked.input
    tokens = sum(len(text) for text in texts)
    return {
        "object": "list",
        "data": [
            {"object": "embedding", "index": n, "embedding": vector_of(text, asked.dimensions)}
            for n, text in enumerate(texts)
        ],
        "model": asked.model,
        "usage": {"prompt_tokens": tokens, "total_tokens": tokens},
    }

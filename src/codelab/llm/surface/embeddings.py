"""OpenAI's embeddings: which texts are asked about, and the answer."""

from __future__ import annotations

import base64
import sys
from array import array
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from codelab.kit.errors import InvalidInput
from codelab.llm.surface.parts import Name, Text
from codelab.sdk.model import Completion

_MOST_TEXTS = 2048

_Tokens = Annotated[list[Annotated[int, Meta(ge=0)]], Meta(min_length=1)]
_Several = Annotated[list[Text | _Tokens | Annotated[int, Meta(ge=0)]], Meta(min_length=1)]


class EmbeddingRequest(msgspec.Struct, kw_only=True):
    """OpenAI's request; `input` is a text, tokens, or up to 2048 of either."""

    model: Name
    input: Annotated[str, Meta(min_length=1, max_length=4 * 1024 * 1024)] | _Several
    encoding_format: Literal["float", "base64"] | None = None
    dimensions: Annotated[int, Meta(ge=1, le=100_000)] | None = None


def texts_of(asked: EmbeddingRequest) -> list[str] | list[list[int]]:
    """Return the texts, or their tokens, each of which gets a vector.

    Raises:
        InvalidInput: They are too many, or of several kinds.
    """
    given = asked.input
    if isinstance(given, str):
        return [given]
    texts = [one for one in given if isinstance(one, str)]
    lists = [one for one in given if isinstance(one, list)]
    tokens = [one for one in given if isinstance(one, int)]
    if len(tokens) == len(given):
        return [tokens]
    if len(given) > _MOST_TEXTS:
        raise InvalidInput(f"At most {_MOST_TEXTS} texts can be sent at once.", field="input")
    if len(texts) == len(given):
        return texts
    if len(lists) == len(given):
        return lists
    raise InvalidInput("Send either texts or tokens.", field="input")


def write_embeddings(
    asked: EmbeddingRequest, completion: Completion, vectors: list[list[float]]
) -> bytes:
    """Write the answer."""
    encode = _packed if asked.encoding_format == "base64" else _plain
    tokens = completion.usage.input_tokens
    return msgspec.json.encode(
        {
            "object": "list",
            "data": [
                {"object": "embedding", "index": index, "embedding": encode(vector)}
                for index, vector in enumerate(vectors)
            ],
            "model": completion.model,
            "usage": {"prompt_tokens": tokens, "total_tokens": tokens},
        }
    )


def _plain(vector: list[float]) -> Any:
    return vector


def _packed(vector: list[float]) -> Any:
    """Pack a vector as OpenAI does: little-endian single floats in base64."""
    packed = array("f", vector)
    if sys.byteorder == "big":
        packed.byteswap()
    return base64.b64encode(packed.tobytes()).decode()

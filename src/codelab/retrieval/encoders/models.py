"""What is known of models that make vectors: data, each with its source."""

from __future__ import annotations

import hashlib
from typing import Literal

import msgspec

Pooling = Literal["mean", "first"]


class Traits(msgspec.Struct, frozen=True, kw_only=True):
    """How a model wants to be asked.

    Args:
        names: What the last part of its name begins with, in lower case.
        source: Who says so.
        question: What stands before a question.
        document: What stands before a piece of a file.
        dimensions: How long its vectors are; 0 where its sizes differ.
        window: How many tokens of a text it reads.
        pooling: How the vectors of tokens become one, where the model leaves that to us.
    """

    names: tuple[str, ...]
    source: str
    question: str = ""
    document: str = ""
    dimensions: int = 0
    window: int = 512
    pooling: Pooling = "mean"

    def fingerprint(self) -> str:
        """Return what tells traits apart of which vectors depend."""
        said = (self.question, self.document, self.window, self.pooling)
        return hashlib.sha256(msgspec.json.encode(said)).hexdigest()[:8]


_SEARCHING = "Represent this sentence for searching relevant passages: "
_OPENAI = "OpenAI's guide to embeddings"
# More special names come first.
KNOWN = (
    Traits(names=("text-embedding-3-small",), source=_OPENAI, dimensions=1536, window=8191),
    Traits(names=("text-embedding-3-large",), source=_OPENAI, dimensions=3072, window=8191),
    Traits(names=("text-embedding-ada-002",), source=_OPENAI, dimensions=1536, window=8191),
    Traits(
        names=("e5-small", "e5-base", "e5-large", "multilingual-e5-"),
        source="the model cards of intfloat/e5-base-v2 and intfloat/multilingual-e5-base",
        question="query: ",
        document="passage: ",
    ),
    Traits(
        names=("multilingual-e5-large-instruct",),
        source="the model card of intfloat/multilingual-e5-large-instruct",
        question="Instruct: Given a question about a program, retrieve the code that answers it\n"
        "Query: ",
        dimensions=1024,
    ),
    Traits(
        names=("bge-m3",),
        source="the model card of BAAI/bge-m3",
        dimensions=1024,
        window=8192,
        pooling="first",
    ),
    Traits(
        names=("bge-small-en", "bge-base-en", "bge-large-en"),
        source="the model card of BAAI/bge-base-en-v1.5",
        question=_SEARCHING,
        pooling="first",
    ),
    Traits(
        names=("mxbai-embed-large",),
        source="the model card of mixedbread-ai/mxbai-embed-large-v1",
        question=_SEARCHING,
        dimensions=1024,
        pooling="first",
    ),
    Traits(
        names=("nomic-embed-code",),
        source="the model card of nomic-ai/nomic-embed-code",
        question="Represent this query for searching relevant code: ",
        dimensions=3584,
        window=32_768,
    ),
    Traits(
        names=("nomic-embed-text",),
        source="the model card of nomic-ai/nomic-embed-text-v1.5",
        question="search_query: ",
        document="search_document: ",
        dimensions=768,
        window=2048,
    ),
    Traits(
        names=("gte-small", "gte-base", "gte-large"),
        source="the model card of thenlper/gte-base",
    ),
    Traits(
        names=("gte-base-en-v1.5", "gte-large-en-v1.5", "gte-multilingual-base"),
        source="the model card of Alibaba-NLP/gte-base-en-v1.5",
        window=8192,
        pooling="first",
    ),
    Traits(
        names=("jina-embeddings-v2-base-code",),
        source="the model card of jinaai/jina-embeddings-v2-base-code",
        dimensions=768,
        window=8192,
    ),
    Traits(
        names=("all-minilm",),
        source="the model card of sentence-transformers/all-MiniLM-L6-v2",
        dimensions=384,
        window=256,
    ),
    # Made to fill gaps, not to retrieve: it can be chosen, and is never the default.
    Traits(
        names=("codebert-base",),
        source="the model card of microsoft/codebert-base, and Feng et al. 2020",
        dimensions=768,
    ),
)
UNKNOWN = Traits(names=(), source="nobody: no prefixes, and a window that most models have")


def traits_of(name: str) -> Traits:
    """Return what is known of a model by its name, whoever offers it."""
    last = name.replace("\\", "/").rstrip("/").rpartition("/")[2].lower()
    fitting = [
        (len(start), traits) for traits in KNOWN for start in traits.names if last.startswith(start)
    ]
    return max(fitting, key=lambda pair: pair[0])[1] if fitting else UNKNOWN


def shortened(text: str, window: int) -> str:
    """Cut a text so that a model's window surely holds most of it, without its tokeniser.

    Code takes a token for about three characters, other alphabets one for about one.
    """
    room = 3.0 * window
    if len(text) * 3 <= room:
        return text
    for place, character in enumerate(text):
        room -= 1 if character.isascii() else 3
        if room < 0:
            return text[:place]
    return text

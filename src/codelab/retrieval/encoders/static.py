"""Vectors without a network or a model to run: the mean of word vectors out of a table.

The table and its tokeniser come with the package wordllama, whose own loader would look for them
on the network. Words are those of identifiers taken apart, each as often as the logarithm of how
often it occurs.
"""

from __future__ import annotations

import asyncio
import json
import math
from array import array
from collections import Counter
from collections.abc import Sequence
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import numpy.typing as npt
from tokenizers import Tokenizer

from codelab.retrieval.encoders.encoder import Encoded
from codelab.retrieval.errors import EncoderUnavailable
from codelab.retrieval.ranking.terms import parts_of_word, words
from codelab.retrieval.vectors.store import Vector

Matrix = npt.NDArray[np.float32]

_TABLE = "l2_supercat_256"
_TYPES = {"F16": "<f2", "F32": "<f4"}
_REMEMBERED = 50_000
# Pieces are far shorter; what is longer is cut before its words are counted.
_LONGEST = 200_000


class StaticEncoder:
    """Makes vectors of texts by a table of word vectors.

    Args:
        table: One row for each token.
        tokenizer: What takes words apart into tokens.
    """

    name = f"static/{_TABLE}/1"
    # A question waits for a batch that is under way.
    batch = 128

    def __init__(self, table: Matrix, tokenizer: Tokenizer) -> None:
        self._table = table
        self._tokenizer = tokenizer
        self._parts = lru_cache(_REMEMBERED)(parts_of_word)
        self._tokens = lru_cache(_REMEMBERED)(self._tokens_of)

    async def documents(self, texts: Sequence[str]) -> Encoded:
        """Return the vectors of pieces of files."""
        return Encoded(await asyncio.to_thread(lambda: [self._vector(text) for text in texts]))

    async def question(self, text: str) -> Vector:
        """Return the vector of a question."""
        return await asyncio.to_thread(self._vector, text)

    async def close(self) -> None:
        """Do nothing: there is only memory."""

    def _vector(self, text: str) -> Vector:
        counts: Counter[str] = Counter()
        for word, count in Counter(words(text[:_LONGEST])).items():
            for part in self._parts(word):
                counts[part] += count
        weights: dict[int, float] = {}
        for part, count in counts.items():
            tokens = self._tokens(part)
            for token in tokens:
                share = (1 + math.log(count)) / len(tokens)
                weights[token] = weights.get(token, 0.0) + share
        chosen = np.fromiter(weights, dtype=np.intp, count=len(weights))
        shares = np.fromiter(weights.values(), dtype=np.float32, count=len(weights))
        total = shares @ self._table[chosen]
        length = float(np.linalg.norm(total))
        return array("f", (total / length if length else total).astype(np.float32).tobytes())

    def _tokens_of(self, part: str) -> tuple[int, ...]:
        return tuple(self._tokenizer.encode(part, add_special_tokens=False).ids)


async def open_static() -> StaticEncoder:
    """Read the table and its tokeniser from the package's files.

    Raises:
        EncoderUnavailable: They are not there or cannot be read.
    """
    return await asyncio.to_thread(_opened)


def _opened() -> StaticEncoder:
    # The package itself is not imported: it needs more than its files.
    spec = find_spec("wordllama")
    if spec is None or not spec.submodule_search_locations:
        raise EncoderUnavailable("A package is missing (wordllama): install codelab[vectors].")
    folder = Path(next(iter(spec.submodule_search_locations)))
    try:
        table = read_table(folder / "weights" / f"{_TABLE}.safetensors")
        tokenizer = Tokenizer.from_file(
            str(folder / "tokenizers" / f"{_TABLE.rpartition('_')[0]}_tokenizer_config.json")
        )
    except (OSError, ValueError, KeyError) as error:
        raise EncoderUnavailable("The word vectors of wordllama cannot be read.") from error
    tokenizer.no_padding()
    tokenizer.no_truncation()
    return StaticEncoder(table, tokenizer)


def read_table(file: Path) -> Matrix:
    """Read the one table of a file in the form of safetensors.

    Raises:
        ValueError: It holds something else.
    """
    data = file.read_bytes()
    start = 8 + int.from_bytes(data[:8], "little")
    header = json.loads(data[8:start])
    tables = [entry for name, entry in header.items() if name != "__metadata__"]
    if len(tables) != 1 or tables[0]["dtype"] not in _TYPES or len(tables[0]["shape"]) != 2:
        raise ValueError("no table of word vectors")
    first, last = tables[0]["data_offsets"]
    values = np.frombuffer(data[start + first : start + last], _TYPES[tables[0]["dtype"]])
    return values.reshape(tables[0]["shape"]).astype(np.float32)

"""What every encoder can do, whatever model is behind it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from codelab.retrieval.vectors.store import Vector


class Encoder(Protocol):
    """Makes vectors of texts, so that near ones mean something alike.

    Args:
        name: The model with all that its vectors depend on; vectors of two names never mix.
        dimensions: How long its vectors are; 0 as long as it was not asked.
        batch: How many texts it takes at once.
    """

    name: str
    dimensions: int
    batch: int

    async def documents(self, texts: Sequence[str]) -> list[Vector]:
        """Return the vectors of pieces of files, of unit length, in the order of the texts.

        Raises:
            EncoderUnavailable: It cannot be asked now.
        """
        ...

    async def question(self, text: str) -> Vector:
        """Return the vector of a question.

        Raises:
            EncoderUnavailable: It cannot be asked now.
        """
        ...

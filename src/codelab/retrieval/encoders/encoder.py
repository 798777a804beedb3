"""What every encoder can do, whatever model is behind it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import msgspec

from codelab.retrieval.vectors.store import Vector


class Encoded(msgspec.Struct, frozen=True):
    """Vectors in the order of their texts, and what they cost in US dollars."""

    vectors: list[Vector]
    cost_usd: float = 0.0


class Encoder(Protocol):
    """Makes vectors of texts, so that near ones mean something alike."""

    @property
    def name(self) -> str:
        """The model with all that its vectors depend on; vectors of two names never mix."""
        ...

    @property
    def batch(self) -> int:
        """How many texts it takes at once."""
        ...

    async def documents(self, texts: Sequence[str]) -> Encoded:
        """Return the vectors of pieces of files, of unit length, in the order of the texts.

        Raises:
            EncoderUnavailable: It cannot be asked now; says why and, where it is known, how long.
            TextRefused: It does not take one of the texts.
        """
        ...

    async def question(self, text: str) -> Vector:
        """Return the vector of a question.

        Raises:
            EncoderUnavailable: It cannot be asked now.
            TextRefused: It does not take the text.
        """
        ...

    async def close(self) -> None:
        """Give back what is held."""
        ...

"""Models that make vectors of texts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import msgspec


class Embedded(msgspec.Struct, frozen=True):
    """Raw vectors in the order of their texts, and what they cost in US dollars."""

    vectors: Sequence[Sequence[float]]
    cost_usd: float = 0.0


class EmbeddingModel(Protocol):
    """A model that is reached elsewhere, where limits and costs are looked after."""

    @property
    def name(self) -> str:
        """The provider's own name of it, such as `openai/text-embedding-3-small`."""
        ...

    async def embed(self, texts: Sequence[str], dimensions: int | None) -> Embedded:
        """Make a vector of each text.

        Args:
            dimensions: How long they are to be, where the model leaves a choice.

        Raises:
            CodeLabError: It failed; `retryable` and `retry_after_s` say whether and when to
                ask again.
        """
        ...

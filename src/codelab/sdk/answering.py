"""Models that answer single questions, outside of any conversation."""

from __future__ import annotations

from typing import Protocol


class AnsweringModel(Protocol):
    """A model that is reached elsewhere, where limits and costs are looked after."""

    @property
    def name(self) -> str:
        """Its name in the catalogue."""
        ...

    def affordable(self, cost_usd: float, answer_tokens: int) -> int | None:
        """Return how many tokens a question may have; None where it costs nothing, or who knows.

        Args:
            cost_usd: What the question and its answer may cost together, in US dollars.
            answer_tokens: How long the answer may be.
        """
        ...

    async def answer(self, question: str, answer_tokens: int) -> str:
        """Ask once, and no other model in its place.

        Args:
            answer_tokens: How long the answer may be.

        Raises:
            CodeLabError: It failed, or a cap is in the way.
        """
        ...

"""A model of the catalogue as something that answers questions, on the server's own account."""

from __future__ import annotations

from codelab.llm.accounting.calls import Attribution
from codelab.llm.catalog.prices import cost_of
from codelab.llm.service import Models
from codelab.sdk.messages import UserMessage
from codelab.sdk.model import Delta, ModelRequest, Usage

# Of one token alone, a cost would be lost in rounding.
_MANY = 1_000_000


class CatalogueAnswers:
    """Asks one model; caps and costs are looked after as for every call.

    Args:
        models: The way to models.
        name: The model's name in the catalogue, or an alias.
    """

    def __init__(self, models: Models, name: str) -> None:
        self._models = models
        self.name = name

    def affordable(self, cost_usd: float, answer_tokens: int) -> int | None:
        """Return how many tokens a question may have; None where it costs nothing, or who knows."""
        facts = self._models.facts(self.name)
        plain = cost_of(Usage(input_tokens=_MANY), facts)
        # Writing to a provider's prompt cache may cost more than not to use it.
        kept = cost_of(Usage(input_tokens=_MANY, cache_write_tokens=_MANY), facts)
        left_usd = cost_usd - cost_of(Usage(output_tokens=_MANY), facts) * answer_tokens / _MANY
        if left_usd < 0:
            return 0
        return int(_MANY * left_usd / max(plain, kept)) if plain or kept else None

    async def answer(self, question: str, answer_tokens: int) -> str:
        """Ask once, and no other model in its place.

        Raises:
            CodeLabError: It failed, or a cap is in the way.
        """
        request = ModelRequest(
            model=self._models.info(self.name).name,
            messages=(UserMessage(text=question),),
            max_output_tokens=answer_tokens,
        )
        return (await self._models.try_out(request, _unheard, Attribution())).text


def _unheard(_delta: Delta) -> None:
    """Only the whole answer is of use."""

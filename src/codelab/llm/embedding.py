"""A model of the catalogue as something that makes vectors, on the server's own account."""

from __future__ import annotations

from collections.abc import Sequence

from codelab.llm.accounting.calls import Attribution
from codelab.llm.providers.embeddings import embedding_request, vectors_of
from codelab.llm.service import Models
from codelab.sdk.embedding import Embedded
from codelab.sdk.model import Delta, Usage


class CatalogueEmbeddings:
    """Asks one model for vectors; limits, caps and costs are looked after as for every call.

    Args:
        models: The way to models.
        name: The model's name in the catalogue.
    """

    def __init__(self, models: Models, name: str) -> None:
        self._models = models
        self._name = name

    @property
    def name(self) -> str:
        """The name in the catalogue with the provider's own: vectors of two never mix.

        Raises:
            ModelUnknown: There is none of this name.
        """
        self._models.info(self._name)
        lines = self._models.overview().models
        (model,) = (line.model for line in lines if line.info.name == self._name)
        return model

    async def embed(self, texts: Sequence[str], dimensions: int | None) -> Embedded:
        """Make a vector of each text.

        Raises:
            CodeLabError: It failed, or a cap is in the way.
        """
        spent = [0.0]

        def used(_id: str, _model: str, usage: Usage) -> None:
            spent.append(usage.cost_usd)

        answer = await self._models.stream(
            embedding_request(self._name, list(texts), dimensions),
            _unheard,
            attribution=Attribution(),
            on_usage=used,
        )
        return Embedded(vectors_of(answer), sum(spent))


def _unheard(_delta: Delta) -> None:
    """Vectors come all at once, with the answer."""

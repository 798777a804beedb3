"""Vectors from a model of the catalogue, asked through whoever counts what that costs."""

from __future__ import annotations

import asyncio
import math
import secrets
from array import array
from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol

import msgspec

from codelab.kit.errors import CodeLabError
from codelab.retrieval.encoders.encoder import Encoded
from codelab.retrieval.encoders.models import shortened, traits_of
from codelab.retrieval.errors import EncoderUnavailable, TextRefused
from codelab.retrieval.vectors.store import Vector

_WAITS_S = (1.0, 4.0)
# Whoever has to wait longer comes back later.
_LONGEST_WAIT_S = 20.0
_PATIENCE_S = 180.0
_PATIENCE_WITH_A_QUESTION_S = 5.0
# What providers call it when a text is longer than their window.
_REFUSALS = frozenset({"model_refused", "model_filtered", "context_too_long"})


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


class RemoteEncoder:
    """Asks a model for vectors.

    Args:
        model: The model.
        dimensions: How long the vectors are to be; 0: as long as the model makes them.
        sleep: Waits before the next try.
    """

    batch = 64

    def __init__(
        self,
        model: EmbeddingModel,
        *,
        dimensions: int = 0,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._model = model
        self._traits = traits_of(model.name)
        self._asked = dimensions
        self._expected = dimensions or self._traits.dimensions
        self._sleep = sleep
        self.name = f"remote/{model.name}/{dimensions}/{self._traits.fingerprint()}"

    async def documents(self, texts: Sequence[str]) -> Encoded:
        """Return the vectors of pieces of files."""
        cut = [self._whole(self._traits.document, text) for text in texts]
        answer = await self._patiently(cut)
        # Many long vectors take their time.
        vectors = await asyncio.to_thread(self._vectors, cut, answer)
        return Encoded(vectors, answer.cost_usd)

    async def question(self, text: str) -> Vector:
        """Return the vector of a question; somebody waits for it, so it is asked only once."""
        cut = [self._whole(self._traits.question, text)]
        answer = await self._once(cut, _PATIENCE_WITH_A_QUESTION_S)
        return self._vectors(cut, answer)[0]

    async def close(self) -> None:
        """Do nothing: the model is somebody else's."""

    def _whole(self, prefix: str, text: str) -> str:
        return prefix + (shortened(text, self._traits.window - len(prefix) // 3) or " ")

    async def _patiently(self, texts: list[str]) -> Embedded:
        for wait_s in _WAITS_S:
            try:
                return await self._once(texts, _PATIENCE_S)
            except EncoderUnavailable as error:
                asked_s = error.retry_after_s
                if asked_s is None or asked_s > _LONGEST_WAIT_S:
                    raise
            # Replicas that were refused together shall not come back together.
            await self._sleep(max(asked_s, wait_s) * (1 + secrets.randbelow(500) / 1000))
        return await self._once(texts, _PATIENCE_S)

    async def _once(self, texts: list[str], patience_s: float) -> Embedded:
        try:
            async with asyncio.timeout(patience_s):
                return await self._model.embed(texts, self._asked or None)
        except TimeoutError as error:
            raise EncoderUnavailable(
                f"{self._model.name} made no vectors within {patience_s:g} s.", retry_after_s=0
            ) from error
        except CodeLabError as error:
            if error.code in _REFUSALS:
                raise TextRefused(error.message) from error
            wait_s = error.retry_after_s
            if wait_s is None and error.retryable:
                wait_s = 0
            raise EncoderUnavailable(error.message, retry_after_s=wait_s) from error

    def _vectors(self, texts: Sequence[str], answer: Embedded) -> list[Vector]:
        lengths = {len(vector) for vector in answer.vectors}
        if len(answer.vectors) != len(texts) or len(lengths) > 1:
            raise EncoderUnavailable(f"{self._model.name} did not give each text its vector.")
        if self._expected and lengths != {self._expected}:
            raise EncoderUnavailable(
                f"{self._model.name} gave vectors of {max(lengths)} dimensions in place of "
                f"{self._expected}."
            )
        return [self._unit(vector) for vector in answer.vectors]

    def _unit(self, vector: Sequence[float]) -> Vector:
        length = math.sqrt(math.fsum(one * one for one in vector))
        if not math.isfinite(length):
            raise EncoderUnavailable(f"{self._model.name} gave a vector that is none.")
        return array("f", [one / length for one in vector] if length else vector)

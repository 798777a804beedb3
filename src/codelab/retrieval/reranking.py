"""Code search whose first answers a model puts into order, where that was chosen."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

import msgspec
import structlog

from codelab.kit.errors import CodeLabError
from codelab.retrieval.errors import RerankFailed
from codelab.retrieval.ranking.judging import asked, order_of, reordered
from codelab.retrieval.settings import RerankSettings
from codelab.sdk.answering import AnsweringModel
from codelab.sdk.retrieval import CodeSearch, Finding, Findings, References, SymbolPlaces

# So many of the first are shown to the model; of the evaluation's right files, 95 % are among them.
SHOWN = 50
_ANSWER_TOKENS = 300
# Fewer than of most texts, so that what is reckoned is seldom too little.
_CHARACTERS_A_TOKEN = 2
_MOST_CHARACTERS = 60_000
# After a failure nobody waits for the model for a while.
_REST_S = 60.0
_log = structlog.get_logger(__name__)


class Reranker:
    """Asks a model for the order of findings, within bounds of time and cost.

    Args:
        model: The model.
        settings: The bounds.
        clock: Tells the seconds since any moment.
    """

    def __init__(
        self,
        model: AnsweringModel,
        settings: RerankSettings,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._model = model
        self._settings = settings
        self._clock = clock
        self._rests_until = 0.0
        self._failure = ""

    async def ordered(self, question: str, found: Findings, most: int) -> Findings:
        """Return the best findings; as they were, with a note, where the model does not help."""
        findings = list(found.findings)
        try:
            places = await self._places(question, findings, most)
        except CodeLabError as error:
            note = f"not put into order by {self._model.name}: {error.message}"
            return msgspec.structs.replace(
                found,
                findings=tuple(findings[:most]),
                note="; ".join(filter(None, (found.note, note))),
            )
        scores = [one.score for one in findings]
        chosen = [_chosen(one) if place in places else one for place, one in enumerate(findings)]
        return msgspec.structs.replace(
            found,
            findings=tuple(
                msgspec.structs.replace(one, score=score)
                for one, score in zip(reordered(chosen, places), scores, strict=True)
            )[:most],
        )

    async def _places(self, question: str, findings: list[Finding], most: int) -> list[int]:
        if len(findings) < 2:
            return []
        if self._clock() < self._rests_until:
            raise RerankFailed(self._failure)
        text = await asyncio.to_thread(asked, question, findings, most, self._room())
        if not text:
            raise RerankFailed("What one question may cost is too little.")
        try:
            async with asyncio.timeout(self._settings.timeout_s):
                answer = await self._model.answer(text, _ANSWER_TOKENS)
        except TimeoutError:
            raise self._failed("It took too long.", "timeout") from None
        except CodeLabError as error:
            raise self._failed(error.message, error.code) from error
        places = order_of(answer, len(findings))
        if not places:
            raise self._failed("It named none of what was found.", "no_order")
        return places

    def _room(self) -> int:
        tokens = self._model.affordable(self._settings.cost_usd, _ANSWER_TOKENS)
        return (
            _MOST_CHARACTERS
            if tokens is None
            else min(tokens * _CHARACTERS_A_TOKEN, _MOST_CHARACTERS)
        )

    def _failed(self, reason: str, code: str) -> RerankFailed:
        self._rests_until = self._clock() + _REST_S
        self._failure = reason
        _log.warning("findings_not_reranked", model=self._model.name, code=code)
        return RerankFailed(reason)


class RerankedCode:
    """Searches one workspace; the first answers are in the order that a model gives them.

    Args:
        code: What searches it.
        reranker: Puts findings into order.
    """

    def __init__(self, code: CodeSearch, reranker: Reranker) -> None:
        self._code = code
        self._reranker = reranker

    async def search(self, question: str, *, folder: str = ".", most: int = 8) -> Findings:
        """Find the pieces of code that a question is about."""
        found = await self._code.search(question, folder=folder, most=max(most, SHOWN))
        return await self._reranker.ordered(question, found, most)

    async def symbols(self, name: str, *, most: int = 20) -> SymbolPlaces:
        """Find where something is defined, exact names first."""
        return await self._code.symbols(name, most=most)

    async def references(self, name: str, *, most: int = 60) -> References:
        """Find the lines in which a name occurs as a whole word."""
        return await self._code.references(name, most=most)

    async def map(self, budget: int) -> str:
        """Draw the project."""
        return await self._code.map(budget)


def _chosen(one: Finding) -> Finding:
    reason = ", ".join(filter(None, (one.reason, "a model's choice")))
    return msgspec.structs.replace(one, reason=reason)

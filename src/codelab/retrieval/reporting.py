"""Code search that tells of each answer."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

from codelab.kit.bus import Bus
from codelab.retrieval.events import CodeSearched, Kind
from codelab.retrieval.plain import NO_MAP
from codelab.sdk.retrieval import CodeSearch, Findings, References, SymbolPlaces

T = TypeVar("T")


class ReportedCode:
    """Searches one workspace, and says on the bus how that went.

    Args:
        workspace_id: The workspace.
        code: What searches it.
        bus: Is told of each answer.
    """

    def __init__(self, workspace_id: str, code: CodeSearch, bus: Bus) -> None:
        self._workspace_id = workspace_id
        self._code = code
        self._bus = bus

    async def search(self, question: str, *, folder: str = ".", most: int = 8) -> Findings:
        """Find the pieces of code that a question is about."""
        asked = self._code.search(question, folder=folder, most=most)
        return await self._told("code", asked, lambda answer: bool(answer.findings))

    async def symbols(self, name: str, *, most: int = 20) -> SymbolPlaces:
        """Find where something is defined, exact names first."""
        asked = self._code.symbols(name, most=most)
        return await self._told("symbol", asked, lambda answer: bool(answer.places))

    async def references(self, name: str, *, most: int = 60) -> References:
        """Find the lines in which a name occurs as a whole word."""
        asked = self._code.references(name, most=most)
        return await self._told("references", asked, lambda answer: bool(answer.references))

    async def map(self, budget: int) -> str:
        """Draw the project."""
        asked = self._code.map(budget)
        return await self._told("map", asked, lambda drawn: not drawn.startswith(NO_MAP))

    async def _told(self, kind: Kind, asked: Awaitable[T], found: Callable[[T], bool]) -> T:
        started = time.perf_counter()
        answer = await asked
        self._bus.publish(
            CodeSearched(
                workspace_id=self._workspace_id,
                kind=kind,
                found=found(answer),
                duration_ms=(time.perf_counter() - started) * 1000,
            )
        )
        return answer

"""Code search without an index: words and names as they are written, in the files as they are."""

from __future__ import annotations

import asyncio
import math
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from typing import Protocol

from codelab.kit.errors import CodeLabError
from codelab.retrieval.ranking.terms import parts_of_word, terms_of_word, words
from codelab.sdk.retrieval import (
    Finding,
    Findings,
    Reference,
    References,
    SymbolPlace,
    SymbolPlaces,
)
from codelab.sdk.workspace import FileContent, Matches

# Each word is one search: the longest ones tell most.
_MOST_WORDS = 6
_BEFORE, _AFTER = 3, 12
# What is told apart by the word before a name.
_KINDS = {
    **dict.fromkeys(("def", "fn", "fun", "func", "function"), "function"),
    **dict.fromkeys(("class", "enum", "interface", "object", "struct", "trait"), "class"),
    **dict.fromkeys(("const", "let", "val", "var"), "constant"),
    "type": "type",
    "module": "module",
}
NO_MAP = "There is no map"
_NO_INDEX = "the index of this project is not made yet"


class View(Protocol):
    """The workspace as the one who asks may see it."""

    async def read(self, path: str) -> FileContent:
        """Read a text file, or refuse."""
        ...

    async def search(
        self, pattern: str, path: str = ".", *, glob: str = "", ignore_case: bool = False
    ) -> Matches:
        """Find the lines that match a regular expression."""
        ...


class PlainCode:
    """Finds words and names as they are written; each answer says that there is no index.

    Args:
        view: The workspace's files as the one who asks may see them.
        why: Says why there is no index; empty where it is not made yet.
    """

    def __init__(self, view: View, why: Callable[[], str]) -> None:
        self._view = view
        self._why = why

    async def search(self, question: str, *, folder: str = ".", most: int = 8) -> Findings:
        """Find the files that have most of a question's words."""
        asked = _beginnings(question)
        found = await asyncio.gather(
            *(self._view.search(re.escape(word), folder, ignore_case=True) for word in asked)
        )
        lines, scores = _weighed(found)
        findings: list[Finding] = []
        for path in sorted(scores, key=lambda one: (-scores[one], one)):
            if len(findings) == most:
                break
            try:
                text = (await self._view.read(path)).text
            except CodeLabError:
                continue
            findings.append(_finding(path, text, lines[path], scores[path]))
        return Findings(findings=tuple(findings), note=self._note())

    async def symbols(self, name: str, *, most: int = 20) -> SymbolPlaces:
        """Find the lines that seem to define a name."""
        defined = rf"\b({'|'.join(_KINDS)})\s+{re.escape(name)}\b"
        found = await self._view.search(defined)
        places = [
            SymbolPlace(
                name=name,
                kind=_KINDS[kind[1]],
                path=one.path,
                first=one.line,
                last=one.line,
            )
            for one in found.matches[:most]
            if (kind := re.search(defined, one.text))
        ]
        return SymbolPlaces(places=tuple(places), note=self._note())

    async def outline(self, path: str) -> SymbolPlaces:
        """Say that nobody has looked at what files define."""
        return SymbolPlaces(note=self._why() or _NO_INDEX)

    async def references(self, name: str, *, most: int = 60) -> References:
        """Find the lines in which a name occurs as a whole word."""
        found = await self._view.search(rf"\b{re.escape(name)}\b")
        return References(
            references=tuple(
                Reference(path=one.path, line=one.line, text=one.text)
                for one in found.matches[:most]
            ),
            truncated=found.truncated or len(found.matches) > most,
            note=self._note(),
        )

    async def map(self, budget: int) -> str:
        """Say that there is none."""
        return f"{NO_MAP}: {self._why() or _NO_INDEX}. list_files shows the folders."

    def _note(self) -> str:
        return f"found by plain search: {self._why() or _NO_INDEX}"


def _beginnings(question: str) -> list[str]:
    """Return what a question's words begin with in all their forms, the longest first."""
    found = {
        stem if part.startswith(stem) else part
        for word in words(question)
        for part, stem in zip(parts_of_word(word), terms_of_word(word), strict=False)
    }
    return sorted(found, key=lambda one: (-len(one), one))[:_MOST_WORDS]


def _weighed(
    found: Iterable[Matches],
) -> tuple[Mapping[str, Mapping[int, float]], Mapping[str, float]]:
    """Weigh files, and lines in them, by the words that they have: rare ones count for more."""
    lines: defaultdict[str, defaultdict[int, float]] = defaultdict(lambda: defaultdict(float))
    scores: defaultdict[str, float] = defaultdict(float)
    for one in found:
        paths = {match.path for match in one.matches}
        weight = 1 / math.log(2 + len(paths) + len(one.further))
        for path in paths:
            scores[path] += weight
        for match in one.matches:
            lines[match.path][match.line] += weight
    return lines, scores


def _finding(path: str, text: str, weights: Mapping[int, float], score: float) -> Finding:
    """Show where a file has most of the words close together."""

    def around(line: int) -> float:
        near = range(line - _BEFORE, line + _AFTER + 1)
        return sum(weight for other, weight in weights.items() if other in near)

    best = max(weights, key=lambda line: (around(line), -line))
    lines = text.split("\n")
    first, last = max(1, best - _BEFORE), min(len(lines), best + _AFTER)
    return Finding(
        path=path,
        first=first,
        last=last,
        text="\n".join(lines[first - 1 : last]),
        reason="its words",
        score=score,
    )

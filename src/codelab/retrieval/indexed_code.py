"""Code search for one workspace and one audience: what is told was compared with the files."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from typing import TypeVar

from codelab.kit.errors import CodeLabError
from codelab.retrieval.index.entries import FoundPiece, FoundSymbol
from codelab.retrieval.index.opening import ReadableIndex
from codelab.retrieval.index.readers import Readers
from codelab.retrieval.mapping import drawn
from codelab.retrieval.overview import mapped_files
from codelab.retrieval.plain import PlainCode, View
from codelab.retrieval.ranking.fusion import Ranked
from codelab.retrieval.ranking.question import telling, terms_of
from codelab.retrieval.searching import Answer, answered
from codelab.sdk.retrieval import (
    Finding,
    Findings,
    Reference,
    References,
    SymbolPlace,
    SymbolPlaces,
)
from codelab.sdk.workspace import FileContent

_CHANGED = "changed a moment ago; read it"
# What each ranking is called when an answer says why it is one.
_REASONS = {
    "piece": "its words",
    "file": "words all over the file",
    "path": "its path",
    "symbol": "names it defines",
    "history": "past commits",
    "meaning": "its meaning",
}
T = TypeVar("T")

# From this share of the whole score on, a ranking is worth being named.
_TELLING = 0.2
_MOST_ASKED = 4
_MOST_CANDIDATES = 400

Similarities = Callable[[str], Awaitable[Mapping[str, float]]]
Listed = Callable[[Sequence[str]], Awaitable[Collection[str]]]


class IndexedCode:
    """Searches one workspace's index and shows only what its view lets be read.

    Args:
        workspace_id: The workspace.
        view: Its files as the one who asks may see them.
        readers: Where its index is asked.
        listed: Says which files agents may know of now.
        settled: Waits for what was told to have changed.
        similarities: How near pieces are to a question in meaning, by digest.
        changed: Told of files that are found to be no longer what the index says.
        note: What is to be said of the index with every answer; usually empty.
        plain: Answers as long as there is no index.
    """

    def __init__(
        self,
        workspace_id: str,
        view: View,
        readers: Readers,
        listed: Listed,
        settled: Callable[[], Awaitable[None]],
        similarities: Similarities,
        changed: Callable[[Sequence[str]], None],
        note: Callable[[], str],
        plain: PlainCode,
    ) -> None:
        self._workspace_id = workspace_id
        self._view = view
        self._readers = readers
        self._listed = listed
        self._settled = settled
        self._similarities = similarities
        self._changed = changed
        self._note = note
        self._plain = plain

    async def search(self, question: str, *, folder: str = ".", most: int = 8) -> Findings:
        """Find the pieces of code that a question is about."""
        near = await self._similarities(question)
        within = "" if folder == "." else folder.strip("/")
        answer = await self._ask(
            lambda index: answered(
                index,
                question,
                similarities=near,
                folder=within,
                pieces_of=most * _MOST_ASKED,
            )
        )
        if answer is None:
            return await self._plain.search(question, folder=folder, most=most)
        found: list[Finding] = []
        # Some may not be read, or are gone: then the next ones take their places.
        for ranked in answer.files[: most * _MOST_ASKED]:
            shown = await self._shown(ranked, answer)
            if shown is not None:
                found.append(shown)
            if len(found) == most:
                break
        note = self._note()
        if note and not found:
            # It may be in what is not indexed yet.
            return await self._plain.search(question, folder=folder, most=most)
        return Findings(findings=tuple(found), note=note)

    async def symbols(self, name: str, *, most: int = 20) -> SymbolPlaces:
        """Find where something is defined, exact names first."""
        found = await self._ask(lambda index: _symbols(index, name, most * _MOST_ASKED))
        if found is None:
            return await self._plain.symbols(name, most=most)
        places: list[SymbolPlace] = []
        for symbol in found:
            if await self._is_current(symbol.path, symbol.version):
                places.append(_place(symbol))
            if len(places) == most:
                break
        note = self._note()
        if note and not places:
            return await self._plain.symbols(name, most=most)
        return SymbolPlaces(places=tuple(places), note=note)

    async def outline(self, path: str) -> SymbolPlaces:
        """List what a file defines, in the order of its lines."""
        found = await self._ask(lambda index: index.catalogue.symbols_of(path))
        if found is None:
            return await self._plain.outline(path)
        if found and not await self._is_current(path, found[0].version):
            return SymbolPlaces(note=_CHANGED)
        return SymbolPlaces(places=tuple(map(_place, found)), note=self._note())

    async def references(self, name: str, *, most: int = 60) -> References:
        """Find the lines in which a name occurs as a whole word."""
        candidates = await self._ask(lambda index: _candidates(index, name))
        if candidates is None:
            return await self._plain.references(name, most=most)
        word = re.compile(rf"(?<!\w){re.escape(name)}(?!\w)")
        found: list[Reference] = []
        for path, defined in candidates.items():
            content = await self._read(path)
            if content is not None:
                found += await asyncio.to_thread(_lines_with, word, content, defined)
            if len(found) > most:
                break
        note = self._note()
        if note and not found:
            return await self._plain.references(name, most=most)
        return References(references=tuple(found[:most]), truncated=len(found) > most, note=note)

    async def map(self, budget: int) -> str:
        """Draw the project."""
        files = await self._ask(mapped_files)
        if files is None:
            return await self._plain.map(budget)
        listed = await self._listed([one.path for one in files])
        return await asyncio.to_thread(drawn, [one for one in files if one.path in listed], budget)

    async def _ask(self, question: Callable[[ReadableIndex], T]) -> T | None:
        await self._settled()
        return await self._readers.attempt(self._workspace_id, question)

    async def _read(self, path: str) -> FileContent | None:
        try:
            return await self._view.read(path)
        except CodeLabError:
            return None

    async def _is_current(self, path: str, version: str) -> bool:
        """Tell whether a file can be read and is as the index says; pass on that it changed."""
        content = await self._read(path)
        if content is not None and content.digest != version:
            self._changed([path])
        return content is not None and content.digest == version

    async def _shown(self, ranked: Ranked, answer: Answer) -> Finding | None:
        content = await self._read(ranked.path)
        if content is None:
            return None
        reason = _reason(ranked)
        best = answer.pieces.get(ranked.path)
        if best is None:
            return Finding(path=ranked.path, reason=reason, score=ranked.score)
        if content.digest != best.version:
            self._changed([ranked.path])
            return Finding(path=ranked.path, reason=_CHANGED, score=ranked.score)
        return Finding(
            path=ranked.path,
            first=best.first,
            last=best.last,
            text=_lines(content.text, best),
            names=best.names,
            reason=reason,
            score=ranked.score,
        )


def _symbols(index: ReadableIndex, name: str, most: int) -> list[FoundSymbol]:
    found = index.catalogue.symbols(name, "folded", most)
    if len(found) < most:
        found += index.catalogue.symbols(name, "prefix", most - len(found))
    unique = {(one.path, one.first, one.name): one for one in found}
    return list(unique.values())


def _candidates(index: ReadableIndex, name: str) -> dict[str, frozenset[int]]:
    """Choose the files in which the name may occur, with the lines that define it."""
    defined: dict[str, set[int]] = {}
    for symbol in index.catalogue.symbols(name, "exact", _MOST_CANDIDATES):
        defined.setdefault(symbol.path, set()).add(symbol.first)
    counts = terms_of(name)
    rarest = telling(counts, index.lexical.found_in("file", counts), index.lexical.size("file"))
    rows = index.lexical.best("file", rarest[:1], _MOST_CANDIDATES)
    others = sorted(index.catalogue.paths_of_versions(row for row, _ in rows).values())
    paths = dict.fromkeys([*defined, *others])
    return {path: frozenset(defined.get(path, ())) for path in paths}


def _lines_with(
    word: re.Pattern[str], content: FileContent, defined: frozenset[int]
) -> list[Reference]:
    return [
        Reference(
            path=content.path, line=number, text=line.rstrip("\r"), is_definition=number in defined
        )
        for number, line in enumerate(content.text.split("\n"), 1)
        if word.search(line)
    ]


def _lines(text: str, piece: FoundPiece) -> str:
    # Lines are counted as the index counts them: by line feeds alone.
    return "\n".join(text.split("\n")[piece.first - 1 : piece.last])


def _place(symbol: FoundSymbol) -> SymbolPlace:
    return SymbolPlace(
        name=symbol.name,
        kind=symbol.kind,
        path=symbol.path,
        first=symbol.first,
        last=symbol.last,
        container=symbol.container,
    )


def _reason(ranked: Ranked) -> str:
    """Say in a few words what spoke for a file most."""
    parts = sorted(ranked.parts.items(), key=lambda part: -part[1])
    return ", ".join(_REASONS[name] for name, score in parts if score >= _TELLING * ranked.score)

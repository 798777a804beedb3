"""The indexed code of a project as tools see it: what is found can be read, and is as it is now."""

from __future__ import annotations

from typing import Protocol

import msgspec


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """A piece of a file that answers a question.

    Args:
        path: The file.
        first: The piece's first line, from 1; 0 where only the file itself is meant.
        last: Its last line.
        text: What stands there now; empty where only the file itself is meant.
        names: What is defined in it.
        reason: Why it was found, in a few words.
        score: How well it fits, for comparison within one answer only.
    """

    path: str
    first: int = 0
    last: int = 0
    text: str = ""
    names: tuple[str, ...] = ()
    reason: str = ""
    score: float = 0.0


class SymbolPlace(msgspec.Struct, frozen=True, kw_only=True):
    """Where something is defined.

    Args:
        name: Its name.
        kind: What it is: class, function, method, type, module or constant.
        path: The file.
        first: Its first line, from 1.
        last: Its last line.
        container: The name of what it lies in, if any.
    """

    name: str
    kind: str
    path: str
    first: int
    last: int
    container: str = ""


class Reference(msgspec.Struct, frozen=True, kw_only=True):
    """A line in which a name occurs; `is_definition` where it is defined there."""

    path: str
    line: int
    text: str
    is_definition: bool = False


class Findings(msgspec.Struct, frozen=True, kw_only=True):
    """An answer.

    Args:
        findings: The best first.
        note: What the answer lacks, for instance because the index is being made; or empty.
    """

    findings: tuple[Finding, ...] = ()
    note: str = ""


class SymbolPlaces(msgspec.Struct, frozen=True, kw_only=True):
    """Where a name is defined, the likeliest first; `note` says what the answer lacks."""

    places: tuple[SymbolPlace, ...] = ()
    note: str = ""


class References(msgspec.Struct, frozen=True, kw_only=True):
    """Where a name occurs, by file; `truncated` where there is more, `note` what is lacking."""

    references: tuple[Reference, ...] = ()
    truncated: bool = False
    note: str = ""


class CodeSearch(Protocol):
    """Finds code in the project of a session, within what the asking agent may read.

    Each call raises `CodeLabError` where the project cannot be searched; its text says why.
    """

    async def search(self, question: str, *, folder: str = ".", most: int = 8) -> Findings:
        """Find the pieces of code that a question in plain words, or with names, is about.

        Args:
            question: What is looked for.
            folder: Only in there.
            most: How many files at most.
        """

    async def symbols(self, name: str, *, most: int = 20) -> SymbolPlaces:
        """Find where a class, a function or the like is defined, exact names first."""

    async def references(self, name: str, *, most: int = 60) -> References:
        """Find the lines in which a name occurs as a whole word."""

    async def map(self, budget: int) -> str:
        """Draw the project: its folders, its most used files, and what they define.

        Args:
            budget: How many tokens it may have, about.
        """

"""What a map shows of a project: files by how much others use what they define."""

from __future__ import annotations

import math
from collections import defaultdict

from codelab.retrieval.index.entries import FoundSymbol
from codelab.retrieval.index.opening import ReadableIndex
from codelab.retrieval.mapping import MappedFile
from codelab.retrieval.ranking.terms import terms_of_word
from codelab.retrieval.sources import is_source

# Beyond this many, the rest of a very large project counts by its files alone.
_MOST_SYMBOLS = 20_000
# Of what is no source of the product, such as its tests, so much counts.
_OTHERS = 0.2


def mapped_files(index: ReadableIndex) -> list[MappedFile]:
    """Weigh all files of an index."""
    symbols: dict[str, list[FoundSymbol]] = defaultdict(list)
    for symbol in index.catalogue.outer_symbols(_MOST_SYMBOLS):
        symbols[symbol.path].append(symbol)
    names = {symbol.name for some in symbols.values() for symbol in some}
    users = _users(index, names)
    return [
        MappedFile(
            path=file.path,
            weight=_weight(file.path, symbols[file.path], users),
            symbols=_shown(symbols[file.path], users),
        )
        for file in index.catalogue.files()
    ]


def _users(index: ReadableIndex, names: set[str]) -> dict[str, int]:
    """Count in how many files each name occurs."""
    term_of = {name: terms[-1] for name in names if (terms := terms_of_word(name))}
    counts = index.lexical.found_in("file", set(term_of.values()))
    return {name: counts.get(term, 0) for name, term in term_of.items()}


def _weight(path: str, symbols: list[FoundSymbol], users: dict[str, int]) -> float:
    # The file itself is among those in which its names occur.
    used = sum(math.log(max(users.get(symbol.name, 1), 1)) for symbol in symbols)
    return used if is_source(path) else _OTHERS * used


def _shown(symbols: list[FoundSymbol], users: dict[str, int]) -> tuple[str, ...]:
    ordered = sorted(symbols, key=lambda one: (-users.get(one.name, 0), one.first))
    names = (f"class {one.name}" if one.kind == "class" else one.name for one in ordered)
    return tuple(dict.fromkeys(names))

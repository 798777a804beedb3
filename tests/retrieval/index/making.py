"""Files as the indexer would put them, made of a few lines."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from codelab.retrieval.chunks.chunking import Definition, pieces
from codelab.retrieval.index.entries import Entry, EntryPiece, Stat
from codelab.retrieval.ranking.terms import terms

STAT = Stat(size=10, mtime_ns=1, ctime_ns=2, inode=3, device=4)


def digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def entry(
    path: str,
    text: str,
    definitions: Sequence[Definition] = (),
    *,
    language: str = "Python",
    stat: Stat = STAT,
) -> Entry:
    lines = text.split("\n")
    cut = [
        EntryPiece(
            first=one.first,
            last=one.last,
            names=one.names,
            terms=terms("\n".join(lines[one.first - 1 : one.last])),
            digest=digest(f"{path}\n{text}\n{one.first}"),
        )
        for one in pieces(len(lines), definitions)
    ]
    return Entry(
        path=path,
        stat=stat,
        digest=digest(text),
        language=language,
        lines=len(lines),
        how="tree" if definitions else "windows",
        pieces=cut,
        definitions=definitions,
    )


def function(name: str, first: int = 1, last: int = 1, container: str = "") -> Definition:
    return Definition(name=name, kind="function", first=first, last=last, container=container)

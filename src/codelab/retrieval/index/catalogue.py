"""What is known of a workspace: its files, their pieces and what they define, for reading."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import apsw

from codelab.retrieval.index.connecting import listed, reported, run
from codelab.retrieval.index.entries import (
    KINDS,
    QUALIFIERS,
    Coverage,
    FoundFile,
    FoundPiece,
    FoundSymbol,
    Match,
    Stat,
    unqualified,
)

_FOLDED = "SELECT ltrim(replace(lower(?), '_', ''), '$@~')"
# By folded names from ?2 to ?3.
_SYMBOLS = """
SELECT path, version, language, name, kind, first, last, container FROM found_symbols
WHERE beginning BETWEEN substr(?2, 1, 10) AND substr(?3, 1, 10)
    AND folded BETWEEN ?2 AND ?3 AND (name = ?1 OR NOT ?4)
ORDER BY name <> ?1, container <> ?5, length(folded), path, first LIMIT ?6
"""
_SYMBOLS_OF = """
SELECT path, version, language, name, kind, first, last, container FROM found_symbols
WHERE path = ? ORDER BY first, last DESC
"""
_OUTER_SYMBOLS = """
SELECT path, version, language, name, kind, first, last, container FROM found_symbols
WHERE container = '' AND kind <> 'constant' LIMIT ?
"""
_LANGUAGES = """
SELECT language, count(*), sum(lines), sum(versions.size)
FROM versions JOIN current ON version_id = versions.id GROUP BY language
"""
_HOW = "SELECT how, count(*) FROM versions JOIN current ON version_id = versions.id GROUP BY how"
_SKIPPED = "SELECT skipped, count(*) FROM current WHERE skipped IS NOT NULL GROUP BY skipped"
_COUNTS = """
SELECT (SELECT count(*) FROM pieces JOIN current USING (version_id)),
       (SELECT count(*) FROM symbols JOIN current USING (version_id))
"""
_DIGESTS = """
SELECT DISTINCT digest FROM pieces WHERE version_id IN (SELECT version_id FROM current)
"""
_PATHS_OF_PIECES = """
SELECT pieces.id, path FROM pieces JOIN current USING (version_id)
JOIN paths ON paths.id = current.path_id WHERE pieces.id IN (SELECT value FROM json_each(?))
"""
_PLACES = """
SELECT digest, pieces.id, path FROM pieces JOIN current USING (version_id)
JOIN paths ON paths.id = current.path_id
WHERE digest IN (SELECT unhex(value) FROM json_each(?))
"""
_ALL_DIGESTS = "SELECT DISTINCT digest FROM pieces"
_DIGESTS_OF = """
SELECT DISTINCT digest FROM paths JOIN current ON current.path_id = paths.id
JOIN pieces USING (version_id) WHERE path IN (SELECT value FROM json_each(?))
"""
_LAST = "\U0010ffff"


class Catalogue:
    """Answers from what lies in the workspace now: what was there earlier is never among it.

    Calls block; an instance belongs to one thread at a time.

    Args:
        connection: A connection to the catalogue's file.

    Raises:
        IndexBroken: The file is damaged.
    """

    def __init__(self, connection: apsw.Connection) -> None:
        self._connection = connection

    def state(self, key: str) -> str | None:
        """Return what was noted under a key."""
        found = run(self._connection, "SELECT value FROM state WHERE key = ?", key)
        return str(found[0][0]) if found else None

    def files(self) -> Iterator[FoundFile]:
        """Yield all files of which something is known, also those that were skipped."""
        with reported():
            yield from map(_file, self._connection.execute("SELECT * FROM found_files"))

    def file(self, path: str) -> FoundFile | None:
        """Return what is known of one file."""
        found = run(self._connection, "SELECT * FROM found_files WHERE path = ?", path)
        return _file(found[0]) if found else None

    def below(self, folder: str) -> list[str]:
        """Return the paths of all known files in a folder, at any depth."""
        start = f"{folder}/"
        found = run(
            self._connection,
            "SELECT path FROM paths JOIN current ON current.path_id = paths.id "
            "WHERE path >= ? AND path < ? ORDER BY path",
            start,
            f"{start}{_LAST}",
        )
        return [path for (path,) in found]

    def knows(self, path: str, digest: str) -> bool:
        """Tell whether a path had this content before, so that `mark` is all it takes."""
        return self.version(path, digest) is not None

    def version(self, path: str, digest: str) -> tuple[int, int] | None:
        """Return the numbers of a content that a path had before, and of the path."""
        # Not as a join: SQLite plans one anew for each value.
        found = run(
            self._connection,
            "SELECT id, path_id FROM versions "
            "WHERE path_id = (SELECT id FROM paths WHERE path = ?) AND digest = ?",
            path,
            bytes.fromhex(digest),
        )
        return found[0] if found else None

    def is_treeless(self, digest: str) -> bool:
        """Tell whether this content is to be cut without its syntax tree."""
        statement = "SELECT 1 FROM treeless WHERE digest = ?"
        return bool(run(self._connection, statement, bytes.fromhex(digest)))

    def pieces(self, ids: Iterable[int]) -> dict[int, FoundPiece]:
        """Return pieces by their numbers."""
        statement = "SELECT * FROM found_pieces WHERE id IN (SELECT value FROM json_each(?))"
        found = map(_piece, run(self._connection, statement, listed(ids)))
        return {piece.id: piece for piece in found}

    def paths_of_pieces(self, ids: Iterable[int]) -> dict[int, str]:
        """Return the paths of pieces by their numbers."""
        return dict(run(self._connection, _PATHS_OF_PIECES, listed(ids)))

    def places_of(self, digests: Iterable[str]) -> list[tuple[str, int, str]]:
        """Return the digests of what an encoder is given, each with a piece and its path."""
        found = run(self._connection, _PLACES, listed(digests))
        return [(digest.hex(), number, path) for digest, number, path in found]

    def pieces_with(self, digests: Iterable[str]) -> dict[str, list[FoundPiece]]:
        """Return pieces by the digests of what an encoder is given; several may be alike."""
        statement = (
            "SELECT * FROM found_pieces WHERE digest IN (SELECT unhex(value) FROM json_each(?))"
        )
        found: dict[str, list[FoundPiece]] = {}
        for piece in map(_piece, run(self._connection, statement, listed(digests))):
            found.setdefault(piece.digest, []).append(piece)
        return found

    def pieces_of(self, path: str) -> list[FoundPiece]:
        """Return the pieces of a file in their order."""
        statement = "SELECT * FROM found_pieces WHERE path = ? ORDER BY id"
        return [_piece(row) for row in run(self._connection, statement, path)]

    def digests(self, *, earlier: bool = False) -> Iterator[str]:
        """Yield the digests of all pieces, each once; those of earlier contents too, if asked."""
        with reported():
            for (digest,) in self._connection.execute(_ALL_DIGESTS if earlier else _DIGESTS):
                yield bytes(digest).hex()

    def digests_of(self, paths: Iterable[str]) -> list[str]:
        """Return the digests of all pieces of some files, or of all below folders, each once."""
        files = listed(file for path in paths for file in (path, *self.below(path)))
        return [bytes(digest).hex() for (digest,) in run(self._connection, _DIGESTS_OF, files)]

    def paths_of_versions(self, ids: Iterable[int]) -> dict[int, str]:
        """Return the paths of versions by their numbers, as rows of `file`, `path`, `symbol`."""
        statement = (
            "SELECT version_id, path FROM current JOIN paths ON paths.id = current.path_id "
            "WHERE version_id IN (SELECT value FROM json_each(?))"
        )
        return dict(run(self._connection, statement, listed(ids)))

    def paths(self, ids: Iterable[int]) -> dict[int, str]:
        """Return paths by their numbers, as rows of `history`."""
        statement = (
            "SELECT paths.id, path FROM paths JOIN current ON current.path_id = paths.id "
            "WHERE paths.id IN (SELECT value FROM json_each(?))"
        )
        return dict(run(self._connection, statement, listed(ids)))

    def symbols(self, name: str, match: Match, most: int) -> list[FoundSymbol]:
        """Find what is defined by a name, the exact spelling first, then shorter names.

        Args:
            name: The name; what it is qualified with only moves those to the front.
            match: Whether spelling counts, or not capitals and underscores, or only the beginning.
            most: How many at most.
        """
        qualifier, last = unqualified(name)
        key = str(run(self._connection, _FOLDED, last)[0][0])
        # Nothing but underscores begins like every other name.
        upper = f"{key}{_LAST}" if key and match == "prefix" else key
        values = (last, key, upper, match == "exact", qualifier.rstrip(QUALIFIERS), most)
        return [_symbol(row) for row in run(self._connection, _SYMBOLS, *values)]

    def symbols_of(self, path: str) -> list[FoundSymbol]:
        """Return what a file defines, in the order of its lines, outer things first."""
        return [_symbol(row) for row in run(self._connection, _SYMBOLS_OF, path)]

    def outer_symbols(self, most: int) -> list[FoundSymbol]:
        """Return what files define that lies in nothing else, constants left out."""
        return [_symbol(row) for row in run(self._connection, _OUTER_SYMBOLS, most)]

    def coverage(self) -> Coverage:
        """Count what is there."""
        languages = run(self._connection, _LANGUAGES)
        pieces, symbols = run(self._connection, _COUNTS)[0]
        return Coverage(
            files=sum(files for _, files, _, _ in languages),
            lines=sum(lines for _, _, lines, _ in languages),
            size=sum(size for *_, size in languages),
            pieces=pieces,
            symbols=symbols,
            languages={name: (files, lines) for name, files, lines, _ in languages},
            how=dict(run(self._connection, _HOW)),
            skipped=dict(run(self._connection, _SKIPPED)),
        )


def _file(row: tuple[Any, ...]) -> FoundFile:
    path, size, mtime_ns, ctime_ns, inode, device, digest, language, lines, how, skipped = row
    return FoundFile(
        path=path,
        stat=Stat(size, mtime_ns, ctime_ns, inode, device),
        digest=(digest or b"").hex(),
        language=language or "",
        lines=lines or 0,
        how=how or "",
        skipped=skipped or "",
    )


def _piece(row: tuple[Any, ...]) -> FoundPiece:
    number, path, version, language, first, last, names, digest = row
    return FoundPiece(
        id=number,
        path=path,
        version=version.hex(),
        language=language,
        first=first,
        last=last,
        names=tuple(names.split("\n")) if names else (),
        digest=digest.hex(),
    )


def _symbol(row: tuple[Any, ...]) -> FoundSymbol:
    path, version, language, name, kind, first, last, container = row
    return FoundSymbol(
        path=path,
        version=version.hex(),
        language=language,
        name=name,
        kind=KINDS[kind],
        first=first,
        last=last,
        container=container,
    )

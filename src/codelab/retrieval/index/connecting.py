"""Connections to the SQLite file of an index, whose errors are ours."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import apsw

from codelab.retrieval.errors import IndexBroken, IndexUnwritable

Value = None | int | float | str | bytes
_WAITS_MS = 5000
# What one connection keeps of the file in memory.
_CACHE_KIB = 16_000
# Statements never change: one that the file does not understand tells of a file of others.
_BROKEN = (apsw.CorruptError, apsw.NotADBError, apsw.SQLError)
_UNWRITABLE = (
    *(apsw.FullError, apsw.IOError, apsw.ReadOnlyError, apsw.CantOpenError),
    *(apsw.BusyError, apsw.LockedError, apsw.PermissionsError),
)

# What stays of the write-ahead log when all of it has been taken over.
_JOURNAL_BYTES = 4_000_000


@contextmanager
def reported() -> Iterator[None]:
    """Turn what SQLite raises into the conditions that callers know.

    Raises:
        IndexBroken: The file is damaged, or holds something else.
        IndexUnwritable: The disk is full or refuses.
    """
    try:
        yield
    except _BROKEN as error:
        raise IndexBroken("The index is damaged and has to be made anew.") from error
    except _UNWRITABLE as error:
        raise IndexUnwritable("The index cannot be written. Is the disk full?") from error


def writing(file: Path) -> apsw.Connection:
    """Open a file for the one process that writes it; make it where there is none."""
    connection = _opened(file, apsw.SQLITE_OPEN_READWRITE | apsw.SQLITE_OPEN_CREATE)
    with reported():
        connection.execute("PRAGMA journal_mode = wal")
        # The loss of power leaves no other index ahead of this file.
        connection.execute("PRAGMA synchronous = full")
        connection.execute(f"PRAGMA journal_size_limit = {_JOURNAL_BYTES}")
    return connection


def reading(file: Path) -> apsw.Connection:
    """Open a file that another process writes."""
    return _opened(file, apsw.SQLITE_OPEN_READONLY)


def _opened(file: Path, flags: int) -> apsw.Connection:
    with reported():
        connection = apsw.Connection(str(file), flags=flags)
        connection.set_busy_timeout(_WAITS_MS)
        connection.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
    return connection


def run(connection: apsw.Connection, statement: str, *values: Value) -> list[Any]:
    """Run a statement and return all its rows."""
    with reported():
        return list(connection.execute(statement, values))


def run_each(
    connection: apsw.Connection, statement: str, values: Iterable[Sequence[Value]]
) -> None:
    """Run a statement once for each of many rows of values."""
    with reported():
        connection.executemany(statement, values)


def listed(values: Iterable[int] | Iterable[str]) -> str:
    """Write many values as one, for `IN (SELECT value FROM json_each(?))`."""
    return json.dumps(list(values), separators=(",", ":"))

"""The index of a workspace as a folder: one writer, many readers, and a new one for a broken one.

Each time it is made anew it gets a folder with the next number, and the one before is removed:
whoever still reads that one is not disturbed, and sees that it was replaced.
"""

from __future__ import annotations

import fcntl
import os
import shutil
from importlib import import_module
from pathlib import Path
from typing import Literal

import apsw

from codelab.retrieval.errors import IndexBroken, IndexLocked, IndexOutdated, IndexUnwritable
from codelab.retrieval.index import schema
from codelab.retrieval.index.catalogue import Catalogue
from codelab.retrieval.index.connecting import reading, run, writing
from codelab.retrieval.index.fts5 import Fts5Index
from codelab.retrieval.index.lexical import LexicalIndex
from codelab.retrieval.index.writer import Writer

Engine = Literal["fts5", "tantivy"]
_CATALOGUE = "catalogue.db"
_LEXICAL = "lexical"
_LOCK = "lock"
_NEW = "new"
_ENGINE = "engine"


class WritableIndex:
    """The index of a workspace in the hands of its one writer, made where there is none.

    Args:
        folder: Where the workspace's index is.
        engine: What searches it; with another one than before it is made anew.

    Attributes:
        writer: What writes it.
        is_new: Whether nothing is in it yet.
        was_broken: Whether what was there could not be read and made room.

    Raises:
        IndexLocked: Another process writes it.
        IndexUnwritable: The folder cannot be written.
    """

    def __init__(self, folder: Path, engine: Engine) -> None:
        self._folder = folder
        self._engine = engine
        self._lock = _locked(folder)
        self.is_new = False
        self.was_broken = False
        try:
            self.writer = self._opened()
        except BaseException:
            os.close(self._lock)
            raise

    def renew(self) -> None:
        """Begin an empty index in place of this one."""
        self.writer.close()
        self.writer = self._renewed()

    def close(self) -> None:
        """Let another process write."""
        self.writer.close()
        os.close(self._lock)

    def _opened(self) -> Writer:
        newest = _newest(self._folder)
        if newest is None:
            return self._renewed()
        try:
            return self._writer(newest)
        except IndexBroken as error:
            self.was_broken = not isinstance(error, IndexOutdated)
            return self._renewed()

    def _writer(self, folder: Path) -> Writer:
        connection = writing(folder / _CATALOGUE)
        try:
            schema.check(connection)
            if run(connection, "PRAGMA quick_check(1)") != [("ok",)]:
                raise IndexBroken("The index is damaged and has to be made anew.")
            if Catalogue(connection).state(_ENGINE) != self._engine:
                raise IndexOutdated("The index was made for another engine.")
            return Writer(connection, _lexical(folder, connection, self._engine, writes=True))
        except BaseException:
            connection.close()
            raise

    def _renewed(self) -> Writer:
        self.is_new = True
        older = _newest(self._folder)
        new = self._folder / _NEW
        try:
            shutil.rmtree(new, ignore_errors=True)
            new.mkdir(mode=0o700)
            _create(new, self._engine)
            folder = new.rename(self._folder / str(int(older.name) + 1 if older else 1))
        except OSError as error:
            raise IndexUnwritable("The folder of the index cannot be written.") from error
        for each in _numbered(self._folder):
            if each != folder:
                shutil.rmtree(each, ignore_errors=True)
        return self._writer(folder)


class ReadableIndex:
    """The index of a workspace for one thread that reads it.

    Attributes:
        catalogue: What is known of the files.
        lexical: What ranks them by the terms of a question.

    Raises:
        IndexBroken: It is damaged, or was made by another release.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._connection = reading(folder / _CATALOGUE)
        try:
            schema.check(self._connection)
            self.catalogue = Catalogue(self._connection)
            engine = self.catalogue.state(_ENGINE)
            self.lexical = _lexical(folder, self._connection, engine, writes=False)
        except BaseException:
            self._connection.close()
            raise

    def was_replaced(self) -> bool:
        """Tell whether another one was made in its place, which is then to be opened."""
        return not (self._folder / _CATALOGUE).exists()

    def close(self) -> None:
        """Close the files."""
        self.lexical.close()
        self._connection.close()


def readable(folder: Path) -> ReadableIndex | None:
    """Open the index of a workspace for reading, if there is one.

    Raises:
        IndexBroken: It is damaged, or was made by another release.
    """
    newest = _newest(folder)
    return ReadableIndex(newest) if newest else None


def _create(folder: Path, engine: Engine) -> None:
    connection = writing(folder / _CATALOGUE)
    try:
        schema.create(connection)
        run(connection, "INSERT INTO state VALUES (?, ?)", _ENGINE, engine)
        if engine == "fts5":
            Fts5Index.create(connection)
        else:
            _lexical(folder, connection, engine, writes=True).close()
    finally:
        connection.close()


def _lexical(
    folder: Path, connection: apsw.Connection, engine: str | None, *, writes: bool
) -> LexicalIndex:
    if engine == "fts5":
        return Fts5Index(connection)
    # Its package is an extra, which only those have who chose it.
    found = import_module("codelab.retrieval.index.tantivy_index")
    index: LexicalIndex = found.TantivyIndex(folder / _LEXICAL, writes=writes)
    return index


def _numbered(folder: Path) -> list[Path]:
    try:
        return [each for each in folder.iterdir() if each.name.isdecimal()]
    except FileNotFoundError:
        return []


def _newest(folder: Path) -> Path | None:
    return max(_numbered(folder), key=lambda each: int(each.name), default=None)


def _locked(folder: Path) -> int:
    """Hold a lock that ends with the process at the latest, whatever happens to it."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(folder / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise IndexUnwritable("The folder of the index cannot be written.") from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(descriptor)
        raise IndexLocked("Another process writes this index.") from error
    return descriptor

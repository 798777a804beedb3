"""Vectors in files beside the index: sqlite-vec, every vector compared.

Each component is kept in a byte, scaled by the largest of its vector: a quarter of the size, half
of the time, and an order that differs only among near ties. A plain table is read several times
faster than the extension's own virtual one, and gives room back when vectors go.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import shutil
import threading
from collections import OrderedDict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

import apsw
import numpy as np
import sqlite_vec
import structlog

from codelab.retrieval.errors import (
    DimensionsDiffer,
    IndexBroken,
    IndexUnwritable,
    VectorsUnavailable,
)
from codelab.retrieval.index.connecting import listed, reading, reported, run, run_each, writing
from codelab.retrieval.vectors.store import Vector

T = TypeVar("T")

_FOLDER = "vectors"
_MOST_OPEN = 16
# A file is read from its beginning to its end each time; the system remembers it better.
_CACHE_KIB = 2000
_TABLES = """
CREATE TABLE IF NOT EXISTS model (dimensions INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS vectors (
    id INTEGER PRIMARY KEY, digest BLOB NOT NULL UNIQUE, scaled BLOB NOT NULL
);
"""
_PUT = """
INSERT INTO vectors (digest, scaled) VALUES (?, ?)
ON CONFLICT (digest) DO UPDATE SET scaled = excluded.scaled
"""
_KNOWN = "SELECT digest FROM vectors WHERE digest IN (SELECT unhex(value) FROM json_each(?))"
# Of a vector that is all zeros there is no distance.
_NEAREST = """
SELECT digest, coalesce(1 - vec_distance_cosine(vec_int8(scaled), vec_int8(?)), 0.0) AS near
FROM vectors ORDER BY near DESC LIMIT ?
"""
_KEEP = "DELETE FROM vectors WHERE digest NOT IN (SELECT unhex(value) FROM json_each(?))"
_log = structlog.get_logger(__name__)


class SqliteVectorStore:
    """One file for each workspace and model.

    Args:
        root: The folder with one folder for each workspace.
        model: Whose vectors these are.
    """

    def __init__(self, root: Path, model: str) -> None:
        self._root = root
        self._name = f"{hashlib.sha256(model.encode()).hexdigest()[:24]}.db"
        self._files: OrderedDict[str, _File] = OrderedDict()

    async def known(self, workspace_id: str, digests: Collection[str]) -> set[str]:
        """Return those of the digests that have a vector."""
        wanted = listed(digests)
        return await self._read(
            workspace_id,
            lambda db: {digest.hex() for (digest,) in run(db, _KNOWN, wanted)},
            otherwise=set(),
        )

    async def put(self, workspace_id: str, vectors: Mapping[str, Vector]) -> None:
        """Keep vectors by their digests, in place of those that are there."""
        if not vectors:
            return

        def write(db: apsw.Connection) -> None:
            dimensions = _one_length(vectors.values())
            found = _dimensions(db)
            if found is None:
                run(db, "INSERT INTO model VALUES (?)", dimensions)
            elif found != dimensions:
                raise _differ(found, dimensions)
            keys = (bytes.fromhex(digest) for digest in vectors)
            run_each(db, _PUT, zip(keys, _scaled(list(vectors.values())), strict=True))

        await self._write(workspace_id, write)

    async def nearest(
        self, workspace_id: str, vector: Vector, most: int
    ) -> list[tuple[str, float]]:
        """Return the digests of the nearest vectors with their similarity, the nearest first."""

        def search(db: apsw.Connection) -> list[tuple[str, float]]:
            found = _dimensions(db)
            if found not in {None, len(vector)}:
                raise _differ(found, len(vector))
            (scaled,) = _scaled([vector])
            return [(digest.hex(), near) for digest, near in run(db, _NEAREST, scaled, most)]

        return await self._read(workspace_id, search, otherwise=[])

    async def count(self, workspace_id: str) -> int:
        """Return how many vectors the workspace has."""
        return await self._read(
            workspace_id,
            lambda db: int(run(db, "SELECT count(*) FROM vectors")[0][0]),
            otherwise=0,
        )

    async def keep_only(self, workspace_id: str, digests: Collection[str]) -> int:
        """Forget all others of the workspace; return how many they were."""

        def prune(db: apsw.Connection) -> int:
            run(db, _KEEP, listed(digests))
            return db.changes()

        return await self._write(workspace_id, prune)

    async def forget(self, workspace_id: str) -> None:
        """Forget all of a workspace, those of other models too."""
        await self._close(workspace_id)
        folder = self._root / workspace_id / _FOLDER
        await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)

    async def forget_other_models(self, workspace_id: str) -> None:
        """Forget what the workspace has of other models than this one."""
        await asyncio.to_thread(self._remove_others, self._root / workspace_id / _FOLDER)

    async def restart(self, dimensions: int) -> None:
        """Forget all vectors of this model, unless they have so many dimensions."""

        def renew(db: apsw.Connection) -> None:
            if _dimensions(db) not in {None, dimensions}:
                run(db, "DELETE FROM vectors")
                run(db, "DELETE FROM model")

        for workspace_id in await asyncio.to_thread(self._kept):
            await self._write(workspace_id, renew)

    async def close(self) -> None:
        """Close all files."""
        for workspace_id in list(self._files):
            await self._close(workspace_id)

    async def _read(
        self, workspace_id: str, work: Callable[[apsw.Connection], T], *, otherwise: T
    ) -> T:
        file = await self._file(workspace_id)
        return await asyncio.to_thread(file.read, work, otherwise)

    async def _write(self, workspace_id: str, work: Callable[[apsw.Connection], T]) -> T:
        file = await self._file(workspace_id)
        return await asyncio.to_thread(file.write, work)

    async def _file(self, workspace_id: str) -> _File:
        file = self._files.get(workspace_id)
        if file is None:
            file = _File(self._root / workspace_id / _FOLDER / self._name)
            self._files[workspace_id] = file
        self._files.move_to_end(workspace_id)
        if len(self._files) > _MOST_OPEN:
            await self._close(next(iter(self._files)))
        return file

    async def _close(self, workspace_id: str) -> None:
        if file := self._files.pop(workspace_id, None):
            await asyncio.to_thread(file.close)

    def _kept(self) -> list[str]:
        return [path.parents[1].name for path in self._root.glob(f"*/{_FOLDER}/{self._name}")]

    def _remove_others(self, folder: Path) -> None:
        if folder.is_dir():
            for path in folder.iterdir():
                if not path.name.startswith(self._name):
                    path.unlink(missing_ok=True)


class _File:
    """One file, which another process may write, replace or remove as well."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._reader = _Connection(path, reading)
        self._writer = _Connection(path, writing)

    def read(self, work: Callable[[apsw.Connection], T], otherwise: T) -> T:
        """Read; a file that is not there, or damaged, holds nothing."""
        if not self._path.exists():
            return otherwise
        try:
            with self._reader.lent() as db:
                return work(db)
        except IndexBroken:
            self._reader.drop()
            _log.warning("vectors_unreadable", file=self._path.name)
            return otherwise
        except IndexUnwritable as error:
            raise VectorsUnavailable(error.message) from error

    def write(self, work: Callable[[apsw.Connection], T]) -> T:
        """Write as a whole; a damaged file is replaced by an empty one."""
        try:
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            try:
                return self._written(work)
            except IndexBroken:
                _log.warning("vectors_made_anew", file=self._path.name)
                self._writer.drop()
                for end in ("", "-wal", "-shm"):
                    self._path.with_name(self._path.name + end).unlink(missing_ok=True)
                return self._written(work)
        except (IndexBroken, IndexUnwritable) as error:
            raise VectorsUnavailable(error.message) from error
        except OSError as error:
            raise VectorsUnavailable("The folder of the index cannot be written.") from error

    def _written(self, work: Callable[[apsw.Connection], T]) -> T:
        with self._writer.lent() as db:
            run(db, _TABLES)
            with reported(), db:
                result = work(db)
            return result

    def close(self) -> None:
        """Close what is open."""
        self._reader.drop()
        self._writer.drop()


class _Connection:
    """A connection for one thread at a time, opened anew when another file lies there."""

    def __init__(self, path: Path, opener: Callable[[Path], apsw.Connection]) -> None:
        self._path = path
        self._opener = opener
        self._lock = threading.Lock()
        self._open: apsw.Connection | None = None
        self._inode = 0

    @contextlib.contextmanager
    def lent(self) -> Iterator[apsw.Connection]:
        """Lend the connection."""
        with self._lock:
            if self._open and self._inode != self._current():
                self._drop()
            if self._open is None:
                self._open = _prepared(self._opener(self._path))
                self._inode = self._current()
            yield self._open

    def drop(self) -> None:
        """Close it when nobody uses it any more."""
        with self._lock:
            self._drop()

    def _drop(self) -> None:
        if self._open:
            self._open.close()
        self._open = None

    def _current(self) -> int:
        try:
            return self._path.stat().st_ino
        except OSError:
            return 0


def _prepared(db: apsw.Connection) -> apsw.Connection:
    try:
        db.enable_load_extension(True)
        db.load_extension(sqlite_vec.loadable_path())
        db.enable_load_extension(False)
        run(db, f"PRAGMA cache_size = -{_CACHE_KIB}")
        # A transaction that starts as a reader may fail to become a writer.
        db.transaction_mode = "IMMEDIATE"
    except apsw.ExtensionLoadingError as error:
        db.close()
        raise VectorsUnavailable("sqlite-vec cannot be loaded on this system.") from error
    except BaseException:
        db.close()
        raise
    return db


def _dimensions(db: apsw.Connection) -> int | None:
    found = run(db, "SELECT dimensions FROM model")
    return int(found[0][0]) if found else None


def _one_length(vectors: Collection[Vector]) -> int:
    first, *others = {len(vector) for vector in vectors}
    if others:
        raise _differ(first, others[0])
    return first


def _scaled(vectors: Sequence[Vector]) -> Iterator[bytes]:
    """Bring each vector to bytes; its length does not matter to the angle between two."""
    matrix = np.array(vectors, dtype=np.float32)
    largest = np.abs(matrix).max(axis=1, keepdims=True)
    largest[largest == 0] = 1
    return (row.tobytes() for row in np.rint(matrix / largest * 127).astype(np.int8))


def _differ(kept: int | None, given: int) -> DimensionsDiffer:
    return DimensionsDiffer(f"Vectors of {kept} dimensions are kept, and these have {given}.")

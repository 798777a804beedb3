"""Vectors in the server's PostgreSQL, by its extension pgvector, for all replicas alike.

Every vector of the workspace is compared: an approximate index over a table that workspaces share
would search among all of them and then drop what belongs to others, and so find too little for
small ones. Half precision keeps one of 3072 dimensions within its row.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

from codelab.kit.db import Database
from codelab.retrieval.errors import DimensionsDiffer, VectorsUnavailable
from codelab.retrieval.vectors.store import Vector

# The first release with vectors of half precision.
_OLDEST = (0, 7)
# Any number, the same for all replicas, so that one of them makes the tables.
_MAKING = 0x0C0DE1AB

_OFFERED = sa.text(
    "SELECT coalesce(installed_version, default_version) AS version, "
    "installed_version IS NOT NULL AS installed "
    "FROM pg_available_extensions WHERE name = 'vector'"
)
_ARE_THERE = sa.text("SELECT to_regclass('code_vectors') IS NOT NULL")
# Rows of up to a page stay whole: values that are kept elsewhere are slow to fetch.
_TABLES = (
    "CREATE TABLE IF NOT EXISTS code_vector_models ("
    "id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY, "
    "name text NOT NULL UNIQUE, dimensions integer NOT NULL)",
    "CREATE TABLE IF NOT EXISTS code_vectors ("
    "model_id integer NOT NULL REFERENCES code_vector_models (id), workspace_id text NOT NULL, "
    "digest bytea NOT NULL, embedding halfvec NOT NULL, "
    "PRIMARY KEY (workspace_id, model_id, digest)) WITH (toast_tuple_target = 8160)",
)
_MODEL = sa.text("SELECT id, dimensions FROM code_vector_models WHERE name = :name")
_HELD = sa.text("SELECT dimensions FROM code_vector_models WHERE id = :model FOR SHARE")
_NEW_MODEL = sa.text(
    "INSERT INTO code_vector_models (name, dimensions) VALUES (:name, :dimensions) "
    "ON CONFLICT (name) DO NOTHING"
)
_KNOWN = sa.text(
    "SELECT encode(digest, 'hex') FROM code_vectors "
    "WHERE workspace_id = :workspace AND model_id = :model AND digest IN "
    "(SELECT decode(given, 'hex') FROM unnest(CAST(:digests AS text[])) AS given)"
)
_PUT = sa.text(
    "INSERT INTO code_vectors (model_id, workspace_id, digest, embedding) VALUES "
    "(:model, :workspace, decode(:digest, 'hex'), CAST(CAST(:vector AS real[]) AS halfvec)) "
    "ON CONFLICT (workspace_id, model_id, digest) DO UPDATE SET embedding = EXCLUDED.embedding"
)
# As a query of its own the question is read once, and not again for each row.
_NEAREST = sa.text(
    "SELECT encode(digest, 'hex'), "
    "embedding <#> (SELECT CAST(CAST(:vector AS real[]) AS halfvec)) AS far "
    "FROM code_vectors WHERE workspace_id = :workspace AND model_id = :model "
    "ORDER BY far LIMIT :most"
)
_COUNT = sa.text(
    "SELECT count(*) FROM code_vectors WHERE workspace_id = :workspace AND model_id = :model"
)
_KEEP = sa.text(
    "DELETE FROM code_vectors "
    "WHERE workspace_id = :workspace AND model_id = :model AND digest NOT IN "
    "(SELECT decode(given, 'hex') FROM unnest(CAST(:digests AS text[])) AS given)"
)
_FORGET = sa.text("DELETE FROM code_vectors WHERE workspace_id = :workspace")
_FORGET_OTHERS = sa.text(
    "DELETE FROM code_vectors WHERE workspace_id = :workspace AND model_id NOT IN "
    "(SELECT id FROM code_vector_models WHERE name = :name)"
)

# It waits for whoever puts vectors of the model meanwhile, and they for it.
_OTHERWISE_LONG = sa.text(
    "SELECT id FROM code_vector_models WHERE name = :name AND dimensions <> :dimensions FOR UPDATE"
)
_FORGET_MODEL = sa.text("DELETE FROM code_vectors WHERE model_id = :model")
_RENEW_MODEL = sa.text("UPDATE code_vector_models SET dimensions = :dimensions WHERE id = :model")


class PgVectorStore:
    """A table that all workspaces, models and replicas share.

    `prepare` comes first.

    Args:
        db: The server's database.
        model: Whose vectors these are.
    """

    def __init__(self, db: Database, model: str) -> None:
        self._db = db
        self._name = model
        self._model: tuple[int, int] | None = None

    async def prepare(self) -> None:
        """Make the extension and the tables where they are not there yet.

        No migration does it: one that found no extension would count as done for ever.

        Raises:
            VectorsUnavailable: The database cannot keep vectors; says what it lacks.
        """
        if self._db.embedded:
            raise VectorsUnavailable("Vectors in the database need PostgreSQL.")
        try:
            async with self._db.transaction() as transaction:
                await transaction.execute(
                    sa.text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _MAKING}
                )
                found = (await transaction.execute(_OFFERED)).mappings().first()
                if lack := lacking(**found) if found else lacking(None, installed=False):
                    raise VectorsUnavailable(lack)
                if (await transaction.execute(_ARE_THERE)).scalar():
                    return
                await transaction.execute(sa.text("CREATE EXTENSION IF NOT EXISTS vector"))
                for table in _TABLES:
                    await transaction.execute(sa.text(table))
        except DBAPIError as error:
            raise VectorsUnavailable(
                "CodeLab may not make the extension pgvector or its tables in the database. Its "
                "owner can: CREATE EXTENSION vector."
            ) from error

    async def known(self, workspace_id: str, digests: Collection[str]) -> set[str]:
        """Return those of the digests that have a vector."""
        rows = await self._rows(_KNOWN, workspace_id, digests=list(digests))
        return {digest for (digest,) in rows}

    async def put(self, workspace_id: str, vectors: Mapping[str, Vector]) -> None:
        """Keep vectors by their digests, in place of those that are there."""
        if not vectors:
            return
        first, *others = {len(vector) for vector in vectors.values()}
        model = await self._model_of(first)
        for length in (first, *others):
            _require(model[1], length)
        # In one order, so that nobody waits for whoever waits for them.
        rows = [
            {"workspace": workspace_id, "model": model[0], "digest": each, "vector": list(vector)}
            for each, vector in sorted(vectors.items())
        ]
        async with self._db.transaction() as transaction:
            # Another replica may have begun anew.
            kept = (await transaction.execute(_HELD, {"model": model[0]})).scalar_one()
            _require(kept, first)
            await transaction.execute(_PUT, rows)

    async def nearest(
        self, workspace_id: str, vector: Vector, most: int
    ) -> list[tuple[str, float]]:
        """Return the digests of the nearest vectors with their similarity, the nearest first."""
        model = await self._found()
        if model and model[1] != len(vector):
            # Another replica may have begun anew.
            self._model = None
            model = await self._found()
        if model:
            _require(model[1], len(vector))
        rows = await self._rows(_NEAREST, workspace_id, vector=list(vector), most=most)
        return [(digest, -far) for digest, far in rows]

    async def count(self, workspace_id: str) -> int:
        """Return how many vectors the workspace has."""
        return sum(number for (number,) in await self._rows(_COUNT, workspace_id))

    async def keep_only(self, workspace_id: str, digests: Collection[str]) -> int:
        """Forget all others of the workspace; return how many they were."""
        model = await self._found()
        if model is None:
            return 0
        values = {"workspace": workspace_id, "model": model[0], "digests": list(digests)}
        async with self._db.transaction() as transaction:
            return (await transaction.execute(_KEEP, values)).rowcount

    async def forget(self, workspace_id: str) -> None:
        """Forget all of a workspace, those of other models too."""
        async with self._db.transaction() as transaction:
            await transaction.execute(_FORGET, {"workspace": workspace_id})

    async def forget_other_models(self, workspace_id: str) -> None:
        """Forget what the workspace has of other models than this one."""
        async with self._db.transaction() as transaction:
            values = {"workspace": workspace_id, "name": self._name}
            await transaction.execute(_FORGET_OTHERS, values)

    async def restart(self, dimensions: int) -> None:
        """Forget all vectors of this model, unless they have so many dimensions."""
        values: dict[str, Any] = {"name": self._name, "dimensions": dimensions}
        async with self._db.transaction() as transaction:
            number = (await transaction.execute(_OTHERWISE_LONG, values)).scalar()
            if number is not None:
                await transaction.execute(_FORGET_MODEL, {"model": number})
                await transaction.execute(_RENEW_MODEL, {**values, "model": number})
        self._model = None

    async def close(self) -> None:
        """Do nothing: the database is the server's."""

    async def _rows(self, statement: sa.TextClause, workspace_id: str, **values: Any) -> list[Any]:
        model = await self._found()
        if model is None:
            return []
        values |= {"workspace": workspace_id, "model": model[0]}
        async with self._db.read() as connection:
            return list((await connection.execute(statement, values)).all())

    async def _found(self) -> tuple[int, int] | None:
        """Return the number of the model and its dimensions, once it has vectors."""
        if self._model is None:
            async with self._db.read() as connection:
                rows = await connection.execute(_MODEL, {"name": self._name})
            row = rows.mappings().first()
            self._model = (row["id"], row["dimensions"]) if row else None
        return self._model

    async def _model_of(self, dimensions: int) -> tuple[int, int]:
        found = await self._found()
        if found is None:
            async with self._db.transaction() as transaction:
                values = {"name": self._name, "dimensions": dimensions}
                await transaction.execute(_NEW_MODEL, values)
                row = (await transaction.execute(_MODEL, values)).mappings().one()
            found = self._model = (row["id"], row["dimensions"])
        return found


def lacking(version: str | None, *, installed: bool) -> str:
    """Say what a database lacks in order to keep vectors; nothing where it lacks nothing.

    Args:
        version: Of the extension that is there or could be made; none where there is none.
        installed: Whether it is there.
    """
    if version is None:
        return "The server of the database has no extension pgvector."
    if tuple(int(part) for part in version.split(".")[:2]) >= _OLDEST:
        return ""
    mend = "its owner can mend that: ALTER EXTENSION vector UPDATE" if installed else "update it"
    return f"pgvector {version} is too old, 0.7 is needed; {mend}."


def _require(kept: int, given: int) -> None:
    if kept != given:
        raise DimensionsDiffer(f"Vectors of {kept} dimensions are kept, and these have {given}.")

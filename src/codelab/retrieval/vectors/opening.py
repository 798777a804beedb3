"""Which store keeps the vectors, by what is set; its packages are loaded only when it is chosen."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import msgspec

from codelab.kit.db import Database
from codelab.kit.sections import Section
from codelab.retrieval.errors import VectorsUnavailable
from codelab.retrieval.optional import loaded
from codelab.retrieval.vectors.pgvector import PgVectorStore
from codelab.retrieval.vectors.store import VectorStore

_HERE = "codelab.retrieval.vectors"
Engine = Literal["auto", "sqlite", "pgvector", "qdrant"]


class StoreChoice(Section, frozen=True, kw_only=True):
    """Where vectors are to be kept.

    Args:
        engine: `auto` takes the server's PostgreSQL where it can, else files beside the index.
        qdrant_url: The address of a Qdrant.
        qdrant_api_key: The key that it asks for.
    """

    engine: Engine = "auto"
    qdrant_url: str = ""
    qdrant_api_key: str = ""


class OpenedStore(msgspec.Struct, frozen=True):
    """The store with what it is; `note` says why it is not the better one, for people."""

    store: VectorStore
    engine: Engine
    note: str = ""


async def open_store(choice: StoreChoice, model: str, root: Path, db: Database) -> OpenedStore:
    """Open the store that was chosen.

    Args:
        model: The encoder's name.
        root: The folder with the index of each workspace.
        db: The server's database.

    Raises:
        VectorsUnavailable: It cannot be used; says what it lacks.
    """
    if choice.engine == "qdrant":
        return OpenedStore(await _qdrant(choice, model), "qdrant")
    if choice.engine == "pgvector":
        return OpenedStore(await _pgvector(db, model), "pgvector")
    note = ""
    if choice.engine == "auto" and not db.embedded:
        try:
            return OpenedStore(await _pgvector(db, model), "pgvector")
        except VectorsUnavailable as error:
            note = f"Each server keeps vectors in files of its own. {error.message}"
    return OpenedStore(await _sqlite(root, model), "sqlite", note)


async def _sqlite(root: Path, model: str) -> VectorStore:
    found = await loaded(f"{_HERE}.sqlite_vec", "codelab[vectors]", VectorsUnavailable)
    store: VectorStore = found.SqliteVectorStore(root, model)
    return store


async def _pgvector(db: Database, model: str) -> VectorStore:
    store = PgVectorStore(db, model)
    await store.prepare()
    return store


async def _qdrant(choice: StoreChoice, model: str) -> VectorStore:
    if not choice.qdrant_url:
        raise VectorsUnavailable("CODELAB_QDRANT_URL does not say where the Qdrant is.")
    found = await loaded(f"{_HERE}.qdrant", "codelab[qdrant]", VectorsUnavailable)
    store: VectorStore = found.QdrantVectorStore(
        choice.qdrant_url, model, key=choice.qdrant_api_key
    )
    return store

"""The store that is set is the one that is used, or it is said what it lacks."""

from __future__ import annotations

from pathlib import Path

import pytest

from codelab.kit.bus import Bus
from codelab.kit.db import Database
from codelab.retrieval.errors import VectorsUnavailable
from codelab.retrieval.vectors.opening import Engine, StoreChoice, open_store

A = "aa" * 32


@pytest.mark.parametrize(
    ("kind", "chosen", "engine"),
    [
        ("sqlite", "auto", "sqlite"),
        ("sqlite", "sqlite", "sqlite"),
        ("postgres", "auto", "pgvector"),
        ("postgres", "sqlite", "sqlite"),
    ],
)
async def test_auto_takes_what_the_server_has(
    kind: str, chosen: Engine, engine: Engine, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    db = Database(request.getfixturevalue(f"{kind}_url"), Bus())
    opened = await open_store(StoreChoice(engine=chosen), "model", tmp_path, db)
    assert (opened.engine, opened.note) == (engine, "")
    await opened.store.put("one", {A: (1.0, 0.0)})
    assert await opened.store.count("one") == 1
    await opened.store.close()
    await db.close()


async def test_a_store_that_cannot_be_used_says_what_it_lacks(
    sqlite_url: str, tmp_path: Path
) -> None:
    db = Database(sqlite_url, Bus())
    with pytest.raises(VectorsUnavailable, match="PostgreSQL"):
        await open_store(StoreChoice(engine="pgvector"), "model", tmp_path, db)
    with pytest.raises(VectorsUnavailable, match="CODELAB_QDRANT_URL"):
        await open_store(StoreChoice(engine="qdrant"), "model", tmp_path, db)
    await db.close()


async def test_a_qdrant_that_does_not_answer_is_told_of(sqlite_url: str, tmp_path: Path) -> None:
    db = Database(sqlite_url, Bus())
    nobody = StoreChoice(engine="qdrant", qdrant_url="http://127.0.0.1:9")
    opened = await open_store(nobody, "model", tmp_path, db)
    with pytest.raises(VectorsUnavailable, match="Qdrant does not answer"):
        await opened.store.count("one")
    await opened.store.close()
    await db.close()

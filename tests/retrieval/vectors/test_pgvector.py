"""What a PostgreSQL must have to keep vectors, and what is said where it does not."""

from __future__ import annotations

import asyncio
import uuid
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import pytest

from codelab.kit.bus import Bus
from codelab.kit.db import Database
from codelab.retrieval.errors import VectorsUnavailable
from codelab.retrieval.vectors.pgvector import PgVectorStore, lacking


@pytest.mark.parametrize(
    ("version", "installed", "said"),
    [
        ("0.7.0", True, ""),
        ("0.10", False, ""),
        ("1.0.1", True, ""),
        (None, False, "has no extension"),
        ("0.6.2", True, "ALTER EXTENSION"),
        ("0.5.1", False, "update it"),
    ],
)
def test_a_server_is_told_what_it_lacks(version: str | None, installed: bool, said: str) -> None:
    lack = lacking(version, installed=installed)
    assert said in lack if said else lack == ""


async def test_replicas_that_start_at_once_make_the_tables_once(postgres_url: str) -> None:
    databases = [Database(postgres_url, Bus()) for _ in range(4)]
    stores = [PgVectorStore(db, "model") for db in databases]
    await asyncio.gather(*(store.prepare() for store in stores))
    await asyncio.gather(
        *(store.put("one", {f"{n:02x}" * 32: (1.0, 0.0)}) for n, store in enumerate(stores))
    )
    assert await stores[0].count("one") == 4
    for db in databases:
        await db.close()


async def test_who_may_not_make_the_extension_is_told_so(postgres_url: str) -> None:
    role, password = f"guest_{uuid.uuid4().hex}", uuid.uuid4().hex
    owner = await asyncpg.connect(postgres_url.replace("+asyncpg", ""))
    parts = urlsplit(postgres_url)
    place = f"{role}:{password}@{parts.hostname}:{parts.port}"
    try:
        await owner.execute(f"CREATE ROLE {role} LOGIN PASSWORD '{password}'")
        db = Database(urlunsplit(parts._replace(netloc=place)), Bus())
        with pytest.raises(VectorsUnavailable, match="CREATE EXTENSION vector"):
            await PgVectorStore(db, "model").prepare()
        await db.close()
    finally:
        await owner.execute(f"DROP ROLE {role}")
        await owner.close()


async def test_the_embedded_database_keeps_none(sqlite_url: str) -> None:
    db = Database(sqlite_url, Bus())
    with pytest.raises(VectorsUnavailable):
        await PgVectorStore(db, "model").prepare()
    await db.close()

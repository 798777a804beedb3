"""Every vector store keeps the same promises."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
from array import array
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import numpy as np
import pytest

from codelab.kit.bus import Bus
from codelab.kit.db import Database
from codelab.retrieval.errors import DimensionsDiffer
from codelab.retrieval.vectors.pgvector import PgVectorStore
from codelab.retrieval.vectors.qdrant import QdrantVectorStore
from codelab.retrieval.vectors.sqlite_vec import SqliteVectorStore
from codelab.retrieval.vectors.store import Vector, VectorStore

# Local Qdrant compares everything, whatever index it is told to make, and says so.
pytestmark = pytest.mark.filterwarnings("ignore:Payload indexes have no effect:UserWarning")

Opener = Callable[[str], Awaitable[VectorStore]]

X, Y, NEAR_X = (1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.8, 0.6, 0.0)


def digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


A, B, C = digest("a"), digest("b"), digest("c")


def unit(seed: int, dimensions: int = 64) -> Vector:
    raw = np.random.default_rng(seed).standard_normal(dimensions)
    return array("f", raw / np.linalg.norm(raw))


@contextlib.asynccontextmanager
async def sqlite_stores(tmp_path: Path) -> AsyncIterator[Opener]:
    async def opened(model: str) -> VectorStore:
        return SqliteVectorStore(tmp_path, model)

    yield opened


@contextlib.asynccontextmanager
async def postgres_stores(url: str) -> AsyncIterator[Opener]:
    db = Database(url, Bus())

    async def opened(model: str) -> VectorStore:
        store = PgVectorStore(db, model)
        await store.prepare()
        return store

    yield opened
    await db.close()


@contextlib.asynccontextmanager
async def qdrant_stores(tmp_path: Path) -> AsyncIterator[Opener]:
    async def opened(model: str) -> VectorStore:
        return QdrantVectorStore(tmp_path, model)

    yield opened


@pytest.fixture(params=["sqlite", "pgvector", "qdrant"])
async def open_store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Opener]:
    """Opens the store of a model, on what was there before."""
    if request.param == "pgvector":
        context = postgres_stores(request.getfixturevalue("postgres_url"))
    else:
        context = (sqlite_stores if request.param == "sqlite" else qdrant_stores)(tmp_path)
    async with context as opener:
        yield opener


@pytest.fixture
async def store(open_store: Opener) -> AsyncIterator[VectorStore]:
    store = await open_store("model")
    yield store
    await store.close()


async def test_the_nearest_come_first_with_their_similarity(store: VectorStore) -> None:
    await store.put("one", {A: X, B: Y, C: NEAR_X})
    found = await store.nearest("one", X, 2)
    assert [name for name, _ in found] == [A, C]
    assert [near for _, near in found] == pytest.approx([1.0, 0.8], abs=0.01)


async def test_a_vector_that_says_nothing_is_near_to_nothing(store: VectorStore) -> None:
    await store.put("one", {A: (0.0, 0.0, 0.0), B: NEAR_X})
    (first, near), (last, far) = await store.nearest("one", X, 5)
    assert (first, last) == (B, A)
    assert [near, far] == pytest.approx([0.8, 0.0], abs=0.01)
    assert len(await store.nearest("one", (0.0, 0.0, 0.0), 5)) == 2


async def test_an_empty_store_has_nothing(store: VectorStore) -> None:
    assert await store.nearest("one", X, 5) == []
    assert await store.known("one", [A]) == set()
    assert await store.count("one") == 0
    assert await store.keep_only("one", [A]) == 0
    await store.put("one", {})
    await store.forget("one")
    await store.forget_other_models("one")


async def test_workspaces_see_nothing_of_each_other(store: VectorStore) -> None:
    await store.put("one", {A: X, B: Y})
    await store.put("two", {A: Y, C: NEAR_X})
    assert [name for name, _ in await store.nearest("one", X, 10)] == [A, B]
    assert [name for name, _ in await store.nearest("two", Y, 10)] == [A, C]
    assert await store.known("two", [A, B, C]) == {A, C}
    await store.keep_only("one", [])
    await store.forget("one")
    assert (await store.count("one"), await store.count("two")) == (0, 2)
    assert await store.nearest("three", X, 10) == []


async def test_a_vector_is_replaced(store: VectorStore) -> None:
    await store.put("one", {A: X, B: NEAR_X})
    await store.put("one", {A: Y})
    assert [name for name, _ in await store.nearest("one", X, 10)] == [B, A]
    assert await store.count("one") == 2


async def test_all_but_some_are_forgotten(store: VectorStore) -> None:
    await store.put("one", {A: X, B: Y, C: NEAR_X})
    assert await store.keep_only("one", [B, digest("never seen")]) == 2
    assert await store.known("one", [A, B, C]) == {B}
    assert [name for name, _ in await store.nearest("one", X, 10)] == [B]


async def test_other_dimensions_are_refused_and_change_nothing(store: VectorStore) -> None:
    await store.put("one", {A: X})
    with pytest.raises(DimensionsDiffer):
        await store.put("one", {B: (1.0, 0.0)})
    with pytest.raises(DimensionsDiffer):
        await store.put("one", {B: X, C: (1.0, 0.0)})
    with pytest.raises(DimensionsDiffer):
        await store.nearest("one", (1.0, 0.0), 5)
    assert await store.known("one", [A, B, C]) == {A}


async def test_a_model_that_became_longer_begins_anew_once(store: VectorStore) -> None:
    await store.put("one", {A: X})
    await store.put("two", {A: X})
    await store.restart(3)
    assert await store.count("one") == 1
    await store.restart(2)
    assert [await store.count("one"), await store.count("two")] == [0, 0]
    await store.put("one", {B: (0.6, 0.8)})
    await store.restart(2)
    assert [name for name, _ in await store.nearest("one", (0.6, 0.8), 5)] == [B]
    assert await store.nearest("two", (0.6, 0.8), 5) == []


async def test_models_never_mix_and_the_old_one_can_go(open_store: Opener) -> None:
    old = await open_store("old")
    await old.put("one", {A: X})
    await old.put("two", {A: X})
    await old.close()
    new = await open_store("new")
    assert await new.known("one", [A]) == set()
    await new.put("one", {B: (0.6, 0.8)})
    assert [name for name, _ in await new.nearest("one", (0.6, 0.8), 5)] == [B]
    await new.forget_other_models("one")
    assert await new.count("one") == 1
    await new.close()
    old = await open_store("old")
    assert (await old.count("one"), await old.count("two")) == (0, 1)
    await old.forget("two")
    await old.close()


async def test_what_was_put_survives_a_restart(open_store: Opener) -> None:
    first = await open_store("model")
    await first.put("one", {A: X, B: Y})
    await first.close()
    second = await open_store("model")
    assert [name for name, _ in await second.nearest("one", Y, 1)] == [B]
    with pytest.raises(DimensionsDiffer):
        await second.put("one", {C: (1.0, 0.0)})
    await second.put("one", {C: NEAR_X})
    assert await second.count("one") == 3
    await second.close()


async def test_among_many_the_order_is_that_of_the_exact_similarities(store: VectorStore) -> None:
    vectors = {digest(str(seed)): unit(seed) for seed in range(1500)}
    await store.put("one", vectors)
    await store.put("two", {digest(f"else {seed}"): unit(seed) for seed in range(300)})
    question = unit(99_999)
    exact = {
        name: sum(a * b for a, b in zip(question, vector, strict=True))
        for name, vector in vectors.items()
    }
    found = await store.nearest("one", question, 50)
    assert len(found) == 50
    assert [near for _, near in found] == sorted((near for _, near in found), reverse=True)
    assert dict(found) == {name: pytest.approx(exact[name], abs=0.01) for name, _ in found}
    best = sorted(exact, key=exact.__getitem__, reverse=True)
    assert len({name for name, _ in found} & set(best[:50])) >= 47
    assert await store.known("one", [*vectors, A]) == set(vectors)


async def test_calls_at_the_same_time_do_not_disturb_each_other(store: VectorStore) -> None:
    async def fill(workspace_id: str, start: int) -> None:
        part = {digest(str(seed)): unit(seed) for seed in range(start, start + 20)}
        await store.put(workspace_id, part)
        assert await store.known(workspace_id, part) == set(part)
        (name, _), *_ = await store.nearest(workspace_id, unit(start), 5)
        assert name == digest(str(start))

    await asyncio.gather(
        *(fill(name, start) for name in ("one", "two") for start in range(0, 100, 20))
    )
    assert [await store.count("one"), await store.count("two")] == [100, 100]

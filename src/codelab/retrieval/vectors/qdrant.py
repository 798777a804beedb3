"""Vectors in a Qdrant: one collection for each model, workspaces as its tenants."""

from __future__ import annotations

import asyncio
import hashlib
import uuid
from collections.abc import AsyncIterator, Collection, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from qdrant_client import AsyncQdrantClient
from qdrant_client import models as q
from qdrant_client.http.exceptions import ApiException

from codelab.retrieval.errors import DimensionsDiffer, VectorsUnavailable
from codelab.retrieval.vectors.store import Vector

_OURS = "codelab-"
_WORKSPACE = "workspace"
_DIGEST = "digest"
_NAMES = uuid.UUID("6b9f0f63-30d2-4d49-8a3c-4a0c5c1b5c55")
_PART = 256
_TIMEOUT_S = 30
_EXISTS_ALREADY = 409


class QdrantVectorStore:
    """A collection that all workspaces and replicas share.

    Args:
        place: The server's address, or a folder for the client's own local mode, which is for
            tests: it compares all vectors in Python.
        model: Whose vectors these are.
        key: The server's key, where it asks for one.
    """

    def __init__(self, place: str | Path, model: str, *, key: str = "") -> None:
        if isinstance(place, Path):
            self._client = AsyncQdrantClient(path=str(place))
        else:
            self._client = AsyncQdrantClient(
                url=place, api_key=key or None, timeout=_TIMEOUT_S, check_compatibility=False
            )
        self._collection = _OURS + hashlib.sha256(model.encode()).hexdigest()[:24]
        self._model = model
        self._dimensions = 0
        self._making = asyncio.Lock()

    async def known(self, workspace_id: str, digests: Collection[str]) -> set[str]:
        """Return those of the digests that have a vector."""
        if not await self._found():
            return set()
        by_point = {_point(workspace_id, digest): digest for digest in digests}
        known = set()
        async with _reported():
            for part in _parts(list(by_point)):
                records = await self._client.retrieve(
                    self._collection, part, with_payload=False, with_vectors=False
                )
                known |= {by_point[str(record.id)] for record in records}
        return known

    async def put(self, workspace_id: str, vectors: Mapping[str, Vector]) -> None:
        """Keep vectors by their digests, in place of those that are there."""
        if not vectors:
            return
        lengths = {len(vector) for vector in vectors.values()}
        dimensions = await self._found() or await self._made(min(lengths))
        for length in lengths:
            _require(dimensions, length)
        points = [
            q.PointStruct(
                id=_point(workspace_id, digest),
                vector=list(vector),
                payload={_WORKSPACE: workspace_id, _DIGEST: digest},
            )
            for digest, vector in vectors.items()
        ]
        async with _reported():
            for start in range(0, len(points), _PART):
                await self._client.upsert(
                    self._collection, points[start : start + _PART], wait=True
                )

    async def nearest(
        self, workspace_id: str, vector: Vector, most: int
    ) -> list[tuple[str, float]]:
        """Return the digests of the nearest vectors with their similarity, the nearest first."""
        dimensions = await self._found()
        if dimensions != len(vector):
            # Another replica may have begun anew.
            self._dimensions = 0
            dimensions = await self._found()
        if not dimensions:
            return []
        _require(dimensions, len(vector))
        async with _reported():
            answer = await self._client.query_points(
                self._collection,
                query=list(vector),
                query_filter=_of(workspace_id),
                limit=most,
                with_payload=[_DIGEST],
            )
        return [(str((point.payload or {})[_DIGEST]), point.score) for point in answer.points]

    async def count(self, workspace_id: str) -> int:
        """Return how many vectors the workspace has."""
        if not await self._found():
            return 0
        async with _reported():
            found = await self._client.count(
                self._collection, count_filter=_of(workspace_id), exact=True
            )
        return found.count

    async def keep_only(self, workspace_id: str, digests: Collection[str]) -> int:
        """Forget all others of the workspace; return how many they were."""
        if not await self._found():
            return 0
        kept = {_point(workspace_id, digest) for digest in digests}
        async with _reported():
            gone = [one async for one in self._points(workspace_id) if one not in kept]
            for part in _parts(gone):
                await self._client.delete(self._collection, part, wait=True)
        return len(gone)

    async def forget(self, workspace_id: str) -> None:
        """Forget all of a workspace, those of other models too."""
        await self._forget(workspace_id, but="")

    async def forget_other_models(self, workspace_id: str) -> None:
        """Forget what the workspace has of other models than this one."""
        await self._forget(workspace_id, but=self._collection)

    async def restart(self, dimensions: int) -> None:
        """Forget all vectors of this model, unless they have so many dimensions."""
        self._dimensions = 0
        if await self._found() not in {0, dimensions}:
            async with _reported():
                await self._client.delete_collection(self._collection)
            self._dimensions = 0

    async def close(self) -> None:
        """Close the connections."""
        await self._client.close()

    async def _forget(self, workspace_id: str, but: str) -> None:
        async with _reported():
            for each in (await self._client.get_collections()).collections:
                if each.name.startswith(_OURS) and each.name != but:
                    chosen = q.FilterSelector(filter=_of(workspace_id))
                    await self._client.delete(each.name, chosen, wait=True)

    async def _points(self, workspace_id: str) -> AsyncIterator[str]:
        offset = None
        while True:
            records, offset = await self._client.scroll(
                self._collection,
                scroll_filter=_of(workspace_id),
                limit=_PART * 4,
                offset=offset,
                with_payload=False,
            )
            for record in records:
                yield str(record.id)
            if offset is None:
                return

    async def _found(self) -> int:
        """Return the dimensions of the collection, 0 where there is none yet."""
        if not self._dimensions:
            async with _reported():
                if await self._client.collection_exists(self._collection):
                    found = await self._client.get_collection(self._collection)
                    self._dimensions = _dimensions(found)
        return self._dimensions

    async def _made(self, dimensions: int) -> int:
        async with self._making:
            if not await self._found():
                async with _reported():
                    await self._create(dimensions)
            return await self._found()

    async def _create(self, dimensions: int) -> None:
        try:
            await self._client.create_collection(
                self._collection,
                vectors_config=q.VectorParams(
                    size=dimensions, distance=q.Distance.COSINE, on_disk=True
                ),
                # One graph for each tenant, and none over all of them.
                hnsw_config=q.HnswConfigDiff(m=0, payload_m=16),
            )
        except ApiException as error:
            if getattr(error, "status_code", None) != _EXISTS_ALREADY:
                raise
        except ValueError:
            # What the local mode says instead.
            if not await self._client.collection_exists(self._collection):
                raise
        await self._client.create_payload_index(
            self._collection,
            _WORKSPACE,
            q.KeywordIndexParams(type=q.KeywordIndexType.KEYWORD, is_tenant=True),
            wait=True,
        )


@asynccontextmanager
async def _reported() -> AsyncIterator[None]:
    try:
        yield
    except ApiException as error:
        # Its own text may hold the address, and with it a key.
        status = getattr(error, "status_code", None)
        said = f"answers with {status}" if status else "does not answer"
        raise VectorsUnavailable(f"Qdrant {said}.") from error


def _point(workspace_id: str, digest: str) -> str:
    return str(uuid.uuid5(_NAMES, f"{workspace_id}/{digest}"))


def _of(workspace_id: str) -> q.Filter:
    match = q.MatchValue(value=workspace_id)
    return q.Filter(must=[q.FieldCondition(key=_WORKSPACE, match=match)])


def _parts(points: Sequence[str]) -> Iterator[list[q.ExtendedPointId]]:
    for start in range(0, len(points), _PART):
        yield list(points[start : start + _PART])


def _dimensions(found: q.CollectionInfo) -> int:
    config = found.config.params.vectors
    return config.size if isinstance(config, q.VectorParams) else 0


def _require(kept: int, given: int) -> None:
    if kept != given:
        raise DimensionsDiffer(f"Vectors of {kept} dimensions are kept, and these have {given}.")

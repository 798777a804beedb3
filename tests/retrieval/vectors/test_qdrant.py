"""What is said to a Qdrant server, which itself is not there: its answers are written here."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from codelab.retrieval.errors import DimensionsDiffer, VectorsUnavailable
from codelab.retrieval.vectors.qdrant import QdrantVectorStore

A = "aa" * 32


class Server:
    """Keeps what it is told, and answers as the documentation says."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str, Any, str]] = []
        self.size = 0
        self.status = 200
        self.is_outrun = False

    async def answer(self, request: web.Request) -> web.Response:
        data = await request.read()
        body = msgspec.json.decode(data) if data else None
        path = request.path.removeprefix("/collections")
        self.asked.append((request.method, path, body, request.headers.get("api-key", "")))
        if self.status != 200:
            return web.json_response({"status": {"error": "no"}}, status=self.status)
        if request.method == "PUT" and path.count("/") == 1 and self.is_outrun:
            self.size = 2
            return web.json_response({"status": {"error": "already exists"}}, status=409)
        return web.json_response({"result": self.result(request.method, path, body), "time": 0})

    def result(self, method: str, path: str, body: Any) -> Any:
        if path.endswith("/exists"):
            return {"exists": self.size > 0}
        if path.endswith("/points/query"):
            payload = {"digest": A}
            return {"points": [{"id": 1, "version": 1, "score": 0.5, "payload": payload}]}
        if path.endswith(("/points", "/index", "/points/delete")):
            return {"operation_id": 1, "status": "completed"}
        if method == "PUT":
            self.size = body["vectors"]["size"]
            return True
        return described(self.size)

    def told(self, method: str, end: str) -> list[Any]:
        return [
            body
            for verb, path, body, _ in self.asked
            if (verb, path.endswith(end)) == (method, True)
        ]


def described(size: int) -> dict[str, Any]:
    vectors = {"size": size, "distance": "Cosine"}
    optimizer = {"deleted_threshold": 0.2, "vacuum_min_vector_number": 1000}
    optimizer |= {"default_segment_number": 0, "flush_interval_sec": 5}
    hnsw = {"m": 0, "ef_construct": 100, "full_scan_threshold": 10_000}
    config = {"params": {"vectors": vectors}, "hnsw_config": hnsw, "optimizer_config": optimizer}
    return {
        "status": "green",
        "optimizer_status": "ok",
        "segments_count": 1,
        "config": config,
        "payload_schema": {},
    }


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    yield Server()


@pytest.fixture
async def store(server: Server) -> AsyncIterator[QdrantVectorStore]:
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", server.answer)
    async with TestServer(app, host="127.0.0.1") as running:
        store = QdrantVectorStore(str(running.make_url("")), "model", key="a-key")
        yield store
        await store.close()


# The client warns of a key that is sent in the clear, here to this machine itself.
pytestmark = pytest.mark.filterwarnings("ignore:Api key is used with an insecure:UserWarning")


async def test_a_collection_is_made_for_tenants_and_asked_for_one(
    store: QdrantVectorStore, server: Server
) -> None:
    await store.put("one", {A: (0.6, 0.8)})
    (made,) = [
        body for verb, path, body, _ in server.asked if verb == "PUT" and path.count("/") == 1
    ]
    assert (made["vectors"]["size"], made["vectors"]["distance"]) == (2, "Cosine")
    assert (made["hnsw_config"]["m"], made["hnsw_config"]["payload_m"]) == (0, 16)
    (index,) = server.told("PUT", "/index")
    assert index["field_name"] == "workspace"
    assert (index["field_schema"]["type"], index["field_schema"]["is_tenant"]) == ("keyword", True)
    (points,) = server.told("PUT", "/points")
    assert points["points"][0]["payload"] == {"workspace": "one", "digest": A}

    assert await store.nearest("two", (1.0, 0.0), 7) == [(A, 0.5)]
    (query,) = server.told("POST", "/points/query")
    assert query["limit"] == 7
    assert query["filter"]["must"] == [{"key": "workspace", "match": {"value": "two"}}]
    assert {key for *_, key in server.asked} == {"a-key"}


async def test_another_replica_may_make_it_first(store: QdrantVectorStore, server: Server) -> None:
    server.is_outrun = True
    await store.put("one", {A: (0.6, 0.8)})
    assert server.told("PUT", "/points")
    with pytest.raises(DimensionsDiffer):
        await store.put("one", {A: (1.0, 0.0, 0.0)})


async def test_a_failure_is_told_without_the_address(
    store: QdrantVectorStore, server: Server
) -> None:
    server.status = 403
    with pytest.raises(VectorsUnavailable) as told:
        await store.put("one", {A: (0.6, 0.8)})
    assert told.value.message == "Qdrant answers with 403."

"""Replicas as processes over stores of their own, which a test may hurt."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests.conftest import Stores
from tests.deploy import proxy
from tests.deploy.proxy import Proxy
from tests.faults.cluster import Cluster
from tests.flows.conftest import installations, model_key, model_server, models_yaml, project
from tests.flows.harness import CodeLab, signed_in
from tests.flows.installations import Installations
from tests.model_server.process import ModelServer
from tests.support.servers import ValkeyServer

__all__ = ["installations", "model_key", "model_server", "models_yaml", "project"]

LIMITS = {
    f"CODELAB_{name}_PER_HOUR": "1000000"
    for name in ("LLM_REQUESTS", "APPROVAL_REQUESTS", "FILE_OPERATIONS")
}


@pytest.fixture
def valkey(tmp_path: Path) -> Iterator[ValkeyServer]:
    """A Redis-compatible server of the test's own."""
    folder = tmp_path / "valkey"
    folder.mkdir()
    server = ValkeyServer(folder)
    server.start()
    yield server
    server.kill()


@pytest.fixture
def database_url(postgres_url: str) -> str:
    """Where the replicas keep what must not be lost; a test may put something in between."""
    return postgres_url


@pytest.fixture
def redis_url(valkey: ValkeyServer) -> str:
    """The replicas' Redis; a test may put something in between."""
    return valkey.url


@pytest.fixture
def extra() -> dict[str, str]:
    """Further settings of the replicas."""
    return {}


@pytest.fixture
async def cluster(
    tmp_path: Path,
    project: Path,
    database_url: str,
    redis_url: str,
    models_yaml: str,
    model_server: ModelServer,
    model_key: str,
    extra: dict[str, str],
    installations: Installations,
) -> AsyncIterator[Cluster]:
    """Two running replicas and a user."""
    stores = Stores("servers", database_url, redis_url)
    one, other = (
        CodeLab(tmp_path, project, stores, models_yaml, extra=LIMITS | extra) for _ in range(2)
    )
    # In a thread: what stands between them and their stores may live in this loop.
    await asyncio.to_thread(installations.furnish, one)
    made = Cluster((one, other), model_server, model_key)
    try:
        await one.start()
        await other.start()
        async with signed_in(one) as client:
            made.token = client.token
        yield made
    finally:
        await made.close()


@pytest.fixture
def nginx(tmp_path: Path, cluster: Cluster) -> Iterator[Proxy]:
    """The shipped nginx before both replicas."""
    if proxy.NGINX is None:
        pytest.skip("nginx is not installed")
    folder = tmp_path / "nginx"
    folder.mkdir()
    with proxy.running(folder, *(replica.port for replica in cluster.replicas)) as running:
        yield running

"""The servers that other tests rely on are real, empty, shared and gone afterwards."""

import contextlib
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest
import redis.asyncio

from tests.conftest import Stores
from tests.support.keeper import ROOT, borrowed
from tests.support.servers import ServerDied, ValkeyServer

BORROWER = """
import sys, time
from pathlib import Path
from tests.support.keeper import borrowed
with borrowed(sys.argv[1], Path(sys.argv[2])) as url:
    print(url, flush=True)
    time.sleep(600)
"""


@contextlib.contextmanager
def borrower(kind: str, folder: Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    process = subprocess.Popen(
        [sys.executable, "-c", BORROWER, kind, str(folder)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        assert process.stdout is not None
        try:
            yield process, process.stdout.readline().strip()
        finally:
            process.kill()


def is_served(url: str) -> bool:
    port = int(url.rpartition(":")[2].partition("/")[0])
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False


def wait_until_gone(url: str) -> bool:
    deadline = time.monotonic() + 15
    while is_served(url) and time.monotonic() < deadline:
        time.sleep(0.05)
    return not is_served(url)


@pytest.mark.parametrize("visit", [1, 2])
async def test_each_test_gets_an_empty_postgres_database(postgres_url: str, visit: int) -> None:
    connection = await asyncpg.connect(postgres_url.replace("+asyncpg", ""))
    try:
        assert await connection.fetchval("select to_regclass('t')") is None
        await connection.execute("create table t (n int)")
    finally:
        await connection.close()


@pytest.mark.parametrize("visit", [1, 2])
async def test_each_test_gets_an_empty_redis_database(redis_url: str, visit: int) -> None:
    async with redis.asyncio.Redis.from_url(redis_url) as client:
        assert await client.dbsize() == 0
        await client.set("visit", visit)


def test_stores_come_in_both_kinds(stores: Stores) -> None:
    if stores.kind == "embedded":
        assert stores.database_url.startswith("sqlite+aiosqlite:///")
        assert stores.redis_url is None
    else:
        assert stores.database_url.startswith("postgresql+asyncpg://")
        assert stores.redis_url is not None


@pytest.mark.parametrize("kind", ["postgres", "valkey"])
def test_a_server_is_shared_and_outlives_all_borrowers_but_the_last(
    kind: str, tmp_path: Path
) -> None:
    with borrower(kind, tmp_path) as (first, url), borrowed(kind, tmp_path) as same_url:
        assert same_url == url
        first.send_signal(signal.SIGKILL)
        first.wait()
        time.sleep(0.2)
        assert is_served(url)
    assert wait_until_gone(url)
    keeper_folder = Path((tmp_path / f"{kind}.keeper").read_text("utf-8")).parent
    deadline = time.monotonic() + 5
    while keeper_folder.exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not keeper_folder.exists()


def test_a_folder_whose_server_is_gone_gets_another(tmp_path: Path) -> None:
    with borrowed("valkey", tmp_path) as url:
        assert is_served(url)
    assert wait_until_gone(url)
    with borrowed("valkey", tmp_path) as url:
        assert is_served(url)


def test_a_killed_server_comes_back_on_its_port(tmp_path: Path) -> None:
    server = ValkeyServer(tmp_path)
    server.start()
    try:
        url = server.url
        server.kill()
        assert not is_served(url)
        server.start()
        assert server.url == url
        assert is_served(url)
    finally:
        server.kill()


def test_a_server_that_cannot_start_says_why(tmp_path: Path) -> None:
    class Refusing(ValkeyServer):
        def command(self) -> list[str | Path]:
            return [*super().command(), "--no-such-option", "1"]

    with pytest.raises(ServerDied, match="no-such-option"):
        Refusing(tmp_path).start()

import asyncio
import signal
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codelab.kit.cache import Cache, MemoryCache, RedisCache, SealedCache, open_cache
from codelab.kit.relay import connect, disconnect
from tests.support.servers import ValkeyServer

SECRET = "kV3mJ0pQ8xZ2tB7nL5cR9wY1sD4fG6hA-uEoTiKbNqM"
FORMER = "a-former-key-with-enough-entropy-9sD4fG6hA-uEoTiKb"


@pytest.fixture(params=["memory", "redis"])
async def cache(request: pytest.FixtureRequest) -> AsyncIterator[Cache]:
    url = request.getfixturevalue("redis_url") if request.param == "redis" else ""
    made = open_cache("answers", url, [SECRET], memory_bytes=100_000)
    yield made
    await made.close()


@pytest.fixture
def valkey(tmp_path: Path) -> ValkeyServer:
    return ValkeyServer(tmp_path)


async def test_it_keeps_replaces_and_forgets(cache: Cache) -> None:
    assert await cache.get("a") is None
    await cache.put("a", b"\x00first", 60)
    await cache.put("b", b"", 60)
    assert (await cache.get("a"), await cache.get("b")) == (b"\x00first", b"")
    await cache.put("a", b"second", 60)
    assert await cache.get("a") == b"second"
    await cache.delete("a")
    await cache.delete("never there")
    assert (await cache.get("a"), await cache.get("b")) == (None, b"")


async def test_what_is_too_old_is_gone(cache: Cache) -> None:
    await cache.put("short", b"1", 0.15)
    await cache.put("long", b"2", 60)
    assert await cache.get("short") == b"1"
    await asyncio.sleep(0.2)
    assert (await cache.get("short"), await cache.get("long")) == (None, b"2")


async def test_two_replicas_share_what_is_in_redis_and_namespaces_do_not(redis_url: str) -> None:
    first, second, other = (
        open_cache(name, redis_url, [SECRET], memory_bytes=1) for name in ("a", "a", "b")
    )
    await first.put("key", b"value", 60)
    assert (await second.get("key"), await other.get("key")) == (b"value", None)
    for made in (first, second, other):
        await made.close()


async def test_memory_stays_within_its_bound_and_loses_what_was_used_longest_ago() -> None:
    cache = MemoryCache(10_000)
    for name in "abcdefghij":
        await cache.put(name, bytes(1000), 60)
        await cache.get("a")
    kept = [name for name in "abcdefghij" if await cache.get(name)]
    assert kept == ["a", "e", "f", "g", "h", "i", "j"]
    await cache.put("a", bytes(10_001), 60)
    assert await cache.get("a") is None, "what does not fit leaves no older value behind"
    await cache.close()
    assert cache.held_bytes == 0


@given(
    st.lists(
        st.tuples(st.sampled_from("abcd"), st.integers(0, 1500), st.booleans()),
        max_size=60,
    )
)
def test_memory_never_answers_wrongly_nor_passes_its_bound(
    steps: list[tuple[str, int, bool]],
) -> None:
    async def run() -> None:
        cache, written = MemoryCache(3000), dict[str, bytes]()
        for key, size, put in steps:
            if put:
                written[key] = bytes(size)
                await cache.put(key, written[key], 60)
            elif size < 300:
                written.pop(key, None)
                await cache.delete(key)
            found = await cache.get(key)
            assert found is None or found == written[key]
            assert 0 <= cache.held_bytes <= 3000

    asyncio.run(run())


async def test_redis_sees_neither_keys_nor_values_and_its_forgeries_are_misses(
    redis_url: str,
) -> None:
    cache = open_cache("answers", redis_url, [SECRET], memory_bytes=1)
    client = connect(redis_url)
    try:
        await cache.put("what did ann ask?", b"a secret answer", 60)
        await cache.put("another", b"another answer", 60)
        names = sorted([name async for name in client.scan_iter("codelab:cache:answers:*")])
        values = [await client.get(name) for name in names]
        assert isinstance(values[0], bytes) and isinstance(values[1], bytes)
        seen = b"".join([*names, values[0], values[1]])
        assert b"ann" not in seen and b"secret" not in seen
        assert 0 < await client.pttl(names[0]) <= 60_000
        await client.set(names[0], values[1])
        await client.set(names[1], values[1][:-1] + bytes([values[1][-1] ^ 1]))
        assert await cache.get("what did ann ask?") is None
        assert await cache.get("another") is None
        await client.set(names[0], b"")
        assert await cache.get("what did ann ask?") is None
    finally:
        await disconnect(client)
        await cache.close()


async def test_after_a_change_of_keys_everything_is_a_miss() -> None:
    inner = MemoryCache(10_000)
    await SealedCache(inner, "answers", [FORMER]).put("key", b"value", 60)
    assert await SealedCache(inner, "answers", [SECRET, FORMER]).get("key") is None
    assert await SealedCache(inner, "answers", [FORMER]).get("key") == b"value"


async def test_a_flushed_redis_is_a_miss(redis_url: str) -> None:
    cache, client = RedisCache(connect(redis_url), "files"), connect(redis_url)
    await cache.put("key", b"value", 60)
    await client.flushdb()
    assert await cache.get("key") is None
    await cache.put("key", b"value", 60)
    assert await cache.get("key") == b"value"
    await cache.close()
    await disconnect(client)


async def test_while_redis_is_away_all_is_a_miss_and_it_comes_back(valkey: ValkeyServer) -> None:
    valkey.start()
    cache = open_cache("answers", valkey.url, [SECRET], memory_bytes=1)
    try:
        await cache.put("key", b"value", 60)
        valkey.kill()
        for _ in range(50):
            assert await cache.get("key") is None
            await cache.put("key", b"value", 60)
            await cache.delete("key")
        valkey.start()
        async with asyncio.timeout(10):
            while await cache.get("key") is None:
                await cache.put("key", b"value", 60)
                await asyncio.sleep(0.05)
    finally:
        await cache.close()
        valkey.kill()


async def test_a_frozen_redis_costs_half_a_second_once(valkey: ValkeyServer) -> None:
    valkey.start()
    assert valkey.process is not None
    cache = RedisCache(connect(valkey.url), "files")
    try:
        await cache.put("key", b"value", 60)
        await cache.put("other", b"another value", 60)
        valkey.process.send_signal(signal.SIGSTOP)
        started = time.monotonic()
        assert await cache.get("key") is None
        waited = time.monotonic() - started
        assert waited > 0.4
        for _ in range(20):
            assert await cache.get("key") is None
        assert time.monotonic() - started < 2 * waited
        valkey.process.send_signal(signal.SIGCONT)
        await asyncio.sleep(2.1)
        assert await cache.get("other") == b"another value", "not the late answer to the first"
    finally:
        valkey.process.send_signal(signal.SIGCONT)
        await cache.close()
        valkey.kill()


async def test_a_redis_that_was_never_there_is_a_miss() -> None:
    cache = open_cache("answers", "redis://127.0.0.1:1/0", [SECRET], memory_bytes=1)
    await cache.put("key", b"value", 60)
    assert await cache.get("key") is None
    await cache.close()

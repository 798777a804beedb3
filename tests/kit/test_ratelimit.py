import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from codelab.kit.errors import RateLimited
from codelab.kit.ratelimit import RateLimiter
from tests.support.servers import ValkeyServer


@pytest.fixture(params=["memory", "redis"])
async def limiters(
    request: pytest.FixtureRequest,
) -> AsyncIterator[tuple[RateLimiter, RateLimiter]]:
    """Two limiters that share one count: two replicas on Redis, or the same one twice."""
    if request.param == "memory":
        limiter = RateLimiter()
        yield limiter, limiter
        await limiter.close()
        return
    url = request.getfixturevalue("redis_url")
    first, second = RateLimiter(url), RateLimiter(url)
    yield first, second
    await first.close()
    await second.close()


async def test_the_101st_in_an_hour_is_refused_wherever_it_arrives(
    limiters: tuple[RateLimiter, RateLimiter],
) -> None:
    for number in range(100):
        await limiters[number % 2].hit("llm_requests", 100, "ann")
    for limiter in limiters:
        with pytest.raises(RateLimited, match="100 for llm requests") as refused:
            await limiter.hit("llm_requests", 100, "ann")
        assert refused.value.retry_after_s is not None
        assert 3000 < refused.value.retry_after_s <= 3600
        assert refused.value.status == 429


async def test_users_and_limits_are_counted_apart(
    limiters: tuple[RateLimiter, RateLimiter],
) -> None:
    first, second = limiters
    await first.hit("approval_requests", 1, "ann")
    await second.hit("approval_requests", 1, "ben")
    await first.hit("file_operations", 1, "ann")
    await first.hit_minute("approval_requests", 1, "ann")
    for key in ("ann", "ben"):
        with pytest.raises(RateLimited):
            await second.hit("approval_requests", 1, key)
    with pytest.raises(RateLimited) as refused:
        await first.hit_minute("approval_requests", 1, "ann")
    assert refused.value.retry_after_s is not None
    assert 1 <= refused.value.retry_after_s <= 60


async def test_a_refused_use_is_not_counted(limiters: tuple[RateLimiter, RateLimiter]) -> None:
    first, second = limiters
    for _ in range(3):
        await first.hit("sign_ins", 3, "ann")
    waits = []
    for limiter in (first, second, first, second):
        with pytest.raises(RateLimited) as refused:
            await limiter.hit("sign_ins", 3, "ann")
        waits.append(refused.value.retry_after_s or 0)
    assert waits == sorted(waits, reverse=True)


async def test_while_redis_is_away_each_replica_goes_by_its_own_count(tmp_path: Path) -> None:
    server = ValkeyServer(tmp_path)
    server.start()
    first, second = RateLimiter(server.url), RateLimiter(server.url)
    try:
        await first.hit("llm_requests", 3, "ann")
        server.kill()
        for _ in range(2):
            await first.hit("llm_requests", 3, "ann")
        with pytest.raises(RateLimited) as refused:
            await first.hit("llm_requests", 3, "ann")
        assert 3000 < (refused.value.retry_after_s or 0) <= 3600
        await second.hit("llm_requests", 3, "ann")
    finally:
        server.kill()
        await first.close()
        await second.close()


async def test_counting_together_goes_on_when_redis_is_back(tmp_path: Path) -> None:
    server = ValkeyServer(tmp_path)
    server.start()
    first, second = RateLimiter(server.url), RateLimiter(server.url)
    try:
        server.kill()
        await first.hit("llm_requests", 2, "ann")
        server.start()
        refusals = 0
        async with asyncio.timeout(20):
            # One replica's uses are the other one's again.
            while not refusals:
                with contextlib.suppress(RateLimited):
                    await first.hit("llm_requests", 50, "ben")
                try:
                    await second.hit("llm_requests", 50, "ben")
                except RateLimited:
                    refusals += 1
                await asyncio.sleep(0.05)
    finally:
        server.kill()
        await first.close()
        await second.close()


async def test_thousands_of_other_keys_do_not_slow_a_hit_in_memory() -> None:
    limiter = RateLimiter()
    for number in range(5000):
        await limiter.hit_minute("sign_ins", 5, f"address {number}")
    started = time.process_time()
    for _ in range(500):
        await limiter.hit_minute("sign_ins", 1000, "address 1")
    assert (time.process_time() - started) / 500 < 0.001

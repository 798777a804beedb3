import asyncio
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from codelab.kit.relay import MemoryRelay, RedisRelay, connect
from tests.support.servers import ValkeyServer


@asynccontextmanager
async def replica(url: str) -> AsyncIterator[RedisRelay]:
    relay = RedisRelay(connect(url))
    await relay.start()
    try:
        yield relay
    finally:
        await relay.close()


async def until(condition: Callable[[], bool], within_s: float = 10) -> float:
    """Wait for the condition; returns the seconds it took."""
    started = time.perf_counter()
    while not condition():
        if time.perf_counter() - started > within_s:
            raise TimeoutError
        await asyncio.sleep(0.0005)
    return time.perf_counter() - started


def has_length(items: list[bytes], length: int) -> bool:
    return len(items) == length


async def both_healthy(*relays: RedisRelay) -> None:
    await until(lambda: all(relay.healthy for relay in relays))


async def test_copies_reach_the_others_and_not_the_sender(redis_url: str) -> None:
    heard: dict[str, list[bytes]] = {"one": [], "two": [], "three": []}
    async with replica(redis_url) as one, replica(redis_url) as two, replica(redis_url) as three:
        await both_healthy(one, two, three)
        for name, relay in (("one", one), ("two", two), ("three", three)):
            relay.subscribe("session:1", heard[name].append)
            await relay.settled("session:1")
        payloads = [b"%d \x00\xff" % number for number in range(1000)]
        for payload in payloads:
            one.publish("session:1", payload)
        one.publish("session:2", b"nobody asked for this")
        await until(lambda: len(heard["two"]) + len(heard["three"]) == 2000)
        two.publish("session:1", b"answer")
        await until(lambda: heard["one"] == [b"answer"])
    assert heard == {"one": [b"answer"], "two": payloads, "three": [*payloads, b"answer"]}


async def test_an_idle_relay_delivers_at_once(redis_url: str) -> None:
    async with replica(redis_url) as one, replica(redis_url) as two:
        await both_healthy(one, two)
        heard: list[bytes] = []
        two.subscribe("quick", heard.append)
        await two.settled("quick")
        delays = []
        for number in range(20):
            await asyncio.sleep(0.03)
            one.publish("quick", b"%d" % number)
            delays.append(await until(partial(has_length, heard, number + 1)))
    assert sorted(delays)[10] < 0.02


async def test_a_new_subscription_is_in_effect_within_milliseconds(redis_url: str) -> None:
    async with replica(redis_url) as one, replica(redis_url) as two:
        await both_healthy(one, two)
        delays = []
        for number in range(20):
            heard: list[bytes] = []
            channel = f"new:{number}"
            started = time.perf_counter()
            two.subscribe(channel, heard.append)
            await two.settled(channel)
            delays.append(time.perf_counter() - started)
            one.publish(channel, b"first")
            await until(partial(has_length, heard, 1))
    assert sorted(delays)[10] < 0.02


async def test_a_receiver_that_left_hears_nothing_and_may_come_back(redis_url: str) -> None:
    async with replica(redis_url) as one, replica(redis_url) as two:
        await both_healthy(one, two)
        stayed: list[bytes] = []
        left: list[bytes] = []
        two.subscribe("room", stayed.append)
        two.subscribe("room", left.append)
        two.unsubscribe("room", left.append)
        await two.settled("room")
        one.publish("room", b"1")
        await until(lambda: stayed == [b"1"])
        two.unsubscribe("room", stayed.append)
        two.subscribe("room", stayed.append)
        await two.settled("room")
        one.publish("room", b"2")
        await until(lambda: stayed == [b"1", b"2"])
        two.unsubscribe("room", stayed.append)
        two.unsubscribe("room", stayed.append)
        await asyncio.sleep(0.05)
        one.publish("room", b"3")
        await asyncio.sleep(0.05)
    assert (stayed, left) == ([b"1", b"2"], [])


async def test_a_broken_receiver_disturbs_nobody(redis_url: str) -> None:
    def break_down(payload: bytes) -> None:
        raise ValueError("broken receiver")

    async with replica(redis_url) as one, replica(redis_url) as two:
        await both_healthy(one, two)
        heard: list[bytes] = []
        two.subscribe("room", break_down)
        two.subscribe("room", heard.append)
        await two.settled("room")
        one.publish("room", b"1")
        one.publish("room", b"2")
        await until(lambda: heard == [b"1", b"2"])


async def test_receiving_goes_on_after_the_server_was_restarted(tmp_path: Path) -> None:
    server = ValkeyServer(tmp_path)
    server.start()
    try:
        async with replica(server.url) as one, replica(server.url) as two:
            heard: list[bytes] = []
            reconnections: list[float] = []
            two.subscribe("room", heard.append)
            two.on_reconnect(lambda: reconnections.append(time.monotonic()))
            await both_healthy(one, two)
            await until(lambda: len(reconnections) == 1)
            await asyncio.to_thread(server.kill)
            await until(lambda: not one.healthy and not two.healthy)
            await asyncio.wait_for(two.settled("room"), 1)
            one.publish("room", b"said while it was away")
            await asyncio.to_thread(server.start)
            await both_healthy(one, two)
            await until(lambda: len(reconnections) >= 2)
            one.publish("room", b"said afterwards")
            await until(lambda: b"said afterwards" in heard)
    finally:
        server.kill()


async def test_receivers_are_told_when_a_sender_had_to_drop_copies(tmp_path: Path) -> None:
    server = ValkeyServer(tmp_path)
    server.start()
    try:
        async with replica(server.url) as one, replica(server.url) as two:
            told: list[bool] = []
            await both_healthy(one, two)
            two.on_reconnect(lambda: told.append(True))
            for number in range(15_000):
                one.publish("room", b"%d" % number)
            await until(lambda: bool(told))
    finally:
        server.kill()


async def test_it_starts_while_the_server_is_away(tmp_path: Path) -> None:
    server = ValkeyServer(tmp_path)
    server.start()
    server.kill()
    async with replica(server.url) as one:
        one.publish("room", b"x")
        await asyncio.sleep(0.2)
        assert not one.healthy
        await asyncio.to_thread(server.start)
        await both_healthy(one)
    server.kill()


async def test_an_absence_is_logged_when_it_begins_and_when_it_ends(tmp_path: Path) -> None:
    server = ValkeyServer(tmp_path)
    server.start()
    server.kill()
    with capture_logs() as records:
        async with replica(server.url) as one:
            one.publish("room", b"x")
            # Several tries.
            await asyncio.sleep(1.8)
            away = sorted(record["event"] for record in records)
            await asyncio.to_thread(server.start)
            await until(lambda: len(records) == 4)
            await both_healthy(one)
    server.kill()
    assert away == ["relay_receive_failed", "relay_send_failed"]
    back = sorted(record["event"] for record in records[2:])
    assert back == ["relay_receive_works_again", "relay_send_works_again"]


async def test_in_one_process_nobody_else_is_told() -> None:
    relay = MemoryRelay()
    heard: list[bytes] = []
    await relay.start()
    relay.subscribe("room", heard.append)
    relay.publish("room", b"1")
    await relay.settled("room")
    relay.unsubscribe("room", heard.append)
    await relay.close()
    assert relay.healthy
    assert heard == []


@pytest.mark.parametrize("count", [1, 3])
async def test_closing_sends_what_still_waits(redis_url: str, count: int) -> None:
    async with replica(redis_url) as two:
        heard: list[bytes] = []
        two.subscribe("room", heard.append)
        await until(lambda: two.healthy)
        async with replica(redis_url) as one:
            for _ in range(count):
                one.publish("room", b"last words")
        await until(lambda: heard == [b"last words"] * count)


LAST_MOMENTS = """
import asyncio, gc, os, sys
from codelab.kit.ratelimit import RateLimiter
from codelab.kit.relay import RedisRelay, connect

async def live():
    relay, limiter = RedisRelay(connect(sys.argv[1])), RateLimiter(sys.argv[1])
    # Held by each other they are thrown away last of all, as in a whole application.
    relay.held, limiter.held = limiter, relay
    await relay.start()
    relay.publish("room", b"x")
    await limiter.hit("llm_requests", 10, "ann")
    while not relay.healthy:
        await asyncio.sleep(0.01)
    await relay.close()
    await limiter.close()

def refuse(event, arguments, ending=sys.is_finalizing, leave=os._exit):
    if event == "import" and ending():
        leave(9)

gc.disable()
asyncio.run(live())
sys.addaudithook(refuse)
"""


def test_nothing_is_imported_when_the_process_ends(redis_url: str) -> None:
    # Another thread that was importing would be frozen with the lock, and the process with it.
    ended = subprocess.run([sys.executable, "-c", LAST_MOMENTS, redis_url], timeout=30, check=False)
    assert ended.returncode == 0

import asyncio
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codelab.auth.passwords import Passwords
from codelab.kit.errors import Unavailable


def cheap(slots: int = 2) -> Passwords:
    return Passwords(memory_kib=64, rounds=1, slots=slots)


async def matches(passwords: Passwords, password: str, hashed: str | None) -> bool:
    async with passwords.slot():
        return await passwords.matches(password, hashed)


async def test_a_password_matches_its_own_hash_only() -> None:
    passwords = cheap()
    hashed = await passwords.hash("correct horse")

    assert hashed.startswith("$argon2id$")
    assert hashed != await passwords.hash("correct horse")
    assert await matches(passwords, "correct horse", hashed)
    assert not await matches(passwords, "correct horsf", hashed)
    assert not await matches(passwords, "correct horse", None)
    assert not await matches(passwords, "correct horse", "damaged")
    assert not await matches(passwords, "correct horse", hashed[:-4] + "AAAA")


async def test_ways_to_compose_an_accent_are_one_password() -> None:
    passwords = cheap()
    assert await matches(passwords, "cafe\u0301 au lait", await passwords.hash("caf\xe9 au lait"))


@settings(max_examples=30)
@given(st.text(st.characters(), max_size=60))
async def test_any_text_can_be_tried(password: str) -> None:
    assert not await matches(cheap(), password, None)


async def test_a_hash_made_with_other_costs_is_outdated() -> None:
    hashed = await cheap().hash("correct horse")
    assert not cheap().is_outdated(hashed)
    assert Passwords(memory_kib=128, rounds=1, slots=1).is_outdated(hashed)


async def test_an_unknown_user_costs_as_much_as_a_known_one() -> None:
    passwords = Passwords(memory_kib=16 * 1024, rounds=3, slots=1)
    hashed = await passwords.hash("correct horse")
    best = {hashed: 1e9, None: 1e9}
    for _ in range(8):
        for against in best:
            started = time.perf_counter()
            await matches(passwords, "wrong password", against)
            best[against] = min(best[against], time.perf_counter() - started)
    assert 0.7 < best[hashed] / best[None] < 1.4


async def test_hashing_does_not_stop_the_event_loop() -> None:
    passwords = Passwords(memory_kib=64 * 1024, rounds=8, slots=1)
    started = time.perf_counter()
    hashing = asyncio.create_task(passwords.hash("correct horse"))
    longest = 0.0
    last = started
    while not hashing.done():
        await asyncio.sleep(0.001)
        longest = max(longest, time.perf_counter() - last)
        last = time.perf_counter()
    assert longest < (last - started) / 2


async def test_no_more_are_hashed_at_a_time_than_there_are_slots() -> None:
    passwords = cheap(slots=1)
    async with passwords.slot():
        waiting = asyncio.create_task(passwords.hash("correct horse"))
        done, _ = await asyncio.wait([waiting], timeout=0.1)
        assert not done
    assert (await waiting).startswith("$argon2id$")


async def test_a_line_that_is_too_long_is_refused_at_once() -> None:
    passwords = cheap(slots=1)
    async with passwords.slot():
        waiting = [asyncio.create_task(passwords.hash("correct horse")) for _ in range(200)]
        await asyncio.sleep(0)
        with pytest.raises(Unavailable) as refused:
            await passwords.hash("correct horse")
    assert refused.value.retry_after_s
    assert all(hashed.startswith("$argon2id$") for hashed in await asyncio.gather(*waiting))

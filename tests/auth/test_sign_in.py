import asyncio
import statistics
import time

import pytest
from sqlalchemy import select

from codelab.auth import models
from codelab.auth.api import Auth
from codelab.auth.errors import SignInThrottled, Unauthenticated
from codelab.auth.events import SignInFailed, UserSignedIn, UserSignedOut
from codelab.auth.policy import FAILURES_PER_NAME_AND_PLACE, FAILURES_PER_PLACE
from codelab.kit.bus import Bus
from codelab.kit.db import Database
from codelab.kit.events import Event
from tests.auth.conftest import SECRET, Replica

GOOD = "correct horse"
HERE = "192.0.2.1"


async def outcome(auth: Auth, name: str, password: str, address: str = HERE) -> str:
    try:
        await auth.sign_in(name, password, address=address)
    except SignInThrottled as error:
        assert error.status == 429
        assert error.retry_after_s is not None
        assert 0 < error.retry_after_s <= 60
        return "throttled"
    except Unauthenticated as error:
        assert error.status == 401
        return "wrong"
    return "in"


async def test_a_name_and_its_password_give_tokens_that_work(
    auth: Auth, published: list[Event]
) -> None:
    user = await auth.create_user("Anna", GOOD, admin=True)
    pair = await auth.sign_in("aNNA", GOOD, address=HERE)

    principal = await auth.authenticate(pair.access_token)
    assert (principal.user_id, principal.name, principal.role) == (user.id, "Anna", "admin")
    assert principal.is_admin
    assert principal.token_expires_at is not None
    assert (pair.token_type, pair.expires_in) == ("Bearer", 900)
    assert published[-1] == UserSignedIn(
        user_id=user.id, address=HERE, name="Anna", family_id=principal.family_id
    )


async def test_nothing_tells_a_wrong_name_from_a_wrong_password(auth: Auth) -> None:
    disabled = await auth.create_user("carla", GOOD)
    await auth.disable(disabled.id)
    await auth.create_user("anna", GOOD)
    messages = set()
    for name, password in [("anna", "wrong horse"), ("nobody", GOOD), ("carla", GOOD), ("\0", "x")]:
        with pytest.raises(Unauthenticated) as refused:
            await auth.sign_in(name, password, address=HERE)
        messages.add(refused.value.message)
    assert len(messages) == 1


async def test_what_was_typed_as_a_name_is_told_only_when_it_is_one(
    auth: Auth, published: list[Event], database_url: str
) -> None:
    user = await auth.create_user("anna", GOOD)
    published.clear()
    await outcome(auth, "my-secret-pass-phrase", "x")
    await outcome(auth, "ANNA", "wrong horse")

    assert published == [
        SignInFailed(user_id=None, address=HERE, reason="unknown_user"),
        SignInFailed(user_id=user.id, address=HERE, name="anna", reason="wrong_password"),
    ]
    db = Database(database_url, Bus())
    async with db.read() as connection:
        rows = (await connection.execute(select(models.sign_in_failures))).all()
    await db.close()
    assert len(rows) == 2
    assert "my-secret-pass-phrase" not in repr(rows)


async def test_a_known_and_an_unknown_name_take_the_same_time(replica: Replica) -> None:
    auth = replica(hash_memory_kib=16 * 1024, hash_rounds=3)
    await auth.create_user("anna", GOOD)
    took: dict[str, list[float]] = {"anna": [], "nobody": []}
    for number in range(9):
        for name, times in took.items():
            started = time.perf_counter()
            assert await outcome(auth, name, "wrong horse", f"198.51.100.{number}") == "wrong"
            times.append(time.perf_counter() - started)
    assert 0.6 < statistics.median(took["anna"]) / statistics.median(took["nobody"]) < 1.6


@pytest.mark.parametrize("name", ["anna", "nobody"])
async def test_twenty_bad_sign_ins_with_one_name_are_throttled(auth: Auth, name: str) -> None:
    await auth.create_user("anna", GOOD)
    await auth.create_user("boris", GOOD)
    outcomes = [await outcome(auth, name, "wrong horse") for _ in range(20)]

    allowed = FAILURES_PER_NAME_AND_PLACE
    assert outcomes == ["wrong"] * allowed + ["throttled"] * (20 - allowed)
    assert await outcome(auth, name, GOOD) == "throttled"
    assert await outcome(auth, "boris", GOOD) == "in"


async def test_twenty_bad_sign_ins_with_many_names_are_throttled(auth: Auth) -> None:
    await auth.create_user("anna", GOOD)
    await auth.create_user("boris", GOOD)
    assert await outcome(auth, "anna", GOOD) == "in"
    outcomes = [await outcome(auth, f"name{number}", "x") for number in range(20)]

    assert outcomes == ["wrong"] * FAILURES_PER_PLACE + ["throttled"] * (20 - FAILURES_PER_PLACE)
    # Anna has signed in from here before; Boris can from elsewhere.
    assert await outcome(auth, "anna", GOOD) == "in"
    assert await outcome(auth, "boris", GOOD) == "throttled"
    assert await outcome(auth, "boris", GOOD, "192.0.2.2") == "in"


async def test_replicas_count_together_and_a_burst_is_no_way_around(replica: Replica) -> None:
    replicas = [replica(), replica()]
    await replicas[0].create_user("anna", GOOD)
    outcomes = await asyncio.gather(
        *(outcome(replicas[number % 2], "anna", "wrong horse") for number in range(40))
    )
    slots = 2 * 2
    assert outcomes.count("wrong") <= FAILURES_PER_NAME_AND_PLACE + slots
    assert outcomes.count("throttled") >= 40 - FAILURES_PER_NAME_AND_PLACE - slots


async def test_many_good_sign_ins_at_once_are_all_let_in(auth: Auth) -> None:
    await auth.create_user("anna", GOOD)
    outcomes = await asyncio.gather(*(outcome(auth, "anna", GOOD) for _ in range(30)))
    assert outcomes == ["in"] * 30


async def test_signing_in_renews_a_hash_of_former_costs(
    replica: Replica, database_url: str
) -> None:
    former, today = replica(), replica(hash_rounds=2)
    await former.create_user("anna", GOOD)
    await today.sign_in("anna", GOOD)

    db = Database(database_url, Bus())
    async with db.read() as connection:
        hashed = await connection.scalar(select(models.users.c.password_hash))
    await db.close()
    assert hashed is not None
    assert "t=2" in hashed
    assert await outcome(today, "anna", GOOD) == "in"
    assert await outcome(former, "anna", "wrong horse") == "wrong"


async def test_signing_out_ends_that_sign_in_on_every_replica(
    replica: Replica, published: list[Event]
) -> None:
    here, elsewhere = replica(standing_ttl_s=30.0), replica()
    await here.create_user("anna", GOOD)
    ended, other = [await here.sign_in("anna", GOOD) for _ in range(2)]
    principal = await here.authenticate(ended.access_token)

    assert await here.sign_out(principal, address=HERE)

    signed_out = UserSignedOut(
        user_id=principal.user_id, address=HERE, family_id=principal.family_id
    )
    assert published[-1] == signed_out
    for replicated in (here, elsewhere):
        with pytest.raises(Unauthenticated):
            await replicated.authenticate(ended.access_token)
        with pytest.raises(Unauthenticated):
            await replicated.refresh(ended.refresh_token)
        assert not await replicated.is_active(principal)
        assert await replicated.is_active(principal.user_id)
        assert (await replicated.authenticate(other.access_token)).name == "anna"
    assert not await here.sign_out(principal)
    assert published[-1] == signed_out
    assert published.count(signed_out) == 1


async def test_a_refresh_token_signs_out_too(auth: Auth) -> None:
    await auth.create_user("anna", GOOD)
    pair = await auth.sign_in("anna", GOOD)
    assert await auth.sign_out(pair.refresh_token)
    assert not await auth.sign_out("no token")
    with pytest.raises(Unauthenticated):
        await auth.authenticate(pair.access_token)


async def test_an_answer_is_remembered_no_longer_than_set(replica: Replica) -> None:
    remembering, other = replica(standing_ttl_s=0.3), replica()
    await other.create_user("anna", GOOD)
    pair = await other.sign_in("anna", GOOD)
    principal = await remembering.authenticate(pair.access_token)

    await other.sign_out(principal)
    await asyncio.sleep(0.4)

    assert not await remembering.is_active(principal)
    with pytest.raises(Unauthenticated):
        await remembering.authenticate(pair.access_token)


async def test_a_token_of_another_installation_is_refused(replica: Replica) -> None:
    auth = replica()
    await auth.create_user("anna", GOOD)
    pair = await auth.sign_in("anna", GOOD)
    rotated = replica(secrets=("another-secret-of-thirty-two-bytes!!", SECRET))
    stranger = replica(secrets=("another-secret-of-thirty-two-bytes!!",))

    assert (await rotated.authenticate(pair.access_token)).name == "anna"
    with pytest.raises(Unauthenticated):
        await stranger.authenticate(pair.access_token)


@pytest.mark.parametrize("header", [None, "", "wrong", "the-internal-secre", "x" * 100_000, "ж"])
async def test_a_service_call_needs_the_internal_secret(
    replica: Replica, header: str | None
) -> None:
    configured, unconfigured = replica(internal_secret="the-internal-secret"), replica()

    caller = configured.internal_principal("the-internal-secret")
    assert (caller.name, caller.is_admin) == ("internal", False)
    for auth in (configured, unconfigured):
        with pytest.raises(Unauthenticated):
            auth.internal_principal(header)
    with pytest.raises(Unauthenticated):
        unconfigured.internal_principal("the-internal-secret")

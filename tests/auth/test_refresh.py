import asyncio

import pytest

from codelab.auth.api import Auth, TokenPair
from codelab.auth.errors import Unauthenticated
from codelab.auth.events import RefreshTokenReused
from codelab.kit.events import Event
from tests.auth.conftest import Replica

GOOD = "correct horse"


@pytest.fixture
async def pair(auth: Auth) -> TokenPair:
    """The tokens of a user who has just signed in."""
    await auth.create_user("anna", GOOD)
    return await auth.sign_in("anna", GOOD)


async def test_each_refresh_gives_new_tokens_of_the_same_sign_in(
    auth: Auth, pair: TokenPair
) -> None:
    first = await auth.authenticate(pair.access_token)
    seen = {pair.refresh_token}
    for _ in range(3):
        pair = await auth.refresh(pair.refresh_token)
        assert pair.refresh_token not in seen
        seen.add(pair.refresh_token)
        assert (await auth.authenticate(pair.access_token)).family_id == first.family_id


async def test_a_replay_ends_the_whole_family_and_no_other(
    auth: Auth, pair: TokenPair, published: list[Event]
) -> None:
    other = await auth.sign_in("anna", GOOD)
    principal = await auth.authenticate(pair.access_token)
    following = await auth.refresh(pair.refresh_token)
    latest = await auth.refresh(following.refresh_token)

    with pytest.raises(Unauthenticated):
        await auth.refresh(pair.refresh_token, address="192.0.2.1")

    assert published[-1] == RefreshTokenReused(
        user_id=principal.user_id, address="192.0.2.1", family_id=principal.family_id
    )
    with pytest.raises(Unauthenticated):
        await auth.refresh(latest.refresh_token)
    for dead in (pair, following, latest):
        with pytest.raises(Unauthenticated):
            await auth.authenticate(dead.access_token)
    assert (await auth.refresh(other.refresh_token)).access_token
    assert len([event for event in published if isinstance(event, RefreshTokenReused)]) == 1


@pytest.mark.parametrize("tabs", [2, 6])
async def test_of_simultaneous_uses_on_two_replicas_one_wins_and_the_family_ends(
    replica: Replica, auth: Auth, pair: TokenPair, published: list[Event], tabs: int
) -> None:
    replicas = [replica(), replica()]
    results = await asyncio.gather(
        *(replicas[number % 2].refresh(pair.refresh_token) for number in range(tabs)),
        return_exceptions=True,
    )

    winners = [result for result in results if isinstance(result, TokenPair)]
    assert len(winners) == 1
    assert sum(isinstance(result, Unauthenticated) for result in results) == tabs - 1
    with pytest.raises(Unauthenticated):
        await auth.refresh(winners[0].refresh_token)
    assert len([event for event in published if isinstance(event, RefreshTokenReused)]) == 1


async def test_a_refresh_token_ends_by_itself(replica: Replica, published: list[Event]) -> None:
    auth = replica(refresh_ttl_s=1)
    await auth.create_user("anna", GOOD)
    pair = await auth.sign_in("anna", GOOD)
    await asyncio.sleep(1.1)
    with pytest.raises(Unauthenticated):
        await auth.refresh(pair.refresh_token)
    assert not [event for event in published if isinstance(event, RefreshTokenReused)]
    assert (await auth.refresh((await auth.sign_in("anna", GOOD)).refresh_token)).access_token


@pytest.mark.parametrize("token", ["", "nonsense", "\ud800", "a" * 100_000, "'; --"])
async def test_what_was_never_a_refresh_token_is_refused(
    auth: Auth, pair: TokenPair, token: str
) -> None:
    with pytest.raises(Unauthenticated):
        await auth.refresh(token)
    assert (await auth.refresh(pair.refresh_token)).access_token


async def test_an_access_token_is_no_refresh_token_and_the_other_way_round(
    auth: Auth, pair: TokenPair
) -> None:
    with pytest.raises(Unauthenticated):
        await auth.refresh(pair.access_token)
    with pytest.raises(Unauthenticated):
        await auth.authenticate(pair.refresh_token)


def test_tokens_do_not_show_when_printed(pair: TokenPair) -> None:
    assert pair.access_token not in repr(pair)
    assert pair.refresh_token not in repr(pair)

import asyncio

import pytest

from codelab.auth.api import Auth, TokenPair
from codelab.auth.errors import SetupClosed, SetupTokenInvalid, Unauthenticated
from codelab.auth.events import UserCreated, UserSignedIn
from codelab.kit.errors import InvalidInput
from codelab.kit.events import Event
from tests.auth.conftest import Replica

GOOD = "correct horse"


async def setup_token(auth: Auth) -> str:
    token = await auth.issue_setup_token()
    assert token is not None
    return token


async def test_the_link_makes_the_first_administrator_once(
    auth: Auth, published: list[Event]
) -> None:
    assert await auth.setup_link_needed()
    token = await setup_token(auth)
    await auth.check_setup_token(token)

    pair = await auth.complete_setup(token, "anna", GOOD, address="192.0.2.1")

    principal = await auth.authenticate(pair.access_token)
    assert (principal.name, principal.is_admin) == ("anna", True)
    assert [type(event) for event in published] == [UserCreated, UserSignedIn]
    assert not await auth.setup_link_needed()
    assert await auth.issue_setup_token() is None
    with pytest.raises(SetupClosed):
        await auth.complete_setup(token, "boris", GOOD)
    with pytest.raises(SetupClosed):
        await auth.check_setup_token(token)


async def test_a_newer_link_replaces_the_older(auth: Auth, replica: Replica) -> None:
    older = await setup_token(auth)
    newer = await setup_token(replica())
    for wrong in (older, "", "nonsense", "\ud800"):
        with pytest.raises(SetupTokenInvalid):
            await auth.complete_setup(wrong, "anna", GOOD)
    await auth.complete_setup(newer, "anna", GOOD)


async def test_of_links_made_at_once_one_is_good(replica: Replica) -> None:
    replicas = [replica() for _ in range(3)]
    tokens = await asyncio.gather(*(setup_token(auth) for auth in replicas))
    good = []
    for token in tokens:
        try:
            await replicas[0].check_setup_token(token)
            good.append(token)
        except SetupTokenInvalid:
            continue
    assert len(good) == 1


async def test_of_two_who_race_one_becomes_the_administrator(replica: Replica) -> None:
    replicas = [replica(), replica()]
    token = await setup_token(replicas[0])
    results = await asyncio.gather(
        *(replicas[number % 2].complete_setup(token, f"name{number}", GOOD) for number in range(6)),
        return_exceptions=True,
    )
    assert sum(isinstance(result, TokenPair) for result in results) == 1
    assert sum(isinstance(result, SetupClosed) for result in results) == 5
    assert len(await replicas[0].list_users()) == 1


async def test_bad_input_leaves_the_link_as_it_is(auth: Auth) -> None:
    token = await setup_token(auth)
    for name, password in [("an na", GOOD), ("anna", "short"), ("correct-horse", "Correct-Horse")]:
        with pytest.raises(InvalidInput):
            await auth.complete_setup(token, name, password)
    await auth.complete_setup(token, "anna", GOOD)


async def test_a_user_made_another_way_voids_the_link(auth: Auth) -> None:
    token = await setup_token(auth)
    await auth.create_user("anna", GOOD, admin=True)
    with pytest.raises(SetupClosed):
        await auth.complete_setup(token, "mallory", GOOD)
    with pytest.raises(Unauthenticated):
        await auth.sign_in("mallory", GOOD)

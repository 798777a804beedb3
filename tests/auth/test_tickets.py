import asyncio

import pytest

from codelab.auth.api import Auth, Principal
from codelab.auth.errors import Unauthenticated
from tests.auth.conftest import Replica

GOOD = "correct horse"


@pytest.fixture
async def principal(auth: Auth) -> Principal:
    """A user who has just signed in."""
    await auth.create_user("anna", GOOD)
    return await auth.authenticate((await auth.sign_in("anna", GOOD)).access_token)


async def test_a_ticket_works_once_on_any_replica(
    replica: Replica, auth: Auth, principal: Principal
) -> None:
    ticket = await auth.issue_ticket(principal)
    redeemed = await replica().redeem_ticket(ticket)

    assert redeemed.user_id == principal.user_id
    assert redeemed.family_id == principal.family_id
    assert redeemed.token_expires_at is None
    with pytest.raises(Unauthenticated):
        await auth.redeem_ticket(ticket)


async def test_of_simultaneous_uses_one_wins(
    replica: Replica, auth: Auth, principal: Principal
) -> None:
    ticket = await auth.issue_ticket(principal)
    replicas = [replica(), replica()]
    results = await asyncio.gather(
        *(replicas[number % 2].redeem_ticket(ticket) for number in range(8)),
        return_exceptions=True,
    )
    assert sum(isinstance(result, Principal) for result in results) == 1
    assert sum(isinstance(result, Unauthenticated) for result in results) == 7


async def test_a_ticket_is_good_for_a_short_time(replica: Replica, principal: Principal) -> None:
    auth = replica(ticket_ttl_s=1)
    late, timely = await auth.issue_ticket(principal), ""
    await asyncio.sleep(1.1)
    timely = await auth.issue_ticket(principal)
    with pytest.raises(Unauthenticated):
        await auth.redeem_ticket(late)
    assert (await auth.redeem_ticket(timely)).name == "anna"


async def test_a_ticket_dies_with_its_sign_in(auth: Auth, principal: Principal) -> None:
    ticket = await auth.issue_ticket(principal)
    await auth.sign_out(principal)
    with pytest.raises(Unauthenticated):
        await auth.redeem_ticket(ticket)


async def test_a_ticket_of_a_principal_without_a_sign_in_follows_the_user(
    auth: Auth, principal: Principal
) -> None:
    plain = Principal(user_id=principal.user_id, name=principal.name)
    assert (await auth.redeem_ticket(await auth.issue_ticket(plain))).name == "anna"

    ticket = await auth.issue_ticket(plain)
    await auth.disable(principal.user_id)
    with pytest.raises(Unauthenticated):
        await auth.redeem_ticket(ticket)


@pytest.mark.parametrize("ticket", ["", "nonsense", "\ud800", "a" * 100_000])
async def test_what_was_never_a_ticket_is_refused(auth: Auth, ticket: str) -> None:
    with pytest.raises(Unauthenticated):
        await auth.redeem_ticket(ticket)

import asyncio
import re
from datetime import timedelta

import pytest
import sqlalchemy as sa

from codelab.auth.api import Auth, User
from codelab.auth.api_token_rows import note_use
from codelab.auth.api_tokens import MOST_TOKENS
from codelab.auth.errors import (
    SignInThrottled,
    TokenNotFound,
    TooManyTokens,
    Unauthenticated,
    UserNotFound,
)
from codelab.auth.events import ApiTokenCreated, ApiTokenDeleted, SignInFailed
from codelab.auth.models import api_tokens
from codelab.kit.bus import Bus
from codelab.kit.clock import utc_now
from codelab.kit.db import Database
from codelab.kit.errors import InvalidInput
from codelab.kit.events import Event
from codelab.kit.log import mask
from tests.auth.conftest import Replica

GOOD = "correct horse"
BETTER = "battery staple"


@pytest.fixture
async def anna(auth: Auth) -> User:
    """A user."""
    return await auth.create_user("anna", GOOD)


async def rows(database_url: str) -> list[str]:
    """Everything that is kept of tokens, as text."""
    db = Database(database_url, Bus())
    async with db.read() as connection:
        found = [repr(row) for row in await connection.execute(sa.select(api_tokens))]
    await db.close()
    return found


async def test_a_token_is_recognisable_kept_as_a_hash_and_masked(
    auth: Auth, anna: User, database_url: str
) -> None:
    made = await auth.api_tokens.create(anna.id, "  my   laptop ")
    assert re.fullmatch(r"codelab_[0-9a-f]{32}_[0-9a-f]{64}", made.token)
    assert (made.name, made.expires_at, made.last_used_at) == ("my laptop", None, None)
    (row,) = await rows(database_url)
    assert made.token.rpartition("_")[2] not in row
    assert made.token not in repr(made)
    assert mask(f"key: {made.token}.") == "key: [secret]."
    (listed,) = await auth.api_tokens.list_for(anna.id)
    assert (listed.id, listed.name) == (made.id, "my laptop")
    assert not hasattr(listed, "token")


async def test_it_stands_for_its_user_on_every_replica(
    auth: Auth, anna: User, replica: Replica
) -> None:
    made = await auth.api_tokens.create(anna.id, "laptop")
    principal = await replica().authenticate_api(made.token)
    assert (principal.user_id, principal.name, principal.role) == (anna.id, "anna", "user")
    await auth.update_user(anna.id, role="admin")
    assert (await auth.authenticate_api(made.token)).is_admin


async def test_it_opens_v1_only_and_an_access_token_opens_both(auth: Auth, anna: User) -> None:
    made = await auth.api_tokens.create(anna.id, "laptop")
    with pytest.raises(Unauthenticated, match="opens /v1 only"):
        await auth.authenticate(made.token)
    access = (await auth.sign_in("anna", GOOD)).access_token
    assert (await auth.authenticate_api(access)).user_id == anna.id


@pytest.mark.parametrize("ended", ["deleted", "password", "own password", "disabled", "enabled"])
async def test_what_ends_a_token(auth: Auth, anna: User, ended: str) -> None:
    await auth.create_user("root", GOOD, admin=True)
    made = await auth.api_tokens.create(anna.id, "laptop")
    who = await auth.authenticate_api(made.token)
    assert await auth.is_active(who)
    if ended == "deleted":
        await auth.api_tokens.delete(anna.id, made.id)
    elif ended == "password":
        await auth.set_password(anna.id, BETTER)
    elif ended == "own password":
        principal = await auth.authenticate((await auth.sign_in("anna", GOOD)).access_token)
        await auth.change_password(principal, GOOD, BETTER)
    else:
        await auth.disable(anna.id)
    if ended == "enabled":
        await auth.enable(anna.id)
    with pytest.raises(Unauthenticated):
        await auth.authenticate_api(made.token)
    assert not await auth.is_active(who)
    assert await auth.api_tokens.list_for(anna.id) == []


async def test_what_happens_elsewhere_shows_after_the_short_memory(
    replica: Replica, auth: Auth, anna: User
) -> None:
    forgetful, remembering = auth, replica(standing_ttl_s=3)
    made = await forgetful.api_tokens.create(anna.id, "laptop")
    await remembering.authenticate_api(made.token)
    await forgetful.api_tokens.delete(anna.id, made.id)
    await remembering.authenticate_api(made.token)
    await asyncio.sleep(3.1)
    with pytest.raises(Unauthenticated):
        await remembering.authenticate_api(made.token)


async def test_a_token_ends_by_itself(auth: Auth, anna: User, database_url: str) -> None:
    made = await auth.api_tokens.create(anna.id, "laptop", expires_days=2)
    who = await auth.authenticate_api(made.token)
    assert made.expires_at is not None
    assert timedelta(days=1, hours=23) < made.expires_at - utc_now() <= timedelta(days=2)
    db = Database(database_url, Bus())
    async with db.transaction() as tx:
        await tx.execute(sa.update(api_tokens).values(expires_at=utc_now()))
    await db.close()
    with pytest.raises(Unauthenticated, match="expired"):
        await auth.authenticate_api(made.token)
    assert not await auth.is_active(who)
    await auth.api_tokens.create(anna.id, "another")
    assert [token.name for token in await auth.api_tokens.list_for(anna.id)] == ["another"]


async def test_there_are_only_so_many_even_when_made_at_once(
    replica: Replica, auth: Auth, anna: User
) -> None:
    makers = [auth, replica()]
    made = await asyncio.gather(
        *(makers[n % 2].api_tokens.create(anna.id, str(n)) for n in range(MOST_TOKENS + 4)),
        return_exceptions=True,
    )
    refused = [one for one in made if isinstance(one, TooManyTokens)]
    assert len(refused) == 4
    assert len(await auth.api_tokens.list_for(anna.id)) == MOST_TOKENS


async def test_the_use_is_noted_at_most_once_a_minute(
    auth: Auth, anna: User, database_url: str
) -> None:
    made = await auth.api_tokens.create(anna.id, "laptop")
    for _ in range(3):
        await auth.authenticate_api(made.token)
    await auth.api_tokens.close()
    (listed,) = await auth.api_tokens.list_for(anna.id)
    assert listed.last_used_at is not None
    db = Database(database_url, Bus())
    async with db.transaction() as tx:
        await note_use(tx, made.id, timedelta(minutes=1))
    (again,) = await auth.api_tokens.list_for(anna.id)
    assert again.last_used_at == listed.last_used_at
    async with db.transaction() as tx:
        await note_use(tx, made.id, timedelta(0))
    await db.close()
    (later,) = await auth.api_tokens.list_for(anna.id)
    assert later.last_used_at is not None
    assert later.last_used_at > listed.last_used_at


async def test_who_shows_wrong_ones_is_told_to_wait_and_nobody_else_is(
    auth: Auth, anna: User, published: list[Event]
) -> None:
    made = await auth.api_tokens.create(anna.id, "laptop")
    wrong = made.token[:-4] + ("0000" if made.token[-4:] != "0000" else "1111")
    for number in range(8):
        with pytest.raises(Unauthenticated):
            await auth.authenticate_api((wrong, "codelab_x")[number % 2], address="192.0.2.1")
    with pytest.raises(SignInThrottled):
        await auth.authenticate_api(wrong, address="192.0.2.1")
    with pytest.raises(Unauthenticated):
        await auth.authenticate_api(wrong, address="192.0.2.2")
    # Neither a good token nor a password is kept waiting because of it.
    await auth.authenticate_api(made.token, address="192.0.2.1")
    await auth.sign_in("anna", GOOD, address="192.0.2.1")
    failed = [event for event in published if isinstance(event, SignInFailed)]
    assert len(failed) == 9
    assert {event.reason for event in failed} == {"api_token"}


async def test_only_ones_own_can_be_deleted_and_both_are_told(
    auth: Auth, anna: User, published: list[Event]
) -> None:
    ben = await auth.create_user("ben", GOOD)
    made = await auth.api_tokens.create(anna.id, "laptop", by=anna.id, address="192.0.2.1")
    with pytest.raises(TokenNotFound):
        await auth.api_tokens.delete(ben.id, made.id)
    await auth.authenticate_api(made.token)
    await auth.api_tokens.delete(anna.id, made.id, by=anna.id)
    told = [event for event in published if isinstance(event, ApiTokenCreated | ApiTokenDeleted)]
    assert [type(event) for event in told] == [ApiTokenCreated, ApiTokenDeleted]
    assert {(event.token_id, event.name, event.by) for event in told} == {
        (made.id, "laptop", anna.id)
    }


@pytest.mark.parametrize(
    ("name", "days"), [("", None), (" ", None), ("x" * 101, None), ("a\x1b[0m", None), ("x", 0)]
)
async def test_bad_wishes_are_refused(auth: Auth, anna: User, name: str, days: int | None) -> None:
    with pytest.raises(InvalidInput):
        await auth.api_tokens.create(anna.id, name, expires_days=days)


async def test_nobody_has_no_token(auth: Auth) -> None:
    with pytest.raises(UserNotFound):
        await auth.api_tokens.create("0" * 32, "x")

import asyncio
from collections.abc import Awaitable, Callable

import msgspec
import pytest

from codelab.auth.api import Auth, User
from codelab.auth.errors import (
    LastAdministrator,
    NameTaken,
    Unauthenticated,
    UserNotFound,
    WrongPassword,
)
from codelab.auth.events import (
    PasswordChanged,
    RoleChanged,
    UserCreated,
    UserDeleted,
    UserDisabled,
    UserEnabled,
)
from codelab.auth.preferences import Preferences
from codelab.kit.errors import InvalidInput
from codelab.kit.events import Event
from tests.auth.conftest import Replica

GOOD = "correct horse"
BETTER = "battery staple"

Ending = Callable[[Auth, User], Awaitable[object]]
LEAVING: dict[str, Ending] = {
    "disabled": lambda auth, user: auth.disable(user.id),
    "demoted": lambda auth, user: auth.update_user(user.id, role="user"),
    "deleted": lambda auth, user: delete(auth, user),
}


async def delete(auth: Auth, user: User) -> None:
    pair = await auth.sign_in(user.name, GOOD)
    await auth.delete_user(await auth.authenticate(pair.access_token), GOOD)


async def test_names_are_taken_in_any_letter_case(auth: Auth, published: list[Event]) -> None:
    anna = await auth.create_user("Anna", GOOD, by="root")
    assert published == [UserCreated(user_id=anna.id, name="Anna", role="user", by="root")]
    for spelling in ("anna", "ANNA", "\uff21nna"):
        with pytest.raises(NameTaken):
            await auth.create_user(spelling, GOOD)
        assert (await auth.find_user(spelling)).id == anna.id
    with pytest.raises(UserNotFound):
        await auth.find_user("boris")
    assert len(published) == 1


async def test_of_two_who_take_a_name_at_once_one_gets_it(replica: Replica) -> None:
    results = await asyncio.gather(
        *(replica().create_user(name, GOOD) for name in ("anna", "Anna", "ANNA")),
        return_exceptions=True,
    )
    assert sum(isinstance(result, User) for result in results) == 1
    assert sum(isinstance(result, NameTaken) for result in results) == 2


@pytest.mark.parametrize("password", ["short", "x" * 1025, "anna.annasdottir"])
async def test_weak_passwords_are_refused_wherever_one_is_set(auth: Auth, password: str) -> None:
    name = "Anna.Annasdottir"
    with pytest.raises(InvalidInput):
        await auth.create_user(name, password)
    user = await auth.create_user(name, GOOD)
    with pytest.raises(InvalidInput):
        await auth.set_password(user.id, password)
    principal = await auth.authenticate((await auth.sign_in(name, GOOD)).access_token)
    with pytest.raises(InvalidInput):
        await auth.change_password(principal, GOOD, password)
    await auth.sign_in(name, GOOD)


async def test_users_are_listed_in_pages(auth: Auth) -> None:
    made = [await auth.create_user(f"name{number}", GOOD) for number in range(5)]
    first = await auth.list_users(limit=3)
    assert first == made[:3]
    assert await auth.list_users(after=first[-1].id) == made[3:]


async def test_disabling_ends_everything_and_enabling_revives_nothing(
    auth: Auth, published: list[Event]
) -> None:
    user = await auth.create_user("anna", GOOD)
    pair = await auth.sign_in("anna", GOOD)
    principal = await auth.authenticate(pair.access_token)

    assert (await auth.disable(user.id, by="root")).disabled
    assert published[-1] == UserDisabled(user_id=user.id, by="root")
    assert not await auth.is_active(user.id)
    with pytest.raises(Unauthenticated):
        await auth.sign_in("anna", GOOD)

    assert not (await auth.enable(user.id, by="root")).disabled
    assert published[-1:] == [UserEnabled(user_id=user.id, by="root")]
    assert await auth.is_active(user.id)
    assert not await auth.is_active(principal)
    with pytest.raises(Unauthenticated):
        await auth.authenticate(pair.access_token)
    with pytest.raises(Unauthenticated):
        await auth.refresh(pair.refresh_token)
    await auth.sign_in("anna", GOOD)


async def test_a_set_password_replaces_the_former_and_ends_all_sign_ins(
    auth: Auth, published: list[Event]
) -> None:
    user = await auth.create_user("anna", GOOD)
    pairs = [await auth.sign_in("anna", GOOD) for _ in range(2)]

    await auth.set_password(user.id, BETTER, by="root")

    assert published[-1] == PasswordChanged(user_id=user.id, by="root")
    for pair in pairs:
        with pytest.raises(Unauthenticated):
            await auth.authenticate(pair.access_token)
        with pytest.raises(Unauthenticated):
            await auth.refresh(pair.refresh_token)
    with pytest.raises(Unauthenticated):
        await auth.sign_in("anna", GOOD)
    await auth.sign_in("anna", BETTER)


async def test_changing_ones_password_needs_the_former_and_keeps_only_the_new_sign_in(
    auth: Auth,
) -> None:
    await auth.create_user("anna", GOOD)
    pair, other = [await auth.sign_in("anna", GOOD) for _ in range(2)]
    principal = await auth.authenticate(pair.access_token)
    with pytest.raises(WrongPassword):
        await auth.change_password(principal, "wrong horse", BETTER)

    new = await auth.change_password(principal, GOOD, BETTER)

    assert (await auth.authenticate(new.access_token)).name == "anna"
    for dead in (pair, other):
        with pytest.raises(Unauthenticated):
            await auth.authenticate(dead.access_token)
        with pytest.raises(Unauthenticated):
            await auth.refresh(dead.refresh_token)
    await auth.sign_in("anna", BETTER)


async def test_of_two_password_changes_at_once_one_wins(replica: Replica) -> None:
    replicas = [replica(), replica()]
    await replicas[0].create_user("anna", GOOD)
    principal = await replicas[0].authenticate(
        (await replicas[0].sign_in("anna", GOOD)).access_token
    )
    results = await asyncio.gather(
        *(
            auth.change_password(principal, GOOD, f"{BETTER} {number}")
            for number, auth in enumerate(replicas)
        ),
        return_exceptions=True,
    )
    # The loser comes too late with the former password, or just in time to be refused.
    lost = [result for result in results if isinstance(result, Unauthenticated | WrongPassword)]
    assert len(lost) == 1


async def test_a_role_counts_at_once_also_for_tokens_issued_before(
    auth: Auth, published: list[Event]
) -> None:
    await auth.create_user("root", GOOD, admin=True)
    user = await auth.create_user("anna", GOOD, admin=True)
    pair = await auth.sign_in("anna", GOOD)

    assert (await auth.update_user(user.id, role="user", by="root")).role == "user"

    assert published[-1] == RoleChanged(user_id=user.id, role="user", by="root")
    assert not (await auth.authenticate(pair.access_token)).is_admin


async def test_a_change_that_changes_nothing_tells_nothing(
    auth: Auth, published: list[Event]
) -> None:
    user = await auth.create_user("anna", GOOD)
    published.clear()
    assert await auth.update_user(user.id, role="user", disabled=False) == user
    assert published == []


async def test_unknown_users_cannot_be_changed(auth: Auth) -> None:
    with pytest.raises(UserNotFound):
        await auth.disable("0" * 32)
    with pytest.raises(UserNotFound):
        await auth.set_password("0" * 32, GOOD)


async def test_deleting_needs_the_password_and_leaves_nothing(
    auth: Auth, published: list[Event]
) -> None:
    user = await auth.create_user("anna", GOOD)
    pair = await auth.sign_in("anna", GOOD)
    principal = await auth.authenticate(pair.access_token)
    await auth.issue_ticket(principal)
    with pytest.raises(WrongPassword):
        await auth.delete_user(principal, "wrong horse")
    (kept,) = await auth.list_users()
    assert msgspec.structs.replace(kept, last_seen_at=None) == user

    await auth.delete_user(principal, GOOD, address="192.0.2.1")

    assert published[-1] == UserDeleted(
        user_id=user.id, address="192.0.2.1", name="anna", by=user.id
    )
    assert await auth.list_users() == []
    assert not await auth.is_active(user.id)
    with pytest.raises(Unauthenticated):
        await auth.authenticate(pair.access_token)
    with pytest.raises(UserNotFound):
        await auth.delete_user(principal, GOOD)
    await auth.create_user("anna", GOOD)


@pytest.mark.parametrize("leave", LEAVING.values(), ids=LEAVING)
async def test_the_last_administrator_stays(auth: Auth, leave: Ending) -> None:
    await auth.create_user("anna", GOOD)
    root = await auth.create_user("root", GOOD, admin=True)
    sleeping = await auth.create_user("sleeping", GOOD, admin=True)
    await auth.disable(sleeping.id)

    with pytest.raises(LastAdministrator):
        await leave(auth, root)
    kept = await auth.find_user("root")
    assert kept is not None and msgspec.structs.replace(kept, last_seen_at=None) == root

    await auth.enable(sleeping.id)
    await leave(auth, root)


@pytest.mark.parametrize("leave", LEAVING.values(), ids=LEAVING)
async def test_administrators_who_leave_at_once_leave_one_behind(
    replica: Replica, leave: Ending
) -> None:
    replicas = [replica(), replica(), replica()]
    admins = [
        await replicas[0].create_user(f"root{number}", GOOD, admin=True) for number in range(3)
    ]
    results = await asyncio.gather(
        *(leave(auth, admin) for auth, admin in zip(replicas, admins, strict=True)),
        return_exceptions=True,
    )
    assert sum(isinstance(result, LastAdministrator) for result in results) == 1
    left = [user for user in await replicas[0].list_users() if user.role == "admin"]
    assert len([user for user in left if not user.disabled]) == 1


async def test_first_preferences_may_come_from_everywhere_at_once(replica: Replica) -> None:
    one, other = replica(), replica()
    user = await one.create_user("anna", GOOD)
    dark = Preferences(theme="dark")
    stores = [auth.preferences for auth in (one, other) * 10]
    # With connections open, none is done before the next begins.
    await asyncio.gather(*(store.of(user.id) for store in stores))
    await asyncio.gather(*(store.keep(user.id, dark) for store in stores))
    assert await one.preferences.of(user.id) == dark

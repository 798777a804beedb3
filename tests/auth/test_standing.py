import asyncio

from codelab.auth.standing import Standings
from codelab.kit.bus import Bus
from codelab.kit.db import Database
from tests.auth.conftest import Replica

GOOD = "correct horse"


async def test_an_answer_is_kept_until_it_must_be_forgotten(
    replica: Replica, database_url: str
) -> None:
    auth = replica()
    user = await auth.create_user("anna", GOOD)
    principal = await auth.authenticate((await auth.sign_in("anna", GOOD)).access_token)
    db = Database(database_url, Bus())
    standings = Standings(db, ttl_s=60)

    assert await standings.of_family(principal.family_id) is not None
    assert await standings.of_user(user.id) is not None
    await auth.disable(user.id)
    assert await standings.of_family(principal.family_id) is not None
    assert await standings.of_user(user.id) is not None
    standings.forget()
    assert await standings.of_family(principal.family_id) is None
    assert await standings.of_user(user.id) is None
    await db.close()


async def test_an_answer_that_was_on_its_way_is_not_kept(
    replica: Replica, database_url: str
) -> None:
    auth = replica()
    await auth.create_user("anna", GOOD)
    principal = await auth.authenticate((await auth.sign_in("anna", GOOD)).access_token)
    db = Database(database_url, Bus())
    standings = Standings(db, ttl_s=60)

    asking = asyncio.create_task(standings.of_family(principal.family_id))
    await asyncio.sleep(0)
    standings.forget()
    assert await asking is not None
    await auth.sign_out(principal)

    assert await standings.of_family(principal.family_id) is None
    await db.close()


async def test_nobody_has_no_standing(replica: Replica, database_url: str) -> None:
    replica()
    db = Database(database_url, Bus())
    standings = Standings(db, ttl_s=60)
    assert await standings.of_family("0" * 32) is None
    assert await standings.of_user("") is None
    await db.close()

"""What users have chosen."""

import asyncio

from codelab.auth.api import Auth
from codelab.auth.preferences import Preferences


async def test_the_first_choices_may_come_from_two_browsers_at_once(auth: Auth) -> None:
    dark = Preferences(theme="dark")
    users = [await auth.create_user(f"ada{number}", "correct horse battery") for number in range(6)]
    await asyncio.gather(*(auth.preferences.of(user.id) for user in users))
    for user in users:
        await asyncio.gather(*(auth.preferences.keep(user.id, dark) for _ in range(4)))
        assert await auth.preferences.of(user.id) == dark

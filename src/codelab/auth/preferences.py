"""How a user likes the interface; it follows the user from browser to browser."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
import sqlalchemy as sa

from codelab.auth import repository
from codelab.auth.models import user_preferences
from codelab.kit.db import Database

MOST_KEYS = 300

CommandId = Annotated[str, msgspec.Meta(min_length=1, max_length=100)]
Keys = Annotated[str, msgspec.Meta(max_length=60)]


class Preferences(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What a user has chosen; none is what the interface does by itself.

    Args:
        theme: The colours.
        language: The interface's language.
        keys: The keys of commands that have others than usual, by the command's name; empty: the
            command has none.
        answer_keys: Whether Y and N answer an approval that has the focus.
        notifications: Whether the browser tells of approvals that wait while the page is hidden.
    """

    theme: Literal["light", "dark", "system"] | None = None
    language: Literal["en", "ru"] | None = None
    keys: Annotated[dict[CommandId, Keys], msgspec.Meta(max_length=MOST_KEYS)] = {}
    answer_keys: bool | None = None
    notifications: bool | None = None


class StoredPreferences:
    """Keeps the preferences, a row for each user who has any."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def of(self, user_id: str) -> Preferences:
        """Return a user's preferences."""
        query = sa.select(user_preferences.c.chosen).where(user_preferences.c.user_id == user_id)
        async with self._db.read() as connection:
            chosen = await connection.scalar(query)
        return msgspec.json.decode(chosen, type=Preferences) if chosen else Preferences()

    async def keep(self, user_id: str, chosen: Preferences) -> None:
        """Keep a user's preferences in the place of the former ones; of nobody, none."""
        text = msgspec.json.encode(chosen).decode()
        async with self._db.transaction() as tx:
            # Of two tabs that choose something first, one would otherwise find the other's row.
            if await repository.lock_user(tx, user_id) is None:
                return
            own = user_preferences.c.user_id == user_id
            changed = await tx.execute(sa.update(user_preferences).where(own).values(chosen=text))
            if not changed.rowcount:
                await tx.execute(sa.insert(user_preferences).values(user_id=user_id, chosen=text))

"""A short memory of who may act, so that not every request asks the database."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from codelab.auth import api_token_rows, families
from codelab.auth.api_token_rows import TokenStanding
from codelab.auth.families import Standing
from codelab.auth.repository import Reader
from codelab.kit.db import Database

T = TypeVar("T")

_MOST = 10_000


class Standings:
    """Remembers for some seconds what the database said.

    Args:
        db: The database.
        ttl_s: For how long an answer is good; what another replica changes shows after that.
    """

    def __init__(self, db: Database, ttl_s: float) -> None:
        self._db = db
        self._ttl_s = ttl_s
        self.hits = 0
        self.misses = 0
        self._known: dict[str, tuple[float, Any]] = {}

    async def of_family(self, family_id: str) -> Standing | None:
        """Return the user behind a sign-in that has not ended."""
        return await self._remembered(family_id, families.standing_of_family)

    async def of_user(self, user_id: str) -> Standing | None:
        """Return the user, if there is one who may act."""
        return await self._remembered(user_id, families.standing_of_user)

    async def of_api_token(self, token_id: str) -> TokenStanding | None:
        """Return the API token, if there is one whose user may act."""
        return await self._remembered(token_id, api_token_rows.standing_of)

    def forget(self) -> None:
        """Ask the database again from now on."""
        # Answers that are on their way belong to the former dictionary and are lost with it.
        self._known = {}

    async def _remembered(
        self, key: str, load: Callable[[Reader, str], Awaitable[T | None]]
    ) -> T | None:
        if len(self._known) >= _MOST:
            self.forget()
        memory = self._known
        known = memory.get(key)
        if known is not None and time.monotonic() < known[0]:
            self.hits += 1
            answer: T | None = known[1]
            return answer
        self.misses += 1
        asked = time.monotonic()
        async with self._db.read() as connection:
            standing = await load(connection, key)
        memory[key] = (asked + self._ttl_s, standing)
        return standing

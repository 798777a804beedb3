"""API tokens: how other programs use the models on a user's account."""

from __future__ import annotations

import asyncio
import hmac
import re
import secrets
import time
from datetime import timedelta
from typing import Final

import msgspec
import structlog

from codelab.auth import api_token_rows, families, policy, repository
from codelab.auth.addresses import place
from codelab.auth.api_token_rows import TokenStanding
from codelab.auth.errors import (
    SignInThrottled,
    TokenNotFound,
    TooManyTokens,
    Unauthenticated,
    UserNotFound,
)
from codelab.auth.events import ApiTokenCreated, ApiTokenDeleted, SignInFailed
from codelab.auth.identity import ApiToken, Principal
from codelab.auth.standing import Standings
from codelab.auth.tokens import token_hash
from codelab.kit.clock import utc_now
from codelab.kit.db import Database
from codelab.kit.errors import InvalidInput, Unavailable
from codelab.kit.ids import new_id

PREFIX: Final = "codelab_"
"""How every API token begins, so that scanners for lost secrets know one when they see it."""

MOST_TOKENS = 20
LONGEST_NAME = 100
MOST_DAYS = 3650

_FORM = re.compile(rf"{PREFIX}([0-9a-f]{{32}})_[0-9a-f]{{64}}")
_RANDOM_BYTES = 32
_NOTED_EVERY_S = 60.0
_MOST_NOTED = 10_000
_log = structlog.get_logger(__name__)


class NewApiToken(ApiToken, frozen=True, kw_only=True):
    """A token at its making: the only time at which it is shown itself."""

    token: str

    def __repr__(self) -> str:
        return f"NewApiToken({self.id!r})"


class ApiTokens:
    """Makes, lists, checks and deletes API tokens.

    Args:
        db: The database.
        standings: The short memory of who may act; what is deleted elsewhere shows after that.
    """

    def __init__(self, db: Database, standings: Standings) -> None:
        self._db = db
        self._standings = standings
        self._noted_at: dict[str, float] = {}
        self._noting: set[asyncio.Task[None]] = set()

    async def create(
        self,
        user_id: str,
        name: str,
        *,
        expires_days: int | None = None,
        by: str | None = None,
        address: str = "",
    ) -> NewApiToken:
        """Make a token; only now it can be read.

        Args:
            name: What the user calls it.
            expires_days: Its life; none for one that lasts until it is deleted.
            by: The user who does it, if one is signed in.

        Raises:
            InvalidInput: The name or the days are not acceptable.
            TooManyTokens: The user has 20 already.
            UserNotFound: There is no such user.
        """
        name = _clean_name(name)
        if expires_days is not None and not 1 <= expires_days <= MOST_DAYS:
            raise InvalidInput(f"A token lasts 1 to {MOST_DAYS} days.", field="expires_days")
        token_id = new_id()
        token = f"{PREFIX}{token_id}_{secrets.token_hex(_RANDOM_BYTES)}"
        async with self._db.transaction() as tx:
            # Locked, so that two at once cannot pass the cap together.
            if await repository.lock_user(tx, user_id) is None:
                raise UserNotFound("There is no such user.")
            await api_token_rows.delete_expired(tx, user_id)
            if len(await api_token_rows.of_user(tx, user_id)) >= MOST_TOKENS:
                raise TooManyTokens(
                    f"There are {MOST_TOKENS} API tokens already. Delete one that is not in use."
                )
            now = await tx.now()
            made = ApiToken(
                id=token_id,
                name=name,
                created_at=now,
                expires_at=None if expires_days is None else now + timedelta(days=expires_days),
            )
            await api_token_rows.insert(tx, user_id, made, token_hash(token))
            tx.publish(
                ApiTokenCreated(
                    user_id=user_id, address=address, token_id=token_id, name=name, by=by
                )
            )
        return NewApiToken(token=token, **msgspec.structs.asdict(made))

    async def list_for(self, user_id: str) -> list[ApiToken]:
        """Return a user's tokens, the oldest first."""
        async with self._db.read() as connection:
            return await api_token_rows.of_user(connection, user_id)

    async def delete(
        self, user_id: str, token_id: str, *, by: str | None = None, address: str = ""
    ) -> None:
        """End one of a user's tokens.

        Raises:
            TokenNotFound: The user has no such token.
        """
        async with self._db.transaction() as tx:
            name = await api_token_rows.delete(tx, user_id, token_id)
            if name is None:
                raise TokenNotFound("There is no such API token.")
            tx.publish(
                ApiTokenDeleted(
                    user_id=user_id, address=address, token_id=token_id, name=name, by=by
                )
            )
        self._standings.forget()

    async def authenticate(self, token: str, address: str) -> Principal:
        """Return whose token it is, with the role that the user has now.

        Raises:
            Unauthenticated: It is none, or not any more.
            SignInThrottled: There were too many wrong ones from this address lately.
        """
        form = _FORM.fullmatch(token)
        found = await self._standings.of_api_token(form[1]) if form else None
        if (
            form is None
            or found is None
            or not hmac.compare_digest(found.token_hash, token_hash(token))
        ):
            await self._refuse(address)
            raise Unauthenticated("The API token is not valid (any more). Make a new one.")
        if _has_expired(found):
            raise Unauthenticated("The API token has expired. Make a new one.")
        self._note_use(form[1])
        user = found.user
        return Principal(user_id=user.user_id, name=user.name, role=user.role, api_token_id=form[1])

    async def is_good(self, token_id: str) -> bool:
        """Tell whether a token that was good still is; the answer may be some seconds old."""
        found = await self._standings.of_api_token(token_id)
        return found is not None and not _has_expired(found)

    async def close(self) -> None:
        """Finish writing down what was used."""
        await asyncio.gather(*self._noting, return_exceptions=True)

    async def _refuse(self, address: str) -> None:
        """Count a wrong token; whoever shows many is told to wait.

        A good token is never kept waiting: what others do at the same address is not its fault,
        and 256 random bits are not found by trying.
        """
        # Apart from passwords: a program with an old token must not lock people out.
        where, now = f"api {place(address)}", utc_now()
        # Read first: whoever shows many must not keep others from writing.
        async with self._db.read() as connection:
            failures = await families.recent_failures(connection, where, where, now)
        wait_s = policy.throttled_s(failures, where, where, now, familiar=False)
        if wait_s:
            raise SignInThrottled(
                "Too many wrong API tokens. Wait a minute and try again.", retry_after_s=wait_s
            )
        async with self._db.transaction() as tx:
            await families.add_failure(tx, where, where)
            tx.publish(SignInFailed(user_id=None, address=address, reason="api_token"))

    def _note_use(self, token_id: str) -> None:
        now = time.monotonic()
        if now < self._noted_at.get(token_id, 0.0):
            return
        if len(self._noted_at) >= _MOST_NOTED:
            self._noted_at.clear()
        self._noted_at[token_id] = now + _NOTED_EVERY_S
        # Beside the request, which need not wait for it.
        task = asyncio.create_task(self._write_use(token_id))
        self._noting.add(task)
        task.add_done_callback(self._noting.discard)

    async def _write_use(self, token_id: str) -> None:
        try:
            async with self._db.transaction() as tx:
                await api_token_rows.note_use(tx, token_id, timedelta(seconds=_NOTED_EVERY_S))
        except Unavailable:
            _log.info("api_token_use_not_noted")


def _has_expired(token: TokenStanding) -> bool:
    # The clock of this machine: a token that ends some moments late does no harm.
    return token.expires_at is not None and token.expires_at <= utc_now()


def _clean_name(name: str) -> str:
    clean = " ".join(name.split())
    if not 1 <= len(clean) <= LONGEST_NAME or not clean.isprintable():
        raise InvalidInput(
            f"A token's name has 1 to {LONGEST_NAME} printable characters.", field="name"
        )
    return clean

"""The rows of API tokens; knows nothing of rights."""

from __future__ import annotations

from datetime import datetime, timedelta

import msgspec
import sqlalchemy as sa

from codelab.auth.families import Standing
from codelab.auth.identity import ApiToken
from codelab.auth.models import api_tokens, users
from codelab.auth.repository import Reader
from codelab.kit.db import Transaction

_SHOWN = [api_tokens.c[name] for name in ApiToken.__struct_fields__]


class TokenStanding(msgspec.Struct, frozen=True):
    """A token whose user may act: what it must match, and until when."""

    user: Standing
    token_hash: str
    expires_at: datetime | None

    def __repr__(self) -> str:
        return f"TokenStanding({self.user!r})"


async def insert(tx: Transaction, user_id: str, token: ApiToken, token_hash: str) -> None:
    """Add a token."""
    values = msgspec.structs.asdict(token)
    await tx.execute(sa.insert(api_tokens).values(user_id=user_id, token_hash=token_hash, **values))


async def of_user(reader: Reader, user_id: str) -> list[ApiToken]:
    """Return a user's tokens, the oldest first."""
    rows = await reader.execute(
        sa.select(*_SHOWN).where(api_tokens.c.user_id == user_id).order_by(api_tokens.c.id)
    )
    return [ApiToken(**row._mapping) for row in rows]


async def delete(tx: Transaction, user_id: str, token_id: str) -> str | None:
    """Remove one of a user's tokens; return its name, or none when there is no such token."""
    deleted = await tx.execute(
        sa.delete(api_tokens)
        .where(api_tokens.c.id == token_id, api_tokens.c.user_id == user_id)
        .returning(api_tokens.c.name)
    )
    return deleted.scalar()


async def delete_all(tx: Transaction, user_id: str) -> None:
    """Remove all of a user's tokens."""
    await tx.execute(sa.delete(api_tokens).where(api_tokens.c.user_id == user_id))


async def delete_expired(tx: Transaction, user_id: str) -> None:
    """Remove those of a user's tokens that have expired."""
    await tx.execute(
        sa.delete(api_tokens).where(
            api_tokens.c.user_id == user_id, api_tokens.c.expires_at <= await tx.now()
        )
    )


async def standing_of(reader: Reader, token_id: str) -> TokenStanding | None:
    """Return a token; none when there is no such token or its user may not act."""
    rows = await reader.execute(
        sa.select(
            users.c.id,
            users.c.name,
            users.c.role,
            api_tokens.c.token_hash,
            api_tokens.c.expires_at,
        )
        .join(users, users.c.id == api_tokens.c.user_id)
        .where(api_tokens.c.id == token_id, users.c.disabled.is_(False))
    )
    row = rows.first()
    if row is None:
        return None
    return TokenStanding(Standing(row.id, row.name, row.role), row.token_hash, row.expires_at)


async def note_use(tx: Transaction, token_id: str, at_most_every: timedelta) -> None:
    """Write down that a token was used, unless that was written a moment ago."""
    now = await tx.now()
    before = api_tokens.c.last_used_at
    await tx.execute(
        sa.update(api_tokens)
        .where(
            api_tokens.c.id == token_id,
            sa.or_(before.is_(None), before <= now - at_most_every),
        )
        .values(last_used_at=now)
    )

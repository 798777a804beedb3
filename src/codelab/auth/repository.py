"""The rows of users and of the setup link; knows nothing of rights."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from codelab.auth.identity import User
from codelab.auth.models import setup_tokens, users
from codelab.auth.policy import name_key
from codelab.kit.db import Transaction

Reader = Transaction | AsyncConnection

_SETUP_ROW = "setup"


class Account(msgspec.Struct, frozen=True):
    """A user with what proves that it is them."""

    user: User
    password_hash: str

    def __repr__(self) -> str:
        return f"Account({self.user!r})"


async def insert_user(tx: Transaction, user: User, password_hash: str) -> None:
    """Add a user; fails with an IntegrityError when the name is taken."""
    await tx.execute(
        sa.insert(users).values(
            id=user.id,
            name=user.name,
            name_key=name_key(user.name),
            role=user.role,
            disabled=user.disabled,
            password_hash=password_hash,
            created_at=user.created_at,
        )
    )


async def find_by_name(reader: Reader, name: str) -> Account | None:
    """Find a user by name in any letter case."""
    return _account(
        await reader.execute(sa.select(users).where(users.c.name_key == name_key(name)))
    )


async def find_by_id(reader: Reader, user_id: str) -> Account | None:
    """Find a user."""
    return _account(await reader.execute(sa.select(users).where(users.c.id == user_id)))


async def lock_user(tx: Transaction, user_id: str) -> Account | None:
    """Find a user and hold back everybody else who would change the row."""
    return _account(
        await tx.execute(sa.select(users).where(users.c.id == user_id).with_for_update())
    )


async def lock_active_admins(tx: Transaction) -> set[str]:
    """Return who can administer now, and keep that so until the transaction ends."""
    rows = await tx.execute(
        sa.select(users.c.id)
        .where(users.c.role == "admin", users.c.disabled.is_(False))
        .order_by(users.c.id)
        .with_for_update()
    )
    return set(rows.scalars())


async def page_of_users(reader: Reader, after: str, limit: int) -> list[User]:
    """Return users in the order in which they were created, from behind an id on."""
    rows = await reader.execute(
        sa.select(users).where(users.c.id > after).order_by(users.c.id).limit(limit)
    )
    return [_user(row) for row in rows]


async def active_administrators(reader: Reader, limit: int) -> list[str]:
    """Return the names of those who can administer now, the first ones first."""
    rows = await reader.execute(
        sa.select(users.c.name)
        .where(users.c.role == "admin", users.c.disabled.is_(False))
        .order_by(users.c.id)
        .limit(limit)
    )
    return list(rows.scalars())


async def any_user(reader: Reader) -> bool:
    """Tell whether there is a user."""
    return (await reader.execute(sa.select(users.c.id).limit(1))).first() is not None


async def update_user(tx: Transaction, user_id: str, **changes: Any) -> None:
    """Change columns of a user."""
    await tx.execute(sa.update(users).where(users.c.id == user_id).values(**changes))


async def replace_hash(tx: Transaction, account: Account, password_hash: str) -> bool:
    """Write the same password's newer hash, unless the password was changed meanwhile."""
    updated = await tx.execute(
        sa.update(users)
        .where(users.c.id == account.user.id, users.c.password_hash == account.password_hash)
        .values(password_hash=password_hash)
    )
    return updated.rowcount == 1


async def delete_user(tx: Transaction, user_id: str) -> None:
    """Remove a user and, by the foreign keys, all that is theirs."""
    await tx.execute(sa.delete(users).where(users.c.id == user_id))


async def replace_setup_token(tx: Transaction, hashed: str, now: datetime) -> None:
    """Keep this token and no other; fails with an IntegrityError when two do so at once."""
    await drop_setup_token(tx)
    await tx.execute(
        sa.insert(setup_tokens).values(id=_SETUP_ROW, token_hash=hashed, created_at=now)
    )


async def drop_setup_token(tx: Transaction) -> None:
    """Make the setup link useless."""
    await tx.execute(sa.delete(setup_tokens))


async def has_setup_token(reader: Reader, hashed: str) -> bool:
    """Tell whether this is the setup link's token."""
    found = await reader.execute(
        sa.select(setup_tokens.c.id).where(setup_tokens.c.token_hash == hashed)
    )
    return found.first() is not None


async def take_setup_token(tx: Transaction, hashed: str) -> bool:
    """Use the setup link's token up; of two who do so one gets it."""
    taken = await tx.execute(
        sa.delete(setup_tokens)
        .where(setup_tokens.c.token_hash == hashed)
        .returning(setup_tokens.c.id)
    )
    return taken.first() is not None


def _account(result: sa.CursorResult[Any]) -> Account | None:
    row = result.first()
    return None if row is None else Account(_user(row), row.password_hash)


def _user(row: Any) -> User:
    return User(
        id=row.id,
        name=row.name,
        role=row.role,
        disabled=row.disabled,
        created_at=row.created_at,
        last_seen_at=row.last_seen_at,
    )

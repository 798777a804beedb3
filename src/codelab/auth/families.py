"""The rows of sign-ins: families, their refresh tokens, tickets, and failed attempts."""

from __future__ import annotations

from datetime import datetime, timedelta

import msgspec
import sqlalchemy as sa

from codelab.auth.identity import Role
from codelab.auth.models import (
    refresh_tokens,
    sign_in_failures,
    token_families,
    users,
    ws_tickets,
)
from codelab.auth.policy import THROTTLE_WINDOW, Failure
from codelab.auth.repository import Reader
from codelab.auth.tokens import new_token, token_hash
from codelab.kit.db import Transaction
from codelab.kit.ids import new_id

_MOST_FAILURES = 500


class Standing(msgspec.Struct, frozen=True):
    """What a user is at this moment."""

    user_id: str
    name: str
    role: Role


class Rotated(msgspec.Struct, frozen=True):
    """A refresh token was used up, and this is the next one."""

    token: str

    def __repr__(self) -> str:
        return "Rotated(…)"


class Reused(msgspec.Struct, frozen=True):
    """A refresh token came a second time, so this user's sign-in was ended."""

    user_id: str


async def open_family(tx: Transaction, user_id: str, place: str, ttl_s: int) -> tuple[str, str]:
    """Start a family; return its id and its first refresh token."""
    now = await tx.now()
    expires_at = now + timedelta(seconds=ttl_s)
    await tx.execute(
        sa.delete(token_families).where(
            token_families.c.user_id == user_id, token_families.c.expires_at <= now
        )
    )
    family_id = new_id()
    await _note_seen(tx, user_id, now)
    await tx.execute(
        sa.insert(token_families).values(
            id=family_id, user_id=user_id, place=place, created_at=now, expires_at=expires_at
        )
    )
    return family_id, await _add_token(tx, family_id, expires_at)


async def family_of(reader: Reader, refresh_token: str) -> str | None:
    """Return the family that the token was issued in, whether it still works or not."""
    found = await reader.execute(
        sa.select(refresh_tokens.c.family_id).where(
            refresh_tokens.c.token_hash == token_hash(refresh_token)
        )
    )
    return found.scalar()


async def rotate(
    tx: Transaction, family_id: str, refresh_token: str, ttl_s: int
) -> Rotated | Reused | None:
    """Use a refresh token up and issue the next, or revoke the family when it was used before.

    The family's row is locked first, so of two simultaneous uses one is first and the other
    counts as a replay. There is no grace for a client's second tab: it shares its tokens or
    signs in by itself.

    Returns:
        None when the token or its family is too old, revoked or unknown.
    """
    now = await tx.now()
    expires_at = now + timedelta(seconds=ttl_s)
    extended = await tx.execute(
        sa.update(token_families)
        .where(
            token_families.c.id == family_id,
            token_families.c.revoked_at.is_(None),
            token_families.c.expires_at > now,
        )
        .values(expires_at=expires_at)
        .returning(token_families.c.user_id)
    )
    user_id = extended.scalar()
    if user_id is None:
        return None
    this_one = refresh_tokens.c.token_hash == token_hash(refresh_token)
    used = await tx.execute(
        sa.update(refresh_tokens)
        .where(this_one, refresh_tokens.c.used_at.is_(None), refresh_tokens.c.expires_at > now)
        .values(used_at=now)
    )
    if used.rowcount == 1:
        await _note_seen(tx, user_id, now)
        await tx.execute(
            sa.delete(refresh_tokens).where(
                refresh_tokens.c.family_id == family_id, refresh_tokens.c.expires_at <= now
            )
        )
        return Rotated(await _add_token(tx, family_id, expires_at))
    found = await tx.execute(sa.select(refresh_tokens.c.used_at).where(this_one))
    if found.scalar() is None:
        return None
    await revoke_family(tx, family_id)
    return Reused(user_id)


async def _note_seen(tx: Transaction, user_id: str, now: datetime) -> None:
    await tx.execute(sa.update(users).where(users.c.id == user_id).values(last_seen_at=now))


async def revoke_family(tx: Transaction, family_id: str) -> str | None:
    """End a sign-in; return whose it was, or none if it had ended before."""
    revoked = await tx.execute(
        sa.update(token_families)
        .where(token_families.c.id == family_id, token_families.c.revoked_at.is_(None))
        .values(revoked_at=await tx.now())
        .returning(token_families.c.user_id)
    )
    return revoked.scalar()


async def revoke_all(tx: Transaction, user_id: str) -> None:
    """End all sign-ins of a user."""
    await tx.execute(
        sa.update(token_families)
        .where(token_families.c.user_id == user_id, token_families.c.revoked_at.is_(None))
        .values(revoked_at=await tx.now())
    )


async def standing_of_family(reader: Reader, family_id: str) -> Standing | None:
    """Return the user behind a sign-in; none when it ended or the user may not act."""
    return await _standing(
        reader,
        sa.select(users.c.id, users.c.name, users.c.role)
        .join(token_families, token_families.c.user_id == users.c.id)
        .where(token_families.c.id == family_id, token_families.c.revoked_at.is_(None)),
    )


async def standing_of_user(reader: Reader, user_id: str) -> Standing | None:
    """Return the user; none when there is no such user or the user may not act."""
    return await _standing(
        reader,
        sa.select(users.c.id, users.c.name, users.c.role).where(users.c.id == user_id),
    )


async def is_familiar(reader: Reader, user_id: str, place: str) -> bool:
    """Tell whether the user has signed in from this place lately."""
    found = await reader.execute(
        sa.select(token_families.c.id)
        .where(token_families.c.user_id == user_id, token_families.c.place == place)
        .limit(1)
    )
    return found.first() is not None


async def add_ticket(tx: Transaction, user_id: str, family_id: str, ttl_s: int) -> str:
    """Issue a ticket, and drop those of the user that nobody fetched in time."""
    now = await tx.now()
    await tx.execute(
        sa.delete(ws_tickets).where(ws_tickets.c.user_id == user_id, ws_tickets.c.expires_at <= now)
    )
    ticket = new_token()
    await tx.execute(
        sa.insert(ws_tickets).values(
            ticket_hash=token_hash(ticket),
            user_id=user_id,
            family_id=family_id or None,
            expires_at=now + timedelta(seconds=ttl_s),
        )
    )
    return ticket


async def take_ticket(tx: Transaction, ticket: str) -> tuple[str, str] | None:
    """Use a ticket up; of two who do so one gets it.

    Returns:
        The user's and the family's id (empty where there is no family), if the ticket was good.
    """
    taken = await tx.execute(
        sa.delete(ws_tickets)
        .where(ws_tickets.c.ticket_hash == token_hash(ticket))
        .returning(ws_tickets.c.user_id, ws_tickets.c.family_id, ws_tickets.c.expires_at)
    )
    row = taken.first()
    if row is None or row.expires_at <= await tx.now():
        return None
    return row.user_id, row.family_id or ""


async def recent_failures(reader: Reader, subject: str, place: str, now: datetime) -> list[Failure]:
    """Return the last minute's failed sign-ins that share the name or the place."""
    rows = await reader.execute(
        sa.select(
            sign_in_failures.c.subject, sign_in_failures.c.place, sign_in_failures.c.failed_at
        )
        .where(
            sa.or_(sign_in_failures.c.subject == subject, sign_in_failures.c.place == place),
            sign_in_failures.c.failed_at > now - THROTTLE_WINDOW,
        )
        .order_by(sign_in_failures.c.failed_at.desc())
        .limit(_MOST_FAILURES)
    )
    return [Failure(row.subject, row.place, row.failed_at) for row in rows]


async def add_failure(tx: Transaction, subject: str, place: str) -> None:
    """Count a failed sign-in, and forget those that no longer count."""
    now = await tx.now()
    await tx.execute(
        sa.delete(sign_in_failures).where(sign_in_failures.c.failed_at <= now - THROTTLE_WINDOW)
    )
    await tx.execute(
        sa.insert(sign_in_failures).values(id=new_id(), subject=subject, place=place, failed_at=now)
    )


async def _add_token(tx: Transaction, family_id: str, expires_at: datetime) -> str:
    token = new_token()
    await tx.execute(
        sa.insert(refresh_tokens).values(
            token_hash=token_hash(token), family_id=family_id, expires_at=expires_at
        )
    )
    return token


async def _standing(reader: Reader, statement: sa.Select[tuple[str, str, str]]) -> Standing | None:
    row = (await reader.execute(statement.where(users.c.disabled.is_(False)))).first()
    return None if row is None else Standing(row.id, row.name, row.role)

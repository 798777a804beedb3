"""The tables of identity. Tokens are kept as hashes, passwords as argon2id."""

from __future__ import annotations

import sqlalchemy as sa

from codelab.kit.db import UtcDateTime, metadata

users = sa.Table(
    "users",
    metadata,
    sa.Column("id", sa.String(32), primary_key=True),
    sa.Column("name", sa.String(64), nullable=False),
    # What all spellings of the name have in common; folding can lengthen it.
    sa.Column("name_key", sa.String(256), nullable=False, unique=True),
    sa.Column("role", sa.String(16), nullable=False),
    sa.Column("disabled", sa.Boolean, nullable=False, default=False),
    sa.Column("password_hash", sa.String(255), nullable=False),
    sa.Column("created_at", UtcDateTime, nullable=False),
    # When the user last signed in or exchanged a refresh token, which clients do all the time.
    sa.Column("last_seen_at", UtcDateTime),
)

# A family is one sign-in: the chain of refresh tokens that followed from it.
token_families = sa.Table(
    "token_families",
    metadata,
    sa.Column("id", sa.String(32), primary_key=True),
    sa.Column("user_id", sa.ForeignKey("users.id", ondelete="CASCADE"), nullable=False),
    sa.Column("place", sa.String(64), nullable=False),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Column("expires_at", UtcDateTime, nullable=False),
    sa.Column("revoked_at", UtcDateTime),
    sa.Index("ix_token_families_user_id_place", "user_id", "place"),
)

refresh_tokens = sa.Table(
    "refresh_tokens",
    metadata,
    sa.Column("token_hash", sa.String(64), primary_key=True),
    sa.Column("family_id", sa.ForeignKey("token_families.id", ondelete="CASCADE"), nullable=False),
    sa.Column("expires_at", UtcDateTime, nullable=False),
    # Used tokens stay until they expire: that is how a replay is noticed.
    sa.Column("used_at", UtcDateTime),
    sa.Index("ix_refresh_tokens_family_id", "family_id"),
)

ws_tickets = sa.Table(
    "ws_tickets",
    metadata,
    sa.Column("ticket_hash", sa.String(64), primary_key=True),
    sa.Column("user_id", sa.ForeignKey("users.id", ondelete="CASCADE"), nullable=False),
    sa.Column("family_id", sa.ForeignKey("token_families.id", ondelete="CASCADE")),
    sa.Column("expires_at", UtcDateTime, nullable=False),
    sa.Index("ix_ws_tickets_user_id", "user_id"),
    sa.Index("ix_ws_tickets_family_id", "family_id"),
)

setup_tokens = sa.Table(
    "setup_tokens",
    metadata,
    # There is at most one row, so two servers that start at once cannot both have a valid link.
    sa.Column("id", sa.String(8), primary_key=True),
    sa.Column("token_hash", sa.String(64), nullable=False),
    sa.Column("created_at", UtcDateTime, nullable=False),
)

sign_in_failures = sa.Table(
    "sign_in_failures",
    metadata,
    sa.Column("id", sa.String(32), primary_key=True),
    # A keyed hash: what was typed as a name may be a password.
    sa.Column("subject", sa.String(64), nullable=False),
    sa.Column("place", sa.String(64), nullable=False),
    sa.Column("failed_at", UtcDateTime, nullable=False),
    sa.Index("ix_sign_in_failures_subject", "subject"),
    sa.Index("ix_sign_in_failures_place", "place"),
    sa.Index("ix_sign_in_failures_failed_at", "failed_at"),
)

# What other programs show in place of a sign-in.
api_tokens = sa.Table(
    "api_tokens",
    metadata,
    sa.Column("id", sa.String(32), primary_key=True),
    sa.Column("user_id", sa.ForeignKey("users.id", ondelete="CASCADE"), nullable=False),
    sa.Column("name", sa.String(100), nullable=False),
    sa.Column("token_hash", sa.String(64), nullable=False),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Column("last_used_at", UtcDateTime),
    sa.Column("expires_at", UtcDateTime),
    sa.Index("ix_api_tokens_user_id", "user_id"),
)

user_preferences = sa.Table(
    "user_preferences",
    metadata,
    sa.Column("user_id", sa.ForeignKey("users.id", ondelete="CASCADE"), primary_key=True),
    # JSON, checked when it comes in.
    sa.Column("chosen", sa.Text, nullable=False),
)

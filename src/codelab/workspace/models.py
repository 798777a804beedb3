"""The table of workspaces."""

from __future__ import annotations

import sqlalchemy as sa

from codelab.kit.db import UtcDateTime, metadata

workspaces = sa.Table(
    "workspaces",
    metadata,
    sa.Column("id", sa.String(32), primary_key=True),
    # Without an owner: offered by the server itself to all of its users.
    sa.Column("owner_id", sa.ForeignKey("users.id", ondelete="CASCADE")),
    sa.Column("name", sa.String(100), nullable=False),
    sa.Column("path", sa.String(1000), nullable=False),
    # A hash, because a path is too long for an index on some databases.
    sa.Column("path_digest", sa.String(64), nullable=False, unique=True),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Index("ix_workspaces_owner_id", "owner_id"),
)

"""The table of the audit log. Without foreign keys: what is recorded outlives what it is about."""

from __future__ import annotations

import sqlalchemy as sa

from codelab.kit.db import UtcDateTime, metadata

audit_log = sa.Table(
    "audit_log",
    metadata,
    sa.Column("id", sa.String(32), primary_key=True),
    sa.Column("timestamp", UtcDateTime, nullable=False),
    sa.Column("user_id", sa.String(64)),
    sa.Column("session_id", sa.String(64)),
    sa.Column("action", sa.String(64), nullable=False),
    sa.Column("resource_type", sa.String(32), nullable=False),
    sa.Column("resource_id", sa.String(200), nullable=False),
    # Canonical JSON as text, so that its bytes are the same on every database.
    sa.Column("details", sa.Text, nullable=False),
    sa.Column("ip_address", sa.String(64), nullable=False),
    sa.Column("user_agent", sa.String(500), nullable=False),
    sa.Index("ix_audit_log_user_id_id", "user_id", "id"),
    sa.Index("ix_audit_log_timestamp", "timestamp"),
)

"""The table of model calls."""

from __future__ import annotations

import sqlalchemy as sa

from codelab.kit.db import UtcDateTime, metadata

llm_usage = sa.Table(
    "llm_usage",
    metadata,
    sa.Column("id", sa.String(32), primary_key=True),
    sa.Column("at", UtcDateTime, nullable=False),
    # The day in UTC, so that sums by day read the same on every database.
    sa.Column("day", sa.String(10), nullable=False),
    # Empty for callers that are services.
    sa.Column("user_id", sa.ForeignKey("users.id", ondelete="CASCADE")),
    # No foreign key: what a deleted session has cost still counts for its user.
    sa.Column("session_id", sa.String(32), nullable=False),
    sa.Column("turn_id", sa.String(32), nullable=False),
    sa.Column("agent", sa.String(64), nullable=False),
    sa.Column("model", sa.String(200), nullable=False),
    sa.Column("provider", sa.String(100), nullable=False),
    sa.Column("input_tokens", sa.BigInteger, nullable=False),
    sa.Column("output_tokens", sa.BigInteger, nullable=False),
    sa.Column("cached_tokens", sa.BigInteger, nullable=False),
    sa.Column("cost_usd", sa.Double, nullable=False),
    sa.Column("estimated", sa.Boolean, nullable=False),
    sa.Column("first_token_ms", sa.Integer),
    sa.Column("duration_ms", sa.Integer, nullable=False),
    sa.Column("ok", sa.Boolean, nullable=False),
    sa.Column("error_code", sa.String(64), nullable=False),
    sa.Column("tried", sa.String(1000), nullable=False),
    sa.Index("ix_llm_usage_user_id_day", "user_id", "day"),
    sa.Index("ix_llm_usage_session_id", "session_id"),
    sa.Index("ix_llm_usage_day", "day"),
)

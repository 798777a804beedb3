"""The table of model calls, and those that keep them within what may be spent."""

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
    sa.Column("cache_write_tokens", sa.BigInteger, nullable=False, server_default="0"),
    sa.Column("from_cache", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Column("cost_usd", sa.Double, nullable=False),
    sa.Column("estimated", sa.Boolean, nullable=False),
    sa.Column("first_token_ms", sa.Integer),
    sa.Column("duration_ms", sa.Integer, nullable=False),
    sa.Column("ok", sa.Boolean, nullable=False),
    sa.Column("error_code", sa.String(64), nullable=False),
    sa.Column("tried", sa.String(1000), nullable=False),
    sa.Index("ix_llm_usage_user_id_day", "user_id", "day"),
    sa.Index("ix_llm_usage_session_id", "session_id"),
    sa.Index("ix_llm_usage_turn_id", "turn_id"),
    sa.Index("ix_llm_usage_agent_day", "agent", "day"),
    sa.Index("ix_llm_usage_model_day", "model", "day"),
    sa.Index("ix_llm_usage_day", "day"),
)

# What goes against a cap, in billionths of a dollar. A row may be deleted whenever nothing is
# reserved in it: the calls that were settled are in the table above, and it starts from them.
llm_budgets = sa.Table(
    "llm_budgets",
    metadata,
    # The scope, and what it is of: `turn:…`, `session:…`, `user:…:day`, `server:day`.
    sa.Column("id", sa.String(80), primary_key=True),
    # Empty where it is not one user's.
    sa.Column("user_id", sa.ForeignKey("users.id", ondelete="CASCADE")),
    sa.Column("settled", sa.BigInteger, nullable=False),
    sa.Column("reserved", sa.BigInteger, nullable=False),
    sa.Column("used_at", UtcDateTime, nullable=False),
    sa.Index("ix_llm_budgets_user_id", "user_id"),
    sa.Index("ix_llm_budgets_used_at", "used_at"),
)

# What calls under way have reserved. The id is that of the row which the call will have above.
llm_reservations = sa.Table(
    "llm_reservations",
    metadata,
    sa.Column("id", sa.String(32), primary_key=True),
    # No foreign key: money that a deleted user's call holds is to be given back all the same.
    sa.Column("user_id", sa.String(32), nullable=False),
    sa.Column("session_id", sa.String(32), nullable=False),
    sa.Column("agent", sa.String(64), nullable=False),
    sa.Column("model", sa.String(200), nullable=False),
    sa.Column("provider", sa.String(100), nullable=False),
    sa.Column("day", sa.String(10), nullable=False),
    # The ids of the counters, with spaces between them.
    sa.Column("counters", sa.String(400), nullable=False),
    sa.Column("amount", sa.BigInteger, nullable=False),
    sa.Column("input_tokens", sa.BigInteger, nullable=False),
    sa.Column("input_amount", sa.BigInteger, nullable=False),
    sa.Column("expires_at", UtcDateTime, nullable=False),
    sa.Index("ix_llm_reservations_expires_at", "expires_at"),
)

# Models that administrators have added while the server ran.
llm_models = sa.Table(
    "llm_models",
    metadata,
    sa.Column("name", sa.String(100), primary_key=True),
    # What litellm is told, the key included; sealed.
    sa.Column("params", sa.LargeBinary, nullable=False),
    sa.Column("info", sa.JSON, nullable=False),
    # No foreign key: a model stays when its maker leaves.
    sa.Column("created_by", sa.String(32), nullable=False),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Column("updated_at", UtcDateTime, nullable=False),
)

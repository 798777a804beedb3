"""What may be spent on models: counters, reservations, and what usage tells of caches."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "llm_usage",
        sa.Column("cache_write_tokens", sa.BigInteger, nullable=False, server_default="0"),
    )
    op.add_column(
        "llm_usage",
        sa.Column("from_cache", sa.Boolean, nullable=False, server_default=sa.false()),
    )
    op.create_index("ix_llm_usage_turn_id", "llm_usage", ["turn_id"])
    op.create_index("ix_llm_usage_agent_day", "llm_usage", ["agent", "day"])
    op.create_index("ix_llm_usage_model_day", "llm_usage", ["model", "day"])
    op.create_table(
        "llm_budgets",
        sa.Column("id", sa.String(80), primary_key=True),
        sa.Column("user_id", sa.String(32), sa.ForeignKey("users.id", ondelete="CASCADE")),
        sa.Column("settled", sa.BigInteger, nullable=False),
        sa.Column("reserved", sa.BigInteger, nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=False),
    )
    op.create_index("ix_llm_budgets_user_id", "llm_budgets", ["user_id"])
    op.create_index("ix_llm_budgets_used_at", "llm_budgets", ["used_at"])
    op.create_table(
        "llm_reservations",
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("user_id", sa.String(32), nullable=False),
        sa.Column("session_id", sa.String(32), nullable=False),
        sa.Column("agent", sa.String(64), nullable=False),
        sa.Column("model", sa.String(200), nullable=False),
        sa.Column("provider", sa.String(100), nullable=False),
        sa.Column("day", sa.String(10), nullable=False),
        sa.Column("counters", sa.String(400), nullable=False),
        sa.Column("amount", sa.BigInteger, nullable=False),
        sa.Column("input_tokens", sa.BigInteger, nullable=False),
        sa.Column("input_amount", sa.BigInteger, nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
    )
    op.create_index("ix_llm_reservations_expires_at", "llm_reservations", ["expires_at"])


def downgrade() -> None:
    op.drop_table("llm_reservations")
    op.drop_table("llm_budgets")
    for name in ("ix_llm_usage_model_day", "ix_llm_usage_agent_day", "ix_llm_usage_turn_id"):
        op.drop_index(name, "llm_usage")
    op.drop_column("llm_usage", "from_cache")
    op.drop_column("llm_usage", "cache_write_tokens")

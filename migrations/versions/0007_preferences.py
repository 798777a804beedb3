"""How users like the interface, when they were last seen, and indexes for the log's filters."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_INDEXES = ("action", "session_id", "resource_id")


def upgrade() -> None:
    op.add_column("users", sa.Column("last_seen_at", sa.DateTime(timezone=True)))
    op.create_table(
        "user_preferences",
        sa.Column(
            "user_id",
            sa.String(32),
            sa.ForeignKey("users.id", ondelete="CASCADE"),
            primary_key=True,
        ),
        sa.Column("chosen", sa.Text, nullable=False),
    )
    for column in _INDEXES:
        op.create_index(f"ix_audit_log_{column}_id", "audit_log", [column, "id"])


def downgrade() -> None:
    for column in _INDEXES:
        op.drop_index(f"ix_audit_log_{column}_id", "audit_log")
    op.drop_table("user_preferences")
    op.drop_column("users", "last_seen_at")

"""Users' rules; whether an approval is for a call, or for running it again after a crash."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "sessions",
        sa.Column("has_answer", sa.Boolean, nullable=False, server_default=sa.false()),
    )
    op.add_column(
        "approvals",
        sa.Column("question", sa.String(16), nullable=False, server_default="run"),
    )
    op.add_column("approvals", sa.Column("reason", sa.LargeBinary))
    op.create_table(
        "policy_rules",
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column(
            "user_id", sa.String(32), sa.ForeignKey("users.id", ondelete="CASCADE"), nullable=False
        ),
        sa.Column(
            "workspace_id", sa.String(32), sa.ForeignKey("workspaces.id", ondelete="CASCADE")
        ),
        sa.Column("session_id", sa.String(32), sa.ForeignKey("sessions.id", ondelete="CASCADE")),
        sa.Column("rule", sa.LargeBinary, nullable=False),
        sa.Column("approval_id", sa.String(32)),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
    )
    op.create_index("ix_policy_rules_user_id", "policy_rules", ["user_id"])
    op.create_index("ix_policy_rules_workspace_id", "policy_rules", ["workspace_id"])
    op.create_index("ix_policy_rules_session_id", "policy_rules", ["session_id"])


def downgrade() -> None:
    op.drop_table("policy_rules")
    op.drop_column("approvals", "reason")
    op.drop_column("approvals", "question")
    op.drop_column("sessions", "has_answer")

"""What a human judges a call by, as data; what they changed; how often users' rules decide."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("approvals", sa.Column("facts", sa.LargeBinary))
    op.add_column("approvals", sa.Column("edit_diff", sa.LargeBinary))
    op.add_column(
        "policy_rules", sa.Column("hits", sa.BigInteger, nullable=False, server_default="0")
    )
    op.add_column("policy_rules", sa.Column("last_used_at", sa.DateTime(timezone=True)))


def downgrade() -> None:
    op.drop_column("policy_rules", "last_used_at")
    op.drop_column("policy_rules", "hits")
    op.drop_column("approvals", "edit_diff")
    op.drop_column("approvals", "facts")

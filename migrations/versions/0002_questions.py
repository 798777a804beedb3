"""Whether an approval is for a call, or for running it again after a crash."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "approvals",
        sa.Column("question", sa.String(16), nullable=False, server_default="run"),
    )


def downgrade() -> None:
    op.drop_column("approvals", "question")

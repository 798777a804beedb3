"""The tables of approvals and of users' rules. What agents and people wrote is sealed."""

from __future__ import annotations

import sqlalchemy as sa

from codelab.kit.db import UtcDateTime, metadata

approvals = sa.Table(
    "approvals",
    metadata,
    sa.Column("id", sa.String(32), primary_key=True),
    sa.Column("session_id", sa.ForeignKey("sessions.id", ondelete="CASCADE"), nullable=False),
    sa.Column("turn_id", sa.String(32), nullable=False),
    # The model's own name for the call, which may name another one in another session.
    sa.Column("call_id", sa.Text, nullable=False),
    sa.Column("user_id", sa.ForeignKey("users.id", ondelete="CASCADE"), nullable=False),
    sa.Column("agent", sa.String(200), nullable=False),
    sa.Column("tool", sa.String(200), nullable=False),
    sa.Column("parameters", sa.LargeBinary, nullable=False),
    sa.Column("digest", sa.String(64), nullable=False),
    sa.Column("preview", sa.LargeBinary, nullable=False),
    sa.Column("risk", sa.String(16), nullable=False),
    sa.Column("status", sa.String(16), nullable=False),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Column("expires_at", UtcDateTime, nullable=False),
    sa.Column("responded_at", UtcDateTime),
    sa.Column("responded_by", sa.String(200)),
    sa.Column("feedback", sa.LargeBinary),
    sa.Column("edited_parameters", sa.LargeBinary),
    sa.Column("edited_digest", sa.String(64)),
    sa.Column("used_at", UtcDateTime),
    sa.Column("warned_at", UtcDateTime),
    sa.Column("question", sa.String(16), nullable=False, server_default="run"),
    sa.Column("reason", sa.LargeBinary),
    sa.Column("response_time_ms", sa.BigInteger),
    sa.Column("facts", sa.LargeBinary),
    sa.Column("edit_diff", sa.LargeBinary),
    sa.Index("ix_approvals_turn_id_call_id", "turn_id", "call_id"),
    sa.Index("ix_approvals_user_id_id", "user_id", "id"),
    sa.Index("ix_approvals_session_id", "session_id"),
    sa.Index("ix_approvals_status_expires_at", "status", "expires_at"),
)

policy_rules = sa.Table(
    "policy_rules",
    metadata,
    sa.Column("id", sa.String(32), primary_key=True),
    sa.Column("user_id", sa.ForeignKey("users.id", ondelete="CASCADE"), nullable=False),
    # One of the two: where the rule holds.
    sa.Column("workspace_id", sa.ForeignKey("workspaces.id", ondelete="CASCADE")),
    sa.Column("session_id", sa.ForeignKey("sessions.id", ondelete="CASCADE")),
    sa.Column("rule", sa.LargeBinary, nullable=False),
    sa.Column("approval_id", sa.String(32)),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Column("hits", sa.BigInteger, nullable=False, server_default="0"),
    sa.Column("last_used_at", UtcDateTime),
    sa.Index("ix_policy_rules_user_id", "user_id"),
    sa.Index("ix_policy_rules_workspace_id", "workspace_id"),
    sa.Index("ix_policy_rules_session_id", "session_id"),
)

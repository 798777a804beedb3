"""The tables of sessions. Bodies are sealed: they hold source code and what people wrote."""

from __future__ import annotations

import sqlalchemy as sa

from codelab.kit.db import UtcDateTime, metadata

sessions = sa.Table(
    "sessions",
    metadata,
    sa.Column("id", sa.String(32), primary_key=True),
    sa.Column("user_id", sa.ForeignKey("users.id", ondelete="CASCADE"), nullable=False),
    sa.Column("workspace_id", sa.ForeignKey("workspaces.id", ondelete="CASCADE"), nullable=False),
    sa.Column("title", sa.LargeBinary, nullable=False),
    sa.Column("agent", sa.String(64)),
    sa.Column("model", sa.String(200)),
    sa.Column("archived", sa.Boolean, nullable=False, default=False),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Column("last_activity_at", UtcDateTime, nullable=False),
    # The head of the log.
    sa.Column("epoch", sa.Integer, nullable=False, default=1),
    sa.Column("last_seq", sa.BigInteger, nullable=False, default=0),
    # The running turn and its lease. They sit in this row so that one conditional update both
    # advances the log and proves that the writer still owns the turn.
    sa.Column("active_turn_id", sa.String(32)),
    sa.Column("cancel_requested", sa.Boolean, nullable=False, default=False),
    # Something was answered since somebody took the lease.
    sa.Column("has_answer", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Column("lease_owner", sa.String(32)),
    sa.Column("lease_generation", sa.BigInteger, nullable=False, default=0),
    sa.Column("lease_expires_at", UtcDateTime),
    sa.Index("ix_sessions_user_id_last_activity_at", "user_id", "last_activity_at"),
    sa.Index("ix_sessions_workspace_id", "workspace_id"),
    sa.Index("ix_sessions_lease_owner", "lease_owner"),
    sa.Index("ix_sessions_active_turn_id", "active_turn_id"),
)

turns = sa.Table(
    "turns",
    metadata,
    sa.Column("id", sa.String(32), primary_key=True),
    sa.Column("session_id", sa.ForeignKey("sessions.id", ondelete="CASCADE"), nullable=False),
    sa.Column("request_id", sa.String(128)),
    sa.Column("started_at", UtcDateTime, nullable=False),
    sa.Column("ended_at", UtcDateTime),
    sa.Column("stop_reason", sa.String(16)),
    sa.UniqueConstraint("session_id", "request_id"),
)

entries = sa.Table(
    "session_entries",
    metadata,
    sa.Column("session_id", sa.ForeignKey("sessions.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("seq", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("epoch", sa.Integer, nullable=False),
    sa.Column("turn_id", sa.String(32), nullable=False),
    sa.Column("task_id", sa.String(128), nullable=False),
    sa.Column("kind", sa.String(32), nullable=False),
    sa.Column("at", UtcDateTime, nullable=False),
    sa.Column("body", sa.LargeBinary, nullable=False),
    sa.Index("ix_session_entries_turn_id", "turn_id"),
)

feedback = sa.Table(
    "feedback",
    metadata,
    sa.Column("id", sa.String(32), primary_key=True),
    sa.Column("session_id", sa.ForeignKey("sessions.id", ondelete="CASCADE"), nullable=False),
    sa.Column("user_id", sa.ForeignKey("users.id", ondelete="CASCADE"), nullable=False),
    sa.Column("message_id", sa.String(32), nullable=False),
    sa.Column("rating", sa.String(4), nullable=False),
    sa.Column("comment", sa.LargeBinary, nullable=False),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.UniqueConstraint("session_id", "user_id", "message_id"),
)

"""The tables of the audit log. Without foreign keys: what is recorded outlives what it is about."""

from __future__ import annotations

import sqlalchemy as sa

from codelab.audit.chain import Head
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
    sa.Column("seq", sa.BigInteger, nullable=False),
    sa.Column("previous_hash", sa.String(64), nullable=False),
    sa.Column("hash", sa.String(64), nullable=False),
    sa.Column("signature", sa.String(64), nullable=False),
    sa.UniqueConstraint("seq"),
    sa.Index("ix_audit_log_user_id_id", "user_id", "id"),
    sa.Index("ix_audit_log_session_id_id", "session_id", "id"),
    sa.Index("ix_audit_log_action_id", "action", "id"),
    sa.Index("ix_audit_log_resource_id_id", "resource_id", "id"),
    sa.Index("ix_audit_log_timestamp", "timestamp"),
)

# One row, which every writer takes first: so they write one after the other.
audit_head = sa.Table(
    "audit_head",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("seq", sa.BigInteger, nullable=False),
    sa.Column("hash", sa.String(64), nullable=False),
)

# The migration gives all this to the tables that it makes; here it is for those made from metadata.
_APPEND_ONLY = {
    "sqlite": (
        "CREATE TRIGGER audit_log_no_update BEFORE UPDATE ON audit_log "
        "BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END",
        "CREATE TRIGGER audit_log_no_delete BEFORE DELETE ON audit_log "
        "BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END",
    ),
    "postgresql": (
        "CREATE OR REPLACE FUNCTION audit_log_refuse() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION 'the audit log is append-only'; END $$",
        "CREATE TRIGGER audit_log_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_log "
        "FOR EACH STATEMENT EXECUTE FUNCTION audit_log_refuse()",
    ),
}


@sa.event.listens_for(audit_log, "after_create")
def _refuse_changes(table: sa.Table, connection: sa.Connection, **_: object) -> None:
    for statement in _APPEND_ONLY[connection.dialect.name]:
        connection.execute(sa.text(statement))


@sa.event.listens_for(audit_head, "after_create")
def _begin_the_chain(table: sa.Table, connection: sa.Connection, **_: object) -> None:
    start = Head()
    connection.execute(sa.insert(table).values(id=1, seq=start.seq, hash=start.hash))

"""The audit log becomes a chain, and append-only for the database too.

Entries from before get their numbers in the order of their identifiers, and their hashes; not a
signature, for which a migration has no key.
"""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

START = "0" * 64
PAGE = 1000
CHAIN = ("seq", "previous_hash", "hash", "signature")

COVERED = sa.table(
    "audit_log",
    sa.column("id", sa.String),
    sa.column("timestamp", sa.DateTime(timezone=True)),
    *(
        sa.column(name, sa.String)
        for name in (
            "user_id",
            "session_id",
            "action",
            "resource_type",
            "resource_id",
            "details",
            "ip_address",
            "user_agent",
        )
    ),
)

APPEND_ONLY = {
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
NO_LONGER = {
    "sqlite": ("DROP TRIGGER audit_log_no_update", "DROP TRIGGER audit_log_no_delete"),
    "postgresql": (
        "DROP TRIGGER audit_log_append_only ON audit_log",
        "DROP FUNCTION audit_log_refuse()",
    ),
}


def upgrade() -> None:
    op.add_column("audit_log", sa.Column("seq", sa.BigInteger))
    for name in CHAIN[1:]:
        op.add_column("audit_log", sa.Column(name, sa.String(64)))
    end, last = number_and_hash(op.get_bind())
    with op.batch_alter_table("audit_log") as table:
        for name in CHAIN:
            table.alter_column(name, nullable=False)
        table.create_unique_constraint("uq_audit_log_seq", ["seq"])
    head = op.create_table(
        "audit_head",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("seq", sa.BigInteger, nullable=False),
        sa.Column("hash", sa.String(64), nullable=False),
    )
    op.execute(sa.insert(head).values(id=1, seq=end, hash=last))
    # SQLite's batches make a table anew without its triggers: a later one has to repeat this.
    for statement in APPEND_ONLY[op.get_bind().dialect.name]:
        op.execute(statement)


def downgrade() -> None:
    for statement in NO_LONGER[op.get_bind().dialect.name]:
        op.execute(statement)
    op.drop_table("audit_head")
    with op.batch_alter_table("audit_log") as table:
        table.drop_constraint("uq_audit_log_seq", type_="unique")
        for name in CHAIN:
            table.drop_column(name)


def number_and_hash(db: sa.Connection) -> tuple[int, str]:
    """Chain the entries that are there; return the last one's number and hash."""
    change = sa.text(
        "UPDATE audit_log SET seq = :seq, previous_hash = :previous_hash, hash = :hash, "
        "signature = '' WHERE id = :id"
    ).bindparams(sa.bindparam("seq", type_=sa.BigInteger))
    seq, last, after = 0, START, ""
    while True:
        query = sa.select(COVERED).where(COVERED.c.id > after).order_by(COVERED.c.id).limit(PAGE)
        rows = db.execute(query).all()
        if not rows:
            return seq, last
        changes = []
        for row in rows:
            seq += 1
            covered = dict(row._mapping) | {"seq": seq, "previous_hash": last}
            last = digest(covered)
            changes.append({"id": row.id, "seq": seq, "hash": last})
            changes[-1]["previous_hash"] = covered["previous_hash"]
        db.execute(change, changes)
        after = rows[-1].id


def digest(covered: dict[str, object]) -> str:
    """Do as the log itself does; written down here because it must never change."""
    moment = covered["timestamp"]
    if not isinstance(moment, datetime):
        raise TypeError("a timestamp is no moment")
    moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    whole = covered | {"timestamp": moment.isoformat(timespec="microseconds")}
    text = json.dumps(whole, ensure_ascii=True, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()

"""Alembic's entry: runs the migrations in the transaction of the connection it was given."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import context

from codelab.kit.db import metadata

connection = context.config.attributes["connection"]
if not isinstance(connection, sa.Connection):
    raise TypeError("migrations run through `codelab migrate`")

context.configure(
    connection=connection,
    target_metadata=metadata,
    render_as_batch=connection.dialect.name == "sqlite",
)
context.run_migrations()

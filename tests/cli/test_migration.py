"""Migrations: they make exactly the modules' tables, whole or not at all, and can be undone."""

from __future__ import annotations

import asyncio
import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from codelab.audit import models as audit_models
from codelab.auth import models as auth_models
from codelab.cli.installation import prepare_database
from codelab.cli.migration import downgrade, upgrade
from codelab.hitl import models as hitl_models
from codelab.kit.bus import Bus
from codelab.kit.db import Database, metadata
from codelab.kit.schema import SchemaOutdated, SchemaState, head_revision, migrations_folder
from codelab.kit.schema import read_version as version_of
from codelab.llm import models as llm_models
from codelab.sessions import models as session_models
from codelab.workspace import models as workspace_models

MODULES = (audit_models, auth_models, hitl_models, llm_models, session_models, workspace_models)
HEAD = head_revision(migrations_folder())


@asynccontextmanager
async def opened(url: str) -> AsyncIterator[Database]:
    db = Database(url, Bus())
    try:
        yield db
    finally:
        await db.close()


async def tables(url: str) -> set[str]:
    async with opened(url) as db, db.read() as connection:
        names = await connection.run_sync(lambda sync: sa.inspect(sync).get_table_names())
        return set(names)


def differences(connection: sa.Connection) -> list[Any]:
    context = MigrationContext.configure(
        connection, opts={"compare_type": True, "compare_server_default": True}
    )
    return list(compare_metadata(context, metadata))


def test_every_table_is_known_here() -> None:
    declared = {
        each.name
        for module in MODULES
        for each in vars(module).values()
        if isinstance(each, sa.Table)
    }
    assert declared == set(metadata.tables)


async def test_migrations_make_the_tables_that_the_modules_declare(database_url: str) -> None:
    await upgrade(database_url)
    async with opened(database_url) as db, db.read() as connection:
        assert await connection.run_sync(differences) == []


async def test_constraints_have_the_declared_names(database_url: str) -> None:
    await upgrade(database_url)

    def names(connection: sa.Connection) -> dict[str, set[str | None]]:
        inspector = sa.inspect(connection)
        return {
            name: {inspector.get_pk_constraint(name)["name"]}
            | {key["name"] for key in inspector.get_foreign_keys(name)}
            | {unique["name"] for unique in inspector.get_unique_constraints(name)}
            for name in metadata.tables
        }

    async with opened(database_url) as db, db.read() as connection:
        found = await connection.run_sync(names)
    kinds = sa.PrimaryKeyConstraint | sa.ForeignKeyConstraint | sa.UniqueConstraint
    for name, table in metadata.tables.items():
        declared = {
            connection.engine.dialect.identifier_preparer.format_constraint(each)
            for each in table.constraints
            if isinstance(each, kinds)
        }
        assert found[name] == declared, name


async def test_deletions_follow_the_declared_rules(database_url: str) -> None:
    await upgrade(database_url)

    def rules(connection: sa.Connection) -> set[tuple[str, str, str]]:
        inspector = sa.inspect(connection)
        return {
            (name, key["constrained_columns"][0], key["options"].get("ondelete", ""))
            for name in metadata.tables
            for key in inspector.get_foreign_keys(name)
        }

    async with opened(database_url) as db, db.read() as connection:
        found = await connection.run_sync(rules)
    assert found == {
        (table.name, key.parent.name, key.ondelete or "")
        for table in metadata.tables.values()
        for key in table.foreign_keys
    }


async def test_they_can_be_undone_and_done_again(database_url: str) -> None:
    await upgrade(database_url)
    before = await tables(database_url)
    await downgrade(database_url, "base")
    assert await tables(database_url) == {"alembic_version"}
    await upgrade(database_url)
    assert await tables(database_url) == before


async def test_two_at_once_do_it_once(database_url: str) -> None:
    await asyncio.gather(*(upgrade(database_url) for _ in range(3)))
    async with opened(database_url) as db:
        assert (await version_of(db)).state is SchemaState.CURRENT


async def test_an_embedded_database_is_brought_up_to_date_by_itself(sqlite_url: str) -> None:
    assert await prepare_database(sqlite_url) is True
    assert await prepare_database(sqlite_url) is False


async def test_a_server_database_is_left_to_its_owner(postgres_url: str) -> None:
    with pytest.raises(SchemaOutdated, match="codelab migrate"):
        await prepare_database(postgres_url)
    assert await tables(postgres_url) == set()
    await upgrade(postgres_url)
    assert await prepare_database(postgres_url) is False


async def test_a_newer_database_is_refused(database_url: str) -> None:
    await upgrade(database_url)
    async with opened(database_url) as db, db.transaction() as tx:
        await tx.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(SchemaOutdated, match="9999"):
        await prepare_database(database_url)


def migrate(url: str, folder: Path) -> subprocess.Popen[bytes]:
    environment = {**os.environ, "CODELAB_DATABASE_URL": url, "CODELAB_DATA_DIR": str(folder)}
    command = [sys.executable, "-m", "codelab", "migrate"]
    return subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )


async def until_migrating(db: Database, process: subprocess.Popen[bytes]) -> None:
    for _ in range(10_000):
        if process.poll() is not None or await is_migrating(db):
            return
        await asyncio.sleep(0.002)


async def is_migrating(db: Database) -> bool:
    if not db.embedded:
        held = sa.text("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'")
        async with db.read() as connection:
            return bool(await connection.scalar(held))
    with closing(sqlite3.connect(db.engine.url.database or "", timeout=0)) as other:
        try:
            other.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError:
            return True
        return False


async def test_a_killed_migration_is_completed_by_the_next(
    database_url: str, tmp_path: Path
) -> None:
    process = migrate(database_url, tmp_path)
    async with opened(database_url) as db:
        await until_migrating(db, process)
        process.send_signal(signal.SIGKILL)
        await asyncio.to_thread(process.communicate)
        # Wholly or not at all, whenever it was killed.
        assert (await version_of(db)).state in (SchemaState.EMPTY, SchemaState.CURRENT)
    assert await tables(database_url) in (set(), {*metadata.tables, "alembic_version"})
    again = migrate(database_url, tmp_path)
    out, err = await asyncio.to_thread(again.communicate)
    assert again.returncode == 0, err
    assert HEAD.encode() in out

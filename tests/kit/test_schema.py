"""The schema's version: what the database has, what this release needs, and what is said."""

from __future__ import annotations

from pathlib import Path

import pytest
import sqlalchemy as sa

from codelab.kit.bus import Bus
from codelab.kit.db import Database
from codelab.kit.schema import (
    SchemaOutdated,
    SchemaState,
    SchemaVersion,
    head_revision,
    migrations_folder,
    read_version,
)


@pytest.mark.parametrize(
    ("current", "state"),
    [
        (None, SchemaState.EMPTY),
        ("0001", SchemaState.OLDER),
        ("0009", SchemaState.OLDER),
        ("0010", SchemaState.CURRENT),
        ("0011", SchemaState.NEWER),
    ],
)
def test_revisions_are_numbered_in_one_chain(current: str | None, state: SchemaState) -> None:
    assert SchemaVersion(current, "0010").state is state


def test_the_head_is_the_last_file_by_number(tmp_path: Path) -> None:
    versions = tmp_path / "versions"
    versions.mkdir()
    for name in ("0001_initial.py", "0002_more.py", "0010_last.py", "draft.py", "0011_no.txt"):
        (versions / name).touch()
    assert head_revision(tmp_path) == "0010"


def test_the_shipped_migrations_are_found_and_their_names_are_their_revisions() -> None:
    files = sorted(migrations_folder().glob("versions/*.py"))
    assert files
    for number, path in enumerate(files, 1):
        assert path.name.startswith(f"{number:04d}_")
        assert f'revision = "{number:04d}"' in path.read_text()


def test_an_older_database_names_the_command_that_mends_it() -> None:
    with pytest.raises(SchemaOutdated, match="codelab migrate"):
        SchemaVersion("0001", "0002").require_current()
    with pytest.raises(SchemaOutdated, match="codelab migrate"):
        SchemaVersion(None, "0002").require_current()


def test_a_newer_database_is_not_to_be_migrated() -> None:
    with pytest.raises(SchemaOutdated) as caught:
        SchemaVersion("0003", "0002").require_current()
    assert "codelab migrate" not in caught.value.message
    assert "0003" in caught.value.message


async def test_the_version_is_read_from_the_database(database_url: str) -> None:
    db = Database(database_url, Bus())
    try:
        assert (await read_version(db)).state is SchemaState.EMPTY
        async with db.transaction() as tx:
            await tx.execute(sa.text("CREATE TABLE alembic_version (version_num VARCHAR(32))"))
            await tx.execute(sa.text("INSERT INTO alembic_version VALUES ('9999')"))
        version = await read_version(db)
    finally:
        await db.close()
    assert (version.current, version.state) == ("9999", SchemaState.NEWER)

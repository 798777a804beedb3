"""Which version the database's schema has, and which one this CodeLab needs.

This reads one row and some file names; the migrations themselves run in a command of their own.
"""

from __future__ import annotations

import enum
from pathlib import Path

import msgspec
import sqlalchemy as sa

from codelab.kit.db import Database
from codelab.kit.errors import CodeLabError

VERSION_TABLE = sa.table("alembic_version", sa.column("version_num"))

_PACKAGE = Path(__file__).parents[1]


class SchemaOutdated(CodeLabError):
    """The database was made by another release of CodeLab."""

    code = "schema_outdated"
    title = "The database has another version"
    status = 503


class SchemaState(enum.StrEnum):
    """How the database's schema compares with the one that is needed."""

    EMPTY = "empty"
    OLDER = "older"
    CURRENT = "current"
    NEWER = "newer"


class SchemaVersion(msgspec.Struct, frozen=True):
    """The revision a database has (none: no tables yet) and the one this release needs."""

    current: str | None
    head: str

    @property
    def state(self) -> SchemaState:
        """Compare the two; revisions are numbered in one chain."""
        if self.current is None:
            return SchemaState.EMPTY
        if self.current == self.head:
            return SchemaState.CURRENT
        return SchemaState.OLDER if self.current < self.head else SchemaState.NEWER

    def require_current(self) -> None:
        """Refuse to go on with any other schema.

        Raises:
            SchemaOutdated: It says which command mends it.
        """
        if self.state is SchemaState.NEWER:
            raise SchemaOutdated(
                f"The database has version {self.current}, made by a later CodeLab than this one "
                f"({self.head}): install that release again."
            )
        if self.state is not SchemaState.CURRENT:
            raise SchemaOutdated(
                f"The database is at version {self.current or 'none'} and this CodeLab needs "
                f"{self.head}: run `codelab migrate`."
            )


def migrations_folder() -> Path:
    """Return the folder of the migrations: inside the installed package, or the checkout's own."""
    packaged = _PACKAGE / "_migrations"
    return packaged if packaged.is_dir() else _PACKAGE.parents[1] / "migrations"


def head_revision(folder: Path) -> str:
    """Return the last revision: the files are named by their numbers, `0001_initial.py`."""
    return max(path.name.split("_", 1)[0] for path in folder.glob("versions/[0-9]*_*.py"))


async def read_version(db: Database) -> SchemaVersion:
    """Ask the database for its revision.

    Raises:
        Unavailable: The database cannot be reached.
    """
    head = head_revision(migrations_folder())
    async with db.read() as connection:
        exists = await connection.run_sync(
            lambda sync: sa.inspect(sync).has_table(VERSION_TABLE.name)
        )
        if not exists:
            return SchemaVersion(None, head)
        current = await connection.scalar(sa.select(VERSION_TABLE.c.version_num))
        return SchemaVersion(current, head)

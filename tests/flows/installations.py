"""Fresh databases with the test's user: migrated once for each kind of store, then copied."""

from __future__ import annotations

import shutil
import uuid
from pathlib import Path

from tests.conftest import Stores
from tests.flows.harness import PASSWORD, USER, CodeLab
from tests.support.databases import OWN_DATABASE, administer

_SQLITE = "sqlite+aiosqlite:///"


class Installations:
    """Remembers what the first migration and the first user made of an empty database.

    Two commands that start Python would otherwise cost every test of a whole server a second.

    Args:
        folder: Where the copy of a SQLite file is kept.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._templates: dict[str, str] = {}

    def furnish(self, server: CodeLab) -> None:
        """Give the server's empty database all tables and the test's user."""
        stores = server.stores
        place, _, name = stores.database_url.rpartition("/")
        kind = _SQLITE if stores.database_url.startswith(_SQLITE) else place
        if template := self._templates.get(kind):
            self._copy(template, stores)
            return
        server.run("migrate")
        server.run("user", "add", USER, "--admin", "--password-stdin", stdin=PASSWORD)
        # A server that belongs to one test, and is about to be hurt, is no place for a template.
        if kind == _SQLITE or name.startswith(OWN_DATABASE):
            self._templates[kind] = self._keep(stores)

    def close(self) -> None:
        """Leave nothing behind on a server that is not the tests' own."""
        for kind, template in self._templates.items():
            if kind != _SQLITE:
                administer(_plain(f"{kind}/postgres"), f'DROP DATABASE IF EXISTS "{template}"')

    def _keep(self, stores: Stores) -> str:
        if stores.database_url.startswith(_SQLITE):
            kept = self._folder / "installed.sqlite3"
            shutil.copyfile(stores.database_url.removeprefix(_SQLITE), kept)
            return str(kept)
        template = f"codelab_installed_{uuid.uuid4().hex}"
        server, _, name = _plain(stores.database_url).rpartition("/")
        administer(f"{server}/postgres", f'CREATE DATABASE "{template}" TEMPLATE "{name}"')
        return template

    def _copy(self, template: str, stores: Stores) -> None:
        if stores.database_url.startswith(_SQLITE):
            shutil.copyfile(template, stores.database_url.removeprefix(_SQLITE))
            return
        server, _, name = _plain(stores.database_url).rpartition("/")
        administer(f"{server}/postgres", f'DROP DATABASE "{name}"')
        administer(f"{server}/postgres", f'CREATE DATABASE "{name}" TEMPLATE "{template}"')


def _plain(database_url: str) -> str:
    return database_url.replace("+asyncpg", "")

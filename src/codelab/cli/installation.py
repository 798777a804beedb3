"""What commands on the server's own machine share: its settings and its database."""

from __future__ import annotations

import logging
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

import click

from codelab import settings as configuration
from codelab.kit import log
from codelab.kit.bus import Bus
from codelab.kit.db import Database
from codelab.kit.schema import SchemaState, read_version
from codelab.settings import Settings

config_option: Callable[[Callable[..., Any]], Callable[..., Any]] = click.option(
    "--config",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A TOML file with settings; the environment wins over it.",
)


def read_settings(config: Path | None) -> Settings:
    """Read the settings and make the data folder, which only its owner may enter.

    Raises:
        SettingsInvalid: A setting is wrong; names which.
    """
    # A command speaks for itself; only what goes wrong is logged beside it.
    log.configure("warning", "console")
    settings = configuration.load(os.environ, config)
    settings.data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    return settings


async def prepare_database(url: str) -> bool:
    """Bring an embedded database up to date; see that a server's is.

    Returns:
        Whether anything had to be done.

    Raises:
        SchemaOutdated: The database has another version, and mending it is the owner's decision.
        Unavailable: The database cannot be reached.
    """
    db = Database(url, Bus())
    try:
        version = await read_version(db)
    finally:
        await db.close()
    behind = version.state in (SchemaState.EMPTY, SchemaState.OLDER)
    if not (db.embedded and behind):
        version.require_current()
        return False
    # It logs each of its parts while it is imported.
    logging.getLogger("alembic").setLevel(logging.WARNING)
    # Imported by name because most starts don't need it, and it takes long.
    await import_module("codelab.cli.migration").upgrade(url)
    return True


@asynccontextmanager
async def opened_database(settings: Settings) -> AsyncIterator[Database]:
    """Lend the installation's database, up to date."""
    await prepare_database(settings.database_url)
    db = Database(settings.database_url, Bus())
    try:
        yield db
    finally:
        await db.close()

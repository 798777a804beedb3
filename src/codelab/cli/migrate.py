"""`codelab migrate`."""

from __future__ import annotations

import asyncio
from pathlib import Path

import click

from codelab.cli.installation import config_option, read_settings
from codelab.cli.migration import upgrade
from codelab.kit.bus import Bus
from codelab.kit.db import Database
from codelab.kit.schema import SchemaState, SchemaVersion, read_version


@click.command()
@config_option
def migrate(config: Path | None) -> None:
    """Bring the database up to date.

    Make a backup first. When it is stopped midway nothing has changed, and it can be run again;
    while several servers share the database, one run is enough.
    """
    url = read_settings(config).database_url
    before, after = asyncio.run(_migrate(url))
    if before.state is SchemaState.CURRENT:
        click.echo(f"The database is up to date (version {after.current}).")
    else:
        click.echo(f"The database went from version {before.current or 'none'} to {after.current}.")


async def _migrate(url: str) -> tuple[SchemaVersion, SchemaVersion]:
    before = await _version(url)
    if before.state is SchemaState.NEWER:
        before.require_current()
    if before.state is not SchemaState.CURRENT:
        await upgrade(url)
    return before, await _version(url)


async def _version(url: str) -> SchemaVersion:
    db = Database(url, Bus())
    try:
        return await read_version(db)
    finally:
        await db.close()

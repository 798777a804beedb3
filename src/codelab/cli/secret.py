"""`codelab secret`."""

from __future__ import annotations

import asyncio
from pathlib import Path

import click

from codelab.audit.api import Head, attest
from codelab.cli.installation import config_option, opened_database, read_settings
from codelab.cli.resealing import Resealed, reseal
from codelab.kit.crypto import Cipher
from codelab.kit.secret_key import new_key
from codelab.settings import Settings, secret_keys


@click.command()
@click.option("--rotate", is_flag=True, help="Seal all stored texts anew with the current key.")
@click.option(
    "--unsigned",
    type=click.IntRange(min=0),
    default=0,
    metavar="N",
    help="With --rotate: how many of the audit log's first entries are from before its chain.",
)
@config_option
def secret(rotate: bool, unsigned: int, config: Path | None) -> None:
    """Print a new secret key, for CODELAB_SECRET_KEY.

    To replace a key: set the new one as CODELAB_SECRET_KEY and the old one as
    CODELAB_SECRET_KEYS_PREVIOUS, restart, and run `codelab secret --rotate`. It also verifies the
    audit log and vouches for it with the new key. Afterwards nothing stored needs the old key any
    more. Everybody signs in again.
    """
    if not rotate:
        click.echo(new_key())
        return
    settings = read_settings(config)
    done = asyncio.run(_rotate(settings))
    click.echo(f"{done.renewed} stored texts were sealed anew.")
    if done.broken:
        raise click.ClickException(
            f"{done.broken} stored texts could not be opened with any configured key: "
            "keep the former keys, and add the one that is missing."
        )
    head = asyncio.run(_attest(settings, unsigned))
    click.echo(f"The audit log is intact up to entry {head.seq}, and the current key says so.")


async def _rotate(settings: Settings) -> Resealed:
    async with opened_database(settings) as db:
        return await reseal(db, Cipher(secret_keys(settings)))


async def _attest(settings: Settings, unsigned: int) -> Head:
    async with opened_database(settings) as db:
        return await attest(db, secret_keys(settings), unsigned=unsigned)

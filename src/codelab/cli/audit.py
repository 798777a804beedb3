"""`codelab audit`."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

import click

from codelab.audit.api import Head, Progress, verify
from codelab.cli.installation import config_option, opened_database, read_settings
from codelab.settings import Settings, secret_keys

_HEAD = re.compile(r"([0-9]{1,18}):([0-9a-f]{64})")


class HeadType(click.ParamType[Head]):
    """A head as it is printed here."""

    name = "head"

    def convert(
        self, value: str | Head, param: click.Parameter | None, ctx: click.Context | None
    ) -> Head:
        """Read it."""
        if isinstance(value, Head):
            return value
        found = _HEAD.fullmatch(value)
        if found is None:
            self.fail("it takes a number, a colon and 64 hexadecimal digits.", param, ctx)
        return Head(int(found[1]), found[2])


@click.group()
def audit() -> None:
    """Check the audit log.

    This works on the installation's database itself, whether the server runs or not.
    """


@audit.command(name="verify")
@click.option(
    "--expect",
    "noted",
    type=HeadType(),
    metavar="SEQ:HASH",
    help="A head that was printed earlier and kept elsewhere: it must still be in the chain.",
)
@click.option(
    "--unsigned",
    type=click.IntRange(min=0),
    default=0,
    metavar="N",
    help="How many of the first entries are known to be from before the chain.",
)
@config_option
def verify_chain(noted: Head | None, unsigned: int, config: Path | None) -> None:
    """Find out whether entries were changed, removed or put in.

    Exit code 1: something is wrong; the first entry that shows it is named. Last entries that
    were cut off, together with the head, show only with --expect.
    """
    verified = asyncio.run(_verify(read_settings(config), noted, unsigned))
    click.echo(f"{verified.head.seq} entries, chain intact, head {verified.head}")


async def _verify(settings: Settings, noted: Head | None, unsigned: int) -> Progress:
    async with opened_database(settings) as db:
        return await verify(db, secret_keys(settings), noted, unsigned=unsigned)

"""`codelab user`: accounts, without a browser and without a running server."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TypeVar

import click

from codelab.audit.api import Audit
from codelab.auth.api import MOST_DAYS, Auth, AuthSettings, NewApiToken, User
from codelab.cli.installation import config_option, prepare_database, read_settings
from codelab.kit.bus import Bus
from codelab.kit.db import Database
from codelab.settings import Settings, secret_keys

T = TypeVar("T")

_password_option = click.option(
    "--password-stdin", is_flag=True, help="Read the password from the first line of the input."
)


@click.group()
def user() -> None:
    """Add, list and disable users, set passwords, make API tokens.

    This works on the installation's database itself, whether the server runs or not.
    """


@user.command()
@click.argument("name")
@click.option("--admin", is_flag=True, help="Make the user an administrator; the first one is.")
@_password_option
@config_option
def add(name: str, admin: bool, password_stdin: bool, config: Path | None) -> None:
    """Add the user NAME."""
    password = _password(password_stdin)

    async def work(auth: Auth) -> User:
        first = await auth.setup_link_needed()
        return await auth.create_user(name, password, admin=admin or first)

    made = _run(config, work)
    click.echo(f"Added the {'administrator' if made.role == 'admin' else 'user'} {made.name}.")


@user.command(name="list")
@config_option
def list_users(config: Path | None) -> None:
    """List all users."""
    for each in _run(config, lambda auth: auth.list_users()):
        state = "  disabled" if each.disabled else ""
        click.echo(f"{each.name}  {each.role}  since {each.created_at:%Y-%m-%d}{state}")


@user.command()
@click.argument("name")
@config_option
def disable(name: str, config: Path | None) -> None:
    """Keep the user NAME out; open connections end within a minute."""

    async def work(auth: Auth) -> User:
        return await auth.disable((await auth.find_user(name)).id)

    click.echo(f"Disabled {_run(config, work).name}.")


@user.command()
@click.argument("name")
@config_option
def enable(name: str, config: Path | None) -> None:
    """Let the user NAME in again."""

    async def work(auth: Auth) -> User:
        return await auth.enable((await auth.find_user(name)).id)

    click.echo(f"Enabled {_run(config, work).name}.")


@user.command()
@click.argument("name")
@_password_option
@config_option
def passwd(name: str, password_stdin: bool, config: Path | None) -> None:
    """Give the user NAME another password; all of their sign-ins end."""

    async def find(auth: Auth) -> User:
        return await auth.find_user(name)

    found = _run(config, find)
    password = _password(password_stdin)
    _run(config, lambda auth: auth.set_password(found.id, password))
    click.echo(f"{found.name} has another password.")


@user.command()
@click.argument("name")
@click.option("--name", "label", default="command line", help="What the token is called.")
@click.option("--expires-days", type=click.IntRange(1, MOST_DAYS), help="Its life; else endless.")
@config_option
def token(name: str, label: str, expires_days: int | None, config: Path | None) -> None:
    """Make an API token for the user NAME and print it, this once.

    Other programs show it to use the models at /v1.
    """

    async def work(auth: Auth) -> NewApiToken:
        found = await auth.find_user(name)
        return await auth.api_tokens.create(found.id, label, expires_days=expires_days)

    click.echo(_run(config, work).token)


def _password(from_stdin: bool) -> str:
    if from_stdin:
        return sys.stdin.readline().rstrip("\r\n")
    if not sys.stdin.isatty():
        raise click.UsageError("There is no terminal to ask for the password: --password-stdin.")
    answer: str = click.prompt("Password", hide_input=True, confirmation_prompt=True)
    return answer


def _run(config: Path | None, work: Callable[[Auth], Awaitable[T]]) -> T:
    async def run() -> T:
        async with _accounts(read_settings(config)) as auth:
            return await work(auth)

    return asyncio.run(run())


@asynccontextmanager
async def _accounts(settings: Settings) -> AsyncIterator[Auth]:
    """Lend the accounts; what is done to them is written to the audit log as by the server."""
    await prepare_database(settings.database_url)
    keys = secret_keys(settings)
    bus = Bus()
    db = Database(settings.database_url, bus)
    audit = Audit(db, bus, keys)
    await bus.start()
    await audit.start()
    try:
        yield Auth(db, AuthSettings(secrets=keys))
    finally:
        await audit.close()
        await bus.close()
        await db.close()

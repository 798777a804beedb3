"""`codelab serve`: checks first, then the server, then where to go."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import sys
from pathlib import Path

import click
import msgspec
import uvicorn

from codelab.app import CodeLab, create_app
from codelab.cli.installation import config_option, prepare_database, read_settings
from codelab.cli.notices import Notices
from codelab.demo import plugin as demo_plugin
from codelab.demo.setting import prepare_demo
from codelab.gateway.server import listen, server_config
from codelab.kit import log, secret_key
from codelab.kit.errors import CodeLabError
from codelab.plugins import load_plugins
from codelab.settings import Settings

_GRACE_S = 30


class AddressUnusable(CodeLabError):
    """The server cannot listen where it was told to."""

    code = "address_unusable"
    title = "The address cannot be used"


class Server(uvicorn.Server):
    """Says where to go as soon as it can be gone to.

    Args:
        config: uvicorn's configuration.
        codelab: What is served.
        address: How people reach it.
    """

    def __init__(self, config: uvicorn.Config, codelab: CodeLab, address: str) -> None:
        super().__init__(config)
        self._codelab = codelab
        self._address = address

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, then say so."""
        await super().startup(sockets)
        if self.started:
            token = await self._codelab.auth.issue_setup_token()
            health = self._codelab.models.health()
            click.echo(welcome(self._address, token, health.advice))


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
@click.option(
    "--port", type=click.IntRange(0, 65535), default=8000, show_default=True, help="0: a free one."
)
@click.option(
    "--workspace",
    "workspaces",
    multiple=True,
    metavar="DIR",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="A project folder to work on; may be given several times. Default: the current folder.",
)
@click.option("--demo", is_flag=True, help="A guided tour: a sample project and a scripted model.")
@config_option
def serve(
    host: str, port: int, workspaces: tuple[Path, ...], demo: bool, config: Path | None
) -> None:
    """Start CodeLab on a folder.

    Settings come from CODELAB_… in the environment and from --config. Ctrl-C stops it once
    running requests are done, within half a minute; a second Ctrl-C stops it at once.
    """
    settings = read_settings(config)
    log.configure(settings.logs.log_level, settings.logs.log_format)
    if not is_loopback(host):
        secret_key.check(settings.secrets.secret_key)
    folders = workspaces or (Path.cwd(),)
    own: list[tuple[str, object]] = []
    if sys.stdout.isatty():
        own.append(("terminal-notices", Notices(sys.stdout)))
    listener = _listen(host, port)
    if demo:
        settings, folder = asyncio.run(prepare_demo(settings))
        folders = (*workspaces, folder)
        own.append(("demo", demo_plugin))
    asyncio.run(prepare_database(settings.database_url))
    codelab = create_app(settings, folders=folders, plugins=load_plugins(own))
    address = public_address(host, listener.getsockname()[1])
    server = Server(_configuration(codelab, host, port), codelab, address)
    server.run(sockets=[listener])
    if not server.started:
        sys.exit(1)

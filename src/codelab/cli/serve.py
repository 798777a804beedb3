"""`codelab serve`: checks first, then the server, then where to go."""

from __future__ import annotations

import asyncio
import errno
import ipaddress
import logging
import socket
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import click
import uvicorn

from codelab import __version__
from codelab.app import CodeLab, create_app
from codelab.cli.installation import config_option, prepare_database, read_settings
from codelab.cli.notices import Notices
from codelab.demo import plugin as demo_plugin
from codelab.demo.setting import prepare_demo
from codelab.gateway.server import listen, server_config
from codelab.kit import log, secret_key
from codelab.kit.errors import CodeLabError
from codelab.kit.invocation import spelled
from codelab.plugins import load_plugins
from codelab.workspace.placement import unfit

_EVERYWHERE = (str(ipaddress.IPv4Address(0)), str(ipaddress.IPv6Address(0)))


class AddressUnusable(CodeLabError):
    """The server cannot listen where it was told to."""

    code = "address_unusable"
    title = "The address cannot be used"


class FolderUnfit(CodeLabError):
    """A folder cannot be worked on."""

    code = "folder_unfit"
    title = "The folder cannot be used"


class Server(uvicorn.Server):
    """Says where to go as soon as it can be gone to.

    Args:
        config: uvicorn's configuration.
        codelab: What is served.
        address: How people reach it.
        tour: The sample project's folder, in a demo.
    """

    def __init__(
        self, config: uvicorn.Config, codelab: CodeLab, address: str, tour: Path | None
    ) -> None:
        super().__init__(config)
        self._codelab = codelab
        self._address = address
        self._tour = tour

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Take signals as the wish to stop, which is no failure: the exit code is 0."""
        with super().capture_signals():
            yield
            # uvicorn would send them to this process again.
            self._captured_signals.clear()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, then say so."""
        await super().startup(sockets)
        if self.started:
            token = await self._codelab.auth.issue_setup_token()
            advice = self._codelab.models.health().advice
            click.echo(welcome(self._address, token, advice, self._tour))

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Send clients away and let turns finish, at the same time; then stop the parts."""
        # Nobody who is sent away shall come back to this process.
        for server in self.servers:
            server.close()
        # Among uvicorn's tasks it is waited for as requests are: within the same bound, and not
        # after a second Ctrl-C.
        draining = asyncio.create_task(self._codelab.agents.close())
        self.server_state.tasks.add(draining)
        draining.add_done_callback(self.server_state.tasks.discard)
        await self._codelab.presence.dismiss()
        await super().shutdown(sockets)


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
    # Where to go is said below, once and in our own words.
    logging.getLogger("uvicorn.error").setLevel(logging.WARNING)
    check_address(host, port, settings.secrets.secret_key)
    folders = workspaces or (Path.cwd(),)
    own: list[tuple[str, object]] = []
    notices = Notices(sys.stdout)
    if sys.stdout.isatty():
        own.append(("terminal-notices", notices))
    tour = None
    if demo:
        settings, tour = asyncio.run(prepare_demo(settings))
        folders = (*workspaces, tour)
        own.append(("demo", demo_plugin))
    check_folders(folders, settings.own_paths)
    asyncio.run(prepare_database(settings.database_url))
    codelab = create_app(settings, folders=folders, plugins=load_plugins(own))
    options = server_config(codelab.asgi, host=host, port=port)
    listener = listen(options)
    notices.server = reachable_at(host, listener.getsockname()[1])
    server = Server(options, codelab, notices.server, tour)
    server.run(sockets=[listener])
    if not server.started:
        sys.exit(1)


def check_address(host: str, port: int, configured_key: str) -> None:
    """See that the server may listen there, and can.

    Raises:
        AddressUnusable: The port is taken, or the address is not this machine's.
        SecretKeyWeak: Others can reach the address, and there is no strong key.
    """
    if not is_loopback(host):
        if not configured_key:
            raise AddressUnusable(
                f"{host} can be reached from other machines, so CODELAB_SECRET_KEY must be set: "
                "make a key with `codelab secret`."
            )
        secret_key.check(configured_key)
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                raise AddressUnusable(
                    f"Port {port} is taken: choose another one with --port, such as {port + 1}."
                ) from None
            raise AddressUnusable(
                f"CodeLab cannot listen on {host}, port {port}: {error.strerror}."
            ) from None


def check_folders(folders: Sequence[Path], own: Sequence[Path]) -> None:
    """See that every folder can be worked on.

    Raises:
        FolderUnfit: One of them cannot; says why.
    """
    for folder in folders:
        if reason := unfit(folder.resolve(), own, Path.home().resolve()):
            raise FolderUnfit(f"{folder}: {reason}")


def is_loopback(host: str) -> bool:
    """Tell whether only this machine can reach the address."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def reachable_at(host: str, port: int) -> str:
    """Return the address to give to people."""
    if host in _EVERYWHERE:
        host = "127.0.0.1"
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def welcome(address: str, setup_token: str | None, advice: str, tour: Path | None) -> str:
    """Say where to go.

    Args:
        address: The server's address.
        setup_token: What makes the first user, while there is none.
        advice: What the models lack, if anything.
        tour: The sample project's folder, in a demo.
    """
    chat = spelled("chat", address)
    lines = [f"CodeLab {__version__} runs at {address}"]
    if setup_token:
        lines.append(f"  Begin here, once:  {address}/setup?token={setup_token}")
        lines.append(f"  or in a terminal:  {spelled('user add NAME --admin')}")
    lines.append(f"  Talk to it:        {chat}")
    if tour:
        lines.append(f"  The tour:          {chat} '@coder Fix the bug'")
        lines.append(f"                     (a scripted model, no AI; the sample is in {tour})")
    lines.append(f"  API reference:     {address}/docs")
    if advice:
        lines.append(f"  Note: {advice}")
    return "\n".join(lines)

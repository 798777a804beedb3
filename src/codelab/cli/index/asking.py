"""`codelab index status` and `rebuild`, asked of a running server."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import click

from codelab.cli.chat.identity import Identity, from_environment
from codelab.cli.chat.lookups import NoWorkspace, Record, choose_workspace, listed
from codelab.cli.chat.printable import printable
from codelab.cli.chat.server import Server
from codelab.cli.chat.tokens import TokenFile
from codelab.kit.invocation import DEFAULT_SERVER, spelled

_STATES = {
    "off": "not made by this server",
    "none": "not made yet",
    "indexing": "being compared with the files",
    "ready": "up to date",
    "elsewhere": "kept up to date by another server",
    "failed": "could not be brought up to date",
}

server_option: Callable[[Callable[..., Any]], Callable[..., Any]] = click.option(
    "--server",
    default=DEFAULT_SERVER,
    show_default=True,
    envvar="CODELAB_SERVER",
    help="The server's address.",
)


@click.command()
@click.argument("workspace", required=False)
@server_option
def status(workspace: str | None, server: str) -> None:
    """Show how far the index of WORKSPACE is: state, coverage, freshness and vectors.

    WORKSPACE is an id, a name or a folder; without it, the project around the current folder.
    Whoever is signed in by `codelab chat` is asked for nothing; else CODELAB_USERNAME and
    CODELAB_PASSWORD sign in.
    """
    for line in lines_of(*asyncio.run(_ask(server, "GET", workspace)), time.time()):
        click.echo(line)


@click.command()
@click.argument("workspace")
@server_option
def rebuild(workspace: str, server: str) -> None:
    """Begin to make the index of WORKSPACE anew; meanwhile plain words are searched."""
    record, _ = asyncio.run(_ask(server, "POST", workspace))
    again = spelled(f"index status {record['id']}", server)
    click.echo(f"The index of {printable(record['name'])} is being made anew: {again}")


def lines_of(workspace: Record, index: Record, now: float) -> Iterator[str]:
    """Write down how far an index is.

    Args:
        workspace: Whose index it is.
        index: What the server says of it.
        now: The time, in seconds since 1970.
    """
    yield f"{printable(workspace['name'])}: {_STATES.get(index['state'], index['state'])}"
    if index["state"] == "indexing" and index["of"]:
        yield f"  {index['done']:,} of {index['of']:,} changed files"
    if index["compared_at"]:
        yield f"  found whole {max(now - index['compared_at'], 0):,.0f} s ago"
    if index["note"]:
        yield f"  {printable(index['note'])}"
    if index["coverage"]:
        yield from _lines_of_coverage(index["coverage"])
    yield from _lines_of_vectors(index["vectors"])


def _lines_of_coverage(coverage: Record) -> Iterator[str]:
    yield (
        f"  {coverage['files']:,} files, {coverage['lines']:,} lines, "
        f"{coverage['size'] / 1e6:,.1f} MB; {coverage['pieces']:,} pieces, "
        f"{coverage['symbols']:,} symbols"
    )
    by_lines = sorted(coverage["languages"].items(), key=lambda one: (-one[1][1], one[0]))
    for language, (files, lines) in by_lines:
        yield f"    {language or 'other'}: {files:,} files, {lines:,} lines"
    if coverage["skipped"]:
        left_out = (f"{count:,} {reason}" for reason, count in sorted(coverage["skipped"].items()))
        yield f"  only by path: {', '.join(left_out)}"


def _lines_of_vectors(vectors: Record) -> Iterator[str]:
    if vectors["model"]:
        cost = f", ${vectors['cost_usd']:,.4f}" if vectors["cost_usd"] else ""
        yield (
            f"  vectors: {vectors['state']}, {vectors['done']:,} of {vectors['total']:,} "
            f"({vectors['model']}, {vectors['store']}{cost})"
        )
    if vectors["note"]:
        yield f"  vectors: {printable(vectors['note'])}"


async def _ask(url: str, method: str, wanted: str | None) -> tuple[Record, Record]:
    """Return the workspace that is meant, and what the server says of its index."""
    server = Server(url)
    await server.reach()
    folder = Path(click.get_app_dir("codelab"))
    identity = Identity(server, TokenFile(folder), from_environment)
    found = listed(await identity.call("GET", "workspaces"))
    chosen = choose_workspace(found, Path.cwd(), wanted)
    if chosen is None:
        raise NoWorkspace(f"The server has no project {wanted!r} that you may open.")
    return chosen, await identity.call(method, f"workspaces/{chosen['id']}/index")

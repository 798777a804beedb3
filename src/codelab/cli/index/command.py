"""The commands of `codelab index` and where they are."""

from __future__ import annotations

import click

from codelab.cli.lazy import LazyGroup

_HERE = "codelab.cli.index"
_COMMANDS = {
    "status": (f"{_HERE}.asking:status", "Show how far a project's index is."),
    "rebuild": (f"{_HERE}.asking:rebuild", "Make a project's index anew."),
    "eval": (f"{_HERE}.evaluating:evaluate", "Measure how good the answers are."),
}


@click.group(cls=LazyGroup, lazy_commands=_COMMANDS)
def index() -> None:
    """Show, renew and measure the indexes by which code is found."""

"""Commands whose modules are imported only when they are called: `codelab --help` stays quick."""

from __future__ import annotations

import gc
from collections.abc import Mapping
from importlib import import_module
from typing import Any

import click

from codelab.kit.errors import CodeLabError
from codelab.kit.invocation import as_called, spelled


class LazyGroup(click.Group):
    """A group that knows its commands by module name and one line of help.

    It also turns what CodeLab raises on purpose into one sentence and exit code 1.

    Args:
        lazy_commands: Each command's name, `module:attribute` and one line of help.
    """

    def __init__(
        self, *args: Any, lazy_commands: Mapping[str, tuple[str, str]], **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self._lazy = lazy_commands
        self.help = as_called(self.help or "")

    def main(self, *args: Any, **kwargs: Any) -> Any:
        """Run under the name by which the user called it."""
        return super().main(*args, **{"prog_name": spelled("").rstrip(), **kwargs})

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the commands in the order in which they were declared."""
        return list(self._lazy)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import a command's module and return the command."""
        if cmd_name not in self._lazy:
            return None
        module, _, attribute = self._lazy[cmd_name][0].partition(":")
        # What an import makes stays: looking through it, meanwhile or later, finds nothing, makes
        # the start a tenth longer and the end of the process half a second.
        gc.disable()
        try:
            found = getattr(import_module(module), attribute)
        finally:
            gc.freeze()
            gc.enable()
        if not isinstance(found, click.Command):
            raise TypeError(f"{module}:{attribute} is no command")
        found.help = as_called(found.help or "")
        return found

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of commands without importing any of them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, line) in self._lazy.items()])

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; what is expected to go wrong becomes one sentence."""
        try:
            return super().invoke(ctx)
        except CodeLabError as error:
            raise click.ClickException(as_called(error.message)) from error
        except BrokenPipeError:
            # Whoever reads the output has enough; click ends quietly.
            raise
        except OSError as error:
            raise click.ClickException(_sentence(error)) from error


def _sentence(error: OSError) -> str:
    what = error.strerror or str(error) or type(error).__name__
    return f"{error.filename}: {what}." if error.filename else f"{what}."

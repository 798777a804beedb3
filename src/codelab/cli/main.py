"""`codelab`: the commands and where they are."""

from __future__ import annotations

import click

from codelab import __version__
from codelab.cli.lazy import LazyGroup

_COMMANDS = {
    "serve": ("codelab.cli.serve:serve", "Start CodeLab on a folder."),
    "chat": ("codelab.cli.chat.command:chat", "Talk to a running CodeLab in the terminal."),
    "user": ("codelab.cli.user:user", "Add, list and disable users, set passwords."),
    "models": ("codelab.cli.models:models", "Show the configured models, and check them."),
    "index": ("codelab.cli.index.command:index", "Show, renew and measure indexes of code."),
    "plugins": ("codelab.cli.plugins:plugins", "Show the installed plugins and what they bring."),
    "doctor": ("codelab.cli.doctor:doctor", "Find out what is missing or weak on this machine."),
    "audit": ("codelab.cli.audit:audit", "Check the audit log."),
    "migrate": ("codelab.cli.migrate:migrate", "Bring the database up to date."),
    "secret": ("codelab.cli.secret:secret", "Print a new secret key."),
}


@click.group(
    cls=LazyGroup,
    lazy_commands=_COMMANDS,
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.version_option(__version__, prog_name="CodeLab", message="%(prog)s %(version)s")
def main() -> None:
    """CodeLab: agents that read, propose and act on your code, with your approval.

    Start with `codelab serve` in a project's folder, or take the tour: `codelab serve --demo`.
    """

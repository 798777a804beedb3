"""The commands of a conversation: lines that begin with a slash."""

from __future__ import annotations

import msgspec

HELP = {
    "/agent": "/agent NAME: who answers from now on; without a name: let CodeLab choose",
    "/model": "/model NAME: which model answers; without a name: let CodeLab choose",
    "/compact": "/compact: hide older messages from the model, behind a summary",
    "/uncompact": "/uncompact: show the model again what was hidden last",
    "/checkpoints": "/checkpoints: the places to which this session can go back",
    "/undo": "/undo [ID] [files|conversation]: go back to before the last turn that changed files, "
    "or to a checkpoint; shows first what that does",
    "/sessions": "/sessions: your latest sessions",
    "/export": "/export FILE: all of your data, as a zip",
    "/help": "/help: this list",
    "/quit": "/quit: leave; so do Ctrl-D, and Ctrl-C twice",
}


class Command(msgspec.Struct, frozen=True):
    """A command and what follows it."""

    name: str
    argument: str


def read_command(line: str) -> Command | None:
    """Read a line as a command, or none if it is a message for the agents."""
    line = line.strip()
    if not line.startswith("/"):
        return None
    name, _, argument = line.partition(" ")
    # A path such as /etc/hosts at the beginning of a message is no command.
    if "/" in name[1:]:
        return None
    return Command(name.lower(), argument.strip())

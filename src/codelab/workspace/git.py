"""Which git commands run, and with which settings; pure."""

from __future__ import annotations

from collections.abc import Sequence

from codelab.workspace.box import Access
from codelab.workspace.errors import CommandRefused

_READING = frozenset(
    {"diff", "hash-object", "log", "ls-files", "rev-parse", "show", "status", "version"}
)
_CHANGING = frozenset({"add", "commit"})
_SHOWING = frozenset({"diff", "log", "show"})
_PLAIN_DIFF = ("--no-ext-diff", "--no-textconv")
# What a repository may ask git to run, switched off; the box holds what cannot be named here.
_SETTINGS = (
    "color.ui=never",
    "commit.gpgSign=false",
    "core.attributesFile=/dev/null",
    "core.excludesFile=/dev/null",
    "core.fsmonitor=false",
    "core.hooksPath=/dev/null",
    "core.pager=cat",
    "core.quotePath=false",
    "core.sshCommand=false",
    "core.untrackedCache=false",
    "gc.auto=0",
    "maintenance.auto=false",
    "protocol.allow=never",
    # In the box the folder may seem to belong to somebody else.
    "safe.directory=*",
    "submodule.recurse=false",
    "user.email=codelab@localhost",
    "user.name=CodeLab",
)
_ENVIRONMENT = ("GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL=/dev/null", "GIT_OPTIONAL_LOCKS=0")


def access_of(arguments: Sequence[str]) -> Access:
    """Tell what a git command needs to change.

    Raises:
        CommandRefused: It is none of those that CodeLab runs.
    """
    name = arguments[0] if arguments else ""
    if name in _READING:
        return Access.READ
    if name in _CHANGING:
        return Access.COMMIT
    raise CommandRefused(f"CodeLab does not run `git {name}` here.", field="command")


def git_command(arguments: Sequence[str]) -> list[str]:
    """Return the whole command line of a git command with safe settings."""
    settings = [word for setting in _SETTINGS for word in ("-c", setting)]
    name, *others = arguments
    plain = _PLAIN_DIFF if name in _SHOWING else ()
    return ["env", *_ENVIRONMENT, "git", "--no-pager", *settings, name, *plain, *others]

"""How this user calls codelab, for messages that name a command."""

from __future__ import annotations

import os
import shlex

VARIABLE = "CODELAB_INVOKED_AS"
DEFAULT_SERVER = "http://127.0.0.1:8000"


def spelled(words: str, server: str = DEFAULT_SERVER) -> str:
    """Write a command as this user can paste it.

    Args:
        words: What follows `codelab`.
        server: The server that a client's command talks to; named where it isn't the default.
    """
    program = os.environ.get(VARIABLE) or "codelab"
    other = "" if server.rstrip("/") == DEFAULT_SERVER else f" --server {shlex.quote(server)}"
    return f"{program} {words}{other}"


def as_called(text: str) -> str:
    """Rewrite the commands in a text, each between backticks, as this user can paste them."""
    return text.replace("`codelab ", f"`{spelled('')}")

"""Which shell runs commands, and how the one looks at which a human sits."""

from __future__ import annotations

from pathlib import Path

_BASH, _SH = "/bin/bash", "/bin/sh"
# Colours as people expect them; it takes itself away once the shell has begun.
_BEGIN = (
    'alias ls="ls --color=auto" grep="grep --color=auto" ll="ls -l"; '
    "unset PROMPT_COMMAND; export -n PS1 PROMPT_DIRTRIM"
)
_FOR_BASH = (
    r"PS1=\[\e[1;34m\]\w\[\e[0m\] \$ ",
    "PROMPT_DIRTRIM=2",
    f"PROMPT_COMMAND={_BEGIN}",
)
_FOR_SH = ("PS1=$PWD $ ",)


def shell() -> str:
    """Name the shell that commands are written for."""
    return _BASH if Path(_BASH).exists() else _SH


def interactive_shell() -> list[str]:
    """Return the words that start a shell for a human, with a prompt that shows the folder."""
    if shell() == _BASH:
        # What the system has for all shells names programs that are not in the box.
        return ["env", f"SHELL={_BASH}", *_FOR_BASH, _BASH, "--norc"]
    return ["env", f"SHELL={_SH}", *_FOR_SH, _SH, "-i"]

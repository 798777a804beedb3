"""What a model may name to git: branches, commits, remotes and their addresses; pure.

A name is part of a command line, of a refspec and of a preview. What begins with a dash, holds a
colon, a range, a blank or an invisible character would mean something else in one of them.
"""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from codelab.sdk import ToolError
from codelab.sdk.git import LONGEST_NAME, is_branch_name, is_reference_name

_STEPS = re.compile(r"(?:~\d{0,4}|\^[12]?)*$")
_REMOTE = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}")
_ADDRESS = re.compile(r"[!-~]{1,2000}")


def branch_name(text: str) -> str:
    """Return the name of a branch.

    Raises:
        ToolError: It is none.
    """
    if is_branch_name(text):
        return text
    raise ToolError(f"{_shown(text)} is no name of a branch.")


def revision(text: str) -> tuple[str, str]:
    """Split what names a commit into a name and the steps back from it, such as main and ~2.

    Raises:
        ToolError: It is none; ranges, refspecs and options are not.
    """
    steps = _STEPS.search(text)
    at = steps.start() if steps else len(text)
    name = text[:at]
    if len(text) <= LONGEST_NAME and (name == "HEAD" or is_reference_name(name)):
        return name, text[at:]
    raise ToolError(
        f"{_shown(text)} names no commit: give a branch, a tag or a hash, with ~2 or ^ behind it."
    )


def remote_name(text: str) -> str:
    """Return the name of a remote.

    Raises:
        ToolError: It is none, an address among others.
    """
    if _REMOTE.fullmatch(text) and is_reference_name(text):
        return text
    raise ToolError(f"{_shown(text)} is no name of a remote, such as origin.")


def remote_address(text: str) -> str:
    """Return the address of a remote.

    Raises:
        ToolError: It is not one that CodeLab reaches; it is not repeated, as it may hold secrets.
    """
    try:
        parts = urlsplit(text)
        is_plain = parts.port != 0 and parts.username is None and parts.password is None
    except ValueError:
        is_plain = False
    if not is_plain or not _ADDRESS.fullmatch(text):
        raise ToolError(
            "The remote's address is not valid, or holds a user name or password: those belong "
            "into CodeLab's own settings."
        )
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ToolError("Only remotes with an http or https address are reached.")
    return text


def _shown(text: str) -> str:
    return ascii(text[:LONGEST_NAME])

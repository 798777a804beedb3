"""What git's words mean wherever CodeLab asks it: names, pathspecs, authors, states; pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import PurePosixPath

LONGEST_NAME = 200

# What both sides of a merge did to a file, by the two letters that git has for it.
CONFLICTS = {
    "DD": "both deleted",
    "AU": "added by us",
    "UD": "deleted by them",
    "UA": "added by them",
    "DU": "deleted by us",
    "AA": "both added",
    "UU": "both modified",
}

_PART = re.compile(r"[^\s~^:?*\[\\]+")
_HASH = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}", re.IGNORECASE)
_UNFIT_FOR_NAMES = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029<>]")
_NO_FILTER = ("unspecified", "unset", "")


def is_reference_name(text: str) -> bool:
    """Tell whether git takes it as the name of a reference, and nothing else could be meant.

    What begins with a dash, holds a colon, a range, a blank or an invisible character would mean
    something else on a command line, in a refspec or in a preview.
    """
    parts = text.split("/")
    return (
        0 < len(text.encode("utf-8", "replace")) <= LONGEST_NAME
        and text.isprintable()
        and text not in ("HEAD", "@")
        and not text.startswith(("-", "+", "@"))
        and not text.endswith(".")
        and ".." not in text
        and "@{" not in text
        and all(_PART.fullmatch(part) for part in parts)
        and not any(part.startswith((".", "-")) or part.endswith(".lock") for part in parts)
    )


def is_branch_name(text: str) -> bool:
    """Tell whether it can be a branch's name, and is neither a hash nor a whole reference."""
    return is_reference_name(text) and not _HASH.fullmatch(text) and not text.startswith("refs/")


def literal(path: str) -> str:
    """Return a path of the workspace so that git reads no pattern into it."""
    plain = str(PurePosixPath(path))
    return ":(top)" if plain == "." else f":(top,literal){plain}"


def plain_name(text: str, otherwise: str) -> str:
    """Return a name without what git could not keep in a line of a commit."""
    return _UNFIT_FOR_NAMES.sub("", text).strip() or otherwise


def author_named(user_name: str) -> str:
    """Name a user as the author of a commit."""
    name = plain_name(user_name, "user")
    return f"{name} <{name.replace(' ', '.')}@localhost>"


def filtered(fields: Sequence[str]) -> list[str]:
    """Return the files that a filter would change, from what `check-attr -z filter` prints."""
    return [
        name
        for name, value in zip(fields[0::3], fields[2::3], strict=False)
        if value not in _NO_FILTER
    ]

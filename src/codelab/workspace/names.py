"""What a path inside a workspace may look like; pure, before anything is opened."""

from __future__ import annotations

import re

from codelab.workspace.errors import PathRefused

ROOT = "."

_LONGEST_PATH = 4000
_LONGEST_NAME = 255
_ENCODED = re.compile(r"%(?:00|2e|2f|5c)", re.IGNORECASE)
_ABSOLUTE = re.compile(r"/|~/|~$|[A-Za-z]:/")
# Control, zero-width and direction characters make a name look like another one.
_DECEPTIVE = re.compile(r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]")


def clean(path: str) -> str:
    """Return a path in its one plain form: relative, single slashes, `.` for the root.

    Raises:
        PathRefused: The path is absolute, climbs, is too long or holds deceptive characters.
    """
    if not path or len(path.encode("utf-8", "replace")) > _LONGEST_PATH:
        raise PathRefused("The path is empty or too long.", field="path")
    if _DECEPTIVE.search(path) or _ENCODED.search(path) or not _is_unicode(path):
        raise PathRefused(
            "The path holds control, invisible or percent-encoded characters.", field="path"
        )
    if _ABSOLUTE.match(path) or "\\" in path:
        raise PathRefused(
            "Paths are relative to the workspace and written with slashes, such as src/main.py.",
            field="path",
        )
    names = [name for name in path.split("/") if name not in ("", ".")]
    if ".." in names:
        raise PathRefused("The path must not contain '..'.", field="path")
    if any(len(name.encode()) > _LONGEST_NAME for name in names):
        raise PathRefused("A name in the path is longer than 255 bytes.", field="path")
    return "/".join(names) or ROOT


def prefixes(path: str) -> list[str]:
    """List the path's folders from the outermost on, the path itself last."""
    if path == ROOT:
        return []
    names = path.split("/")
    return ["/".join(names[: end + 1]) for end in range(len(names))]


def joined(folder: str, name: str) -> str:
    """Put a name behind a folder."""
    return name if folder in ("", ROOT) else f"{folder}/{name}"


def _is_unicode(path: str) -> bool:
    try:
        path.encode()
    except UnicodeEncodeError:
        return False
    return True

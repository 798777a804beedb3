"""Which field a message of msgspec speaks of, in dotted form."""

from __future__ import annotations

import re

_INDEX = re.compile(r"\[(\d+|\.\.\.)\]")
_WHERE = re.compile(r" - at `(?:key in )?\$\.?(?P<path>[^`]*)`$")
_NAMED = re.compile(r"(?:required|unknown) field `(?P<name>[^`]*)`")


def dotted(message: str) -> tuple[str, str | None]:
    """Split a message into its sentence and the field it speaks of."""
    where = _WHERE.search(message)
    sentence = message[: where.start()] if where else message
    named = _NAMED.search(sentence)
    path = plain(where["path"]) if where else ""
    parts = [part for part in (path, named["name"] if named else "") if part]
    return sentence, ".".join(parts) or None


def plain(path: str) -> str:
    """Write a path with its indexes as dotted parts; `*` stands for any key."""
    return _INDEX.sub(lambda index: f".{index[1].strip('.') or '*'}", path).strip(".")

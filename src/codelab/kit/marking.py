"""Text that a model is handed as data, between marks that the text itself cannot hold. Pure."""

from __future__ import annotations

import hashlib
from itertools import count

_DIGITS = 8


def marked(text: str, key: str, *, label: str = "data") -> str:
    """Put a text between an opening and a closing mark.

    The mark is not in the text, so nothing in it can close it; and it is the same one for the
    same text and key, so that a prompt can be written again exactly as it was.

    Args:
        text: Whatever it is.
        key: A name that whoever wrote the text did not know, such as the call's.
        label: What kind of text it is, in a word.
    """
    mark = next(mark for mark in map(lambda n: _mark(key, n), count()) if mark not in text)
    return f"<{label} {mark}>\n{text}\n</{label} {mark}>"


def _mark(key: str, number: int) -> str:
    return hashlib.sha256(f"{number}:{key}".encode("utf-8", "surrogatepass")).hexdigest()[:_DIGITS]

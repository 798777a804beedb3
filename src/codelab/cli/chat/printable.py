"""Text from outside, made safe for a terminal."""

from __future__ import annotations

import re

_UNSAFE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")


def printable(text: str) -> str:
    """Write control and bidirectional characters as escapes; line breaks and tabs stay."""
    text = text.replace("\r\n", "\n")
    return _UNSAFE.sub(lambda match: f"\\u{ord(match[0]):04x}", text)

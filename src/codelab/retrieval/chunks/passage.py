"""What an encoder is given of a piece: where it is, what it defines, and its text; pure."""

from __future__ import annotations

from collections.abc import Sequence


def passage(path: str, names: Sequence[str], text: str) -> str:
    """Return the text that stands for a piece where meanings are compared."""
    return "\n".join((path, *([", ".join(names)] if names else []), text))

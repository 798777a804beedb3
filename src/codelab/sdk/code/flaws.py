"""Where a text is not valid in its language."""

from __future__ import annotations

import msgspec


class Flaw(msgspec.Struct, frozen=True, kw_only=True):
    """A place where a text is not valid.

    Args:
        message: What is wrong, without a full stop.
        line: Where, from 1; 0 where the text as a whole is meant.
        column: Where in the line, in characters from 1; 0 where that is not known.
        unbalanced: Whether the text has brackets that are not closed, or not opened.
    """

    message: str
    line: int = 0
    column: int = 0
    unbalanced: bool = False

    def __str__(self) -> str:
        if not self.line:
            return self.message
        place = f"line {self.line}, column {self.column}" if self.column else f"line {self.line}"
        return f"{place}: {self.message}"

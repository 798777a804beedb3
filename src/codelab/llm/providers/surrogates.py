"""Characters that a server has cut in half: JSON allows what UTF-8 does not."""

from __future__ import annotations

import re

# Servers in JavaScript cut texts between the two halves of an emoji and escape each.
_FIRST_HALF = re.compile(rb'\\u[dD][89abAB][0-9a-fA-F]{2}(?=")')
_SECOND_HALF = re.compile(rb'"(?=\\u[dD][c-fC-F][0-9a-fA-F]{2})')


class HalfCharacters:
    """Carries the first half of a character over to the event that brings the second."""

    def __init__(self) -> None:
        self._first = b""

    def mend(self, event: bytes) -> bytes:
        """Return an event without halves, if it has any at the edges of its texts."""
        if self._first:
            first, self._first = self._first, b""
            event = _SECOND_HALF.sub(lambda _: b'"' + first, event, count=1)
        if found := _FIRST_HALF.search(event):
            self._first = found[0]
            event = event[: found.start()] + event[found.end() :]
        return event

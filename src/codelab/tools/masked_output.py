"""Output that is shown while it comes, without secrets also where they come in pieces."""

from __future__ import annotations

from codelab.kit.masking import mask, settled_length
from codelab.sdk.workspace import OnOutput

# More than this is not held back, whatever it may be the beginning of.
_LONGEST_HELD = 8000
# So much at the end of it stays back all the same, to be seen together with what follows.
_STILL_HELD = 1000
_CUTS_TRIED = 8


class MaskedOutput:
    """Holds back what may be the beginning of a secret until it is known.

    Args:
        show: Takes what is safe.
    """

    def __init__(self, show: OnOutput) -> None:
        self._show = show
        self._held = ""

    def feed(self, text: str) -> None:
        """Take the next piece."""
        held = self._held + text
        end = settled_length(held)
        if len(held) - end > _LONGEST_HELD:
            end = _harmless_cut(held)
        self._held = held[end:]
        if end:
            self._show(mask(held[:end]))

    def close(self) -> None:
        """Show what is left."""
        if self._held:
            self._show(mask(self._held))
            self._held = ""


def _harmless_cut(text: str) -> int:
    """Return where to cut a text so that no secret in it is cut, if there is such a place."""
    whole = mask(text)
    place = len(text) - _STILL_HELD
    for _ in range(_CUTS_TRIED):
        place = max(text.rfind(" ", 0, place), text.rfind("\n", 0, place)) + 1
        if not place:
            break
        if mask(text[:place]) + mask(text[place:]) == whole:
            return place
        place -= 1
    return len(text)

"""Numbers that look random and are the same in each run."""

from __future__ import annotations

import hashlib


class Chance:
    """A sequence of numbers.

    Args:
        seed: Chooses the sequence.
    """

    def __init__(self, seed: int) -> None:
        self._state = str(seed).encode()

    def below(self, end: int) -> int:
        """Return a whole number from 0 on and below the end."""
        self._state = hashlib.sha256(self._state).digest()
        return int.from_bytes(self._state[:8], "big") % end

    def between(self, least: float, most: float) -> float:
        """Return a number between the two."""
        return least + (most - least) * self.below(1_000_000) / 1_000_000

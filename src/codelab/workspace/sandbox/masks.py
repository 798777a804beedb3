"""Keeps files and folders from being made, and leaves no trace of that."""

from __future__ import annotations

import stat
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


class Masks:
    """Counts the boxes that cover a place where nothing is.

    bubblewrap makes an empty folder there to mount something on. The last box takes it away, and
    only while it is empty: what somebody else put there meanwhile stays.
    """

    def __init__(self) -> None:
        self._boxes: Counter[Path] = Counter()

    @contextmanager
    def over(self, places: Iterable[Path]) -> Iterator[tuple[Path, ...]]:
        """Cover those of the places where nothing is, or where another box covers that."""
        covered = tuple(place for place in places if self._boxes[place] > 0 or is_lacking(place))
        self._boxes.update(covered)
        try:
            yield covered
        finally:
            self._boxes.subtract(covered)
            for place in covered:
                if not self._boxes[place]:
                    del self._boxes[place]
                    with suppress(OSError):
                        place.rmdir()


def is_lacking(place: Path) -> bool:
    """Tell whether nothing is there, or only the empty folder that a crash left behind."""
    try:
        mode = place.lstat().st_mode
        return stat.S_ISDIR(mode) and not any(place.iterdir())
    except FileNotFoundError:
        return True
    except OSError:
        return False

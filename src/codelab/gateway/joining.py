"""Joins what is read from a session's log with what comes live: no gap, no duplicate."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from codelab.gateway.encoding import Item

_MAX_HELD = 10_000
_MAX_HELD_CHARACTERS = 4 * 1024 * 1024
_REMEMBERED = 256


class Join:
    """One watcher's place in a session: decides what goes out, and when the log must be read.

    It starts by holding everything back. While `holding`, the caller reads the log from `cursor`
    on and passes it to `stored`; then `release` gives back what was held and fits.
    """

    def __init__(self) -> None:
        self.cursor = 0
        self.holding = True
        self._held: list[Item] = []
        self._held_characters = 0
        self._finished: dict[str, None] = {}

    def live(self, item: Item) -> bool:
        """Take a frame as it happens; says whether it goes out now."""
        if self.holding:
            self._hold(item)
            return False
        if item.seq == 0:
            return self.shows(item)
        if item.seq > self.cursor + 1:
            self.holding = True
            self._hold(item)
            return False
        return self.stored(item)

    def shows(self, item: Item) -> bool:
        """Tell whether a frame that is not stored still says something new."""
        return item.key not in self._finished

    def stored(self, item: Item) -> bool:
        """Take a durable frame in the log's order; says whether it goes out."""
        if item.seq <= self.cursor:
            return False
        self.cursor = item.seq
        if item.key:
            self._finish(item.key)
        return True

    def lacks(self, head: int) -> bool:
        """Tell whether the log is known to reach further; then the caller must read it."""
        if head > self.cursor and not self.holding:
            self.holding = True
            return True
        return False

    def reset(self, cursor: int) -> None:
        """Start again after the frame `cursor`, holding everything back."""
        self.cursor = cursor
        self.holding = True
        self._finished.clear()

    def held_seq(self, key: str) -> int | None:
        """Find the number of a durable frame among those that are held."""
        return next((item.seq for item in self._held if item.seq and item.key == key), None)

    def release(self, known: Collection[str] = ()) -> Sequence[Item]:
        """Give back what was held and fits; afterwards `holding` says whether to read again.

        Args:
            known: Messages whose text so far the caller sends itself, so that their pieces are
                not needed.
        """
        held, self._held, self._held_characters = self._held, [], 0
        self.holding = False
        out: list[Item] = []
        for item in held:
            if item.kind == "token" and item.key in known:
                continue
            if self.live(item):
                out.append(item)
        return out

    def _hold(self, item: Item) -> None:
        self._held.append(item)
        self._held_characters += len(item.frame)
        if len(self._held) > _MAX_HELD or self._held_characters > _MAX_HELD_CHARACTERS:
            # The durable ones are in the log; the newest tells how far it must be read.
            newest = max(self._held, key=lambda held: held.seq)
            self._held = [newest] if newest.seq else []
            self._held_characters = 0

    def _finish(self, key: str) -> None:
        self._finished[key] = None
        if len(self._finished) > _REMEMBERED:
            del self._finished[next(iter(self._finished))]

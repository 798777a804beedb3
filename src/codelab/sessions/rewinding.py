"""Which part of a session's log still counts after it went back to a checkpoint; pure."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from codelab.sessions.events import CheckpointRestored, Entry


class InForce(msgspec.Struct, frozen=True):
    """The stretches of a log that count, oldest first: each behind one place, through another."""

    stretches: tuple[tuple[int, int | None], ...]

    def holds(self, seq: int) -> bool:
        """Tell whether what stands at this place counts."""
        return any(
            after < seq and (through is None or seq <= through) for after, through in self.stretches
        )


def in_force_of(entries: Iterable[Entry], *, files: bool = False) -> InForce:
    """Tell what of a log counts, from the entries that went back.

    Going back brings about what there was then: with it, what an earlier way back had undone
    comes back, if it was there at that time.

    Args:
        entries: The log, or a part of it.
        files: Whether it is asked what files there are, and not what models are shown.
    """
    ways_back = [
        (entry.seq, entry.fact.through_seq)
        for entry in entries
        if isinstance(entry.fact, CheckpointRestored)
        and (entry.fact.changes if files else entry.fact.conversation)
    ]
    stretches: list[tuple[int, int | None]] = []
    through: int | None = None
    for seq, target in sorted(ways_back, reverse=True):
        if through is not None and seq > through:
            continue  # A later one has undone it.
        stretches.append((seq, through))
        through = target
    stretches.append((0, through))
    return InForce(tuple(reversed(stretches)))


def counting(entries: Iterable[Entry], force: InForce) -> list[Entry]:
    """Return the entries that count."""
    return [entry for entry in entries if force.holds(entry.seq)]

"""What is known of a workspace's files against what lies there now: what is to be read; pure."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from codelab.retrieval.index.entries import Stat

# Clocks of file systems tick in steps: what was changed within so short a time before it was read
# may have been changed again since, with the same times.
SETTLED_NS = 2_000_000_000
_UNSETTLED = 0


def noted(stat: Stat, read_at_ns: int) -> Stat:
    """Return what is to be kept of a file's state, so that a racy one is read again.

    As in git's index: the times of a file that changed just before it was read prove nothing. It is
    kept without them and never looks unchanged.

    Args:
        stat: The state in which the file was read.
        read_at_ns: When reading began, in nanoseconds since 1970.
    """
    latest = max(stat.mtime_ns, stat.ctime_ns)
    if latest + SETTLED_NS < read_at_ns:
        return stat
    return msgspec.structs.replace(stat, mtime_ns=_UNSETTLED, ctime_ns=_UNSETTLED)


def is_unchanged(known: Stat | None, seen: Stat) -> bool:
    """Tell whether nobody has to read a file again."""
    return known == seen and seen.ctime_ns != _UNSETTLED


class Reconciliation:
    """Compares what is known with what is seen, file by file.

    Args:
        known: The files that are known, with the states in which they were read.
    """

    def __init__(self, known: Mapping[str, Stat]) -> None:
        self._missing = dict(known)

    def is_changed(self, path: str, seen: Stat) -> bool:
        """Tell whether the bytes of a file that is seen have to be looked at."""
        known = self._missing.pop(path, None)
        return not is_unchanged(known, seen)

    def gone(self) -> list[str]:
        """Return the known files that were not seen; only once all others were."""
        return list(self._missing)

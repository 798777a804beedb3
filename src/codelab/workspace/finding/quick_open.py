"""Which files a few letters may mean, the likeliest first; pure."""

from __future__ import annotations

import heapq
import re
from collections.abc import Iterable
from itertools import islice

import msgspec

MOST_NAMES = 200_000
MOST_SHOWN = 100

# As many are weighed at most; with one or two letters, nearly every name fits somehow.
_MOST_WEIGHED = 5000
_WORD_STARTS = re.compile(r"(?:(?<=[^A-Za-z0-9])|^)[a-z0-9]|[A-Z]")


class Names(msgspec.Struct, frozen=True):
    """The files of a workspace, with what is compared of each."""

    paths: tuple[str, ...]
    lowered: tuple[str, ...]
    last: tuple[str, ...]
    is_complete: bool


def names_of(paths: Iterable[str], *, is_complete: bool) -> Names:
    """Prepare paths for being searched."""
    ordered = tuple(sorted(paths))
    lowered = tuple(path.lower() for path in ordered)
    last = tuple(path.rsplit("/", 1)[-1] for path in lowered)
    return Names(ordered, lowered, last, is_complete)


def likeliest(names: Names, query: str, limit: int) -> list[str]:
    """Return the files that are meant most likely; all of them fit the letters in their order.

    Args:
        names: The files.
        query: Some letters of a path; blanks do not count.
        limit: How many are returned at most.
    """
    wanted = "".join(query.lower().split())
    if not wanted:
        return list(names.paths[:limit])
    candidates = set(islice(_inside(names, wanted), _MOST_WEIGHED))
    if len(wanted) > 1:
        candidates.update(islice(_scattered(names, wanted), _MOST_WEIGHED))
    best = heapq.nlargest(
        limit, candidates, key=lambda place: (_weight(names, place, wanted), -place)
    )
    return [names.paths[place] for place in best]


def _inside(names: Names, wanted: str) -> Iterable[int]:
    where = names.lowered if "/" in wanted else names.last
    # Names that begin so come first, so that a bound never costs them.
    starting = [place for place, name in enumerate(names.last) if name.startswith(wanted)]
    yield from starting
    yield from (place for place, name in enumerate(where) if wanted in name)


def _scattered(names: Names, wanted: str) -> Iterable[int]:
    # Each part takes as few characters as possible, so nothing is ever tried twice.
    parts = (f"[^{re.escape(letter)}]*{re.escape(letter)}" for letter in wanted)
    fits = re.compile("".join(parts), re.DOTALL).match
    return (place for place, name in enumerate(names.lowered) if fits(name))


def _weight(names: Names, place: int, wanted: str) -> float:
    path, last = names.lowered[place], names.last[place]
    original = names.paths[place].rsplit("/", 1)[-1]
    weight = _of_name(last, original, wanted) or _of_path(path, wanted)
    # Of names that fit as well, the shorter one, and the one nearer to the top.
    return weight - 0.1 * len(last) - 0.05 * len(path) - 2 * path.count("/")


def _of_name(last: str, original: str, wanted: str) -> float:
    if last == wanted:
        return 1000
    if last.rsplit(".", 1)[0] == wanted:
        return 950
    if last.startswith(wanted):
        return 900
    initials = "".join(_WORD_STARTS.findall(original)).lower()
    if len(wanted) > 1 and initials.startswith(wanted):
        return 800
    at = last.find(wanted)
    if at > 0:
        return 700 if not last[at - 1].isalnum() or original[at].isupper() else 600
    if len(wanted) > 1 and wanted in initials:
        return 500
    run = _longest_run(last, wanted)
    return 300 + 100 * run / len(wanted) if run else 0


def _of_path(path: str, wanted: str) -> float:
    at = path.find(wanted)
    if at >= 0:
        return 250 if at == 0 or path[at - 1] == "/" else 200
    return 50 + 100 * _longest_run(path, wanted) / len(wanted)


def _longest_run(text: str, wanted: str) -> int:
    """Return how many letters stand together where the letters fit; 0 where they don't."""
    longest = run = 0
    at = -1
    for letter in wanted:
        found = text.find(letter, at + 1)
        if found < 0:
            return 0
        run = run + 1 if found == at + 1 else 1
        longest = max(longest, run)
        at = found
    return longest

"""A file cut into pieces: along what it defines, or into windows that overlap; pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal

import msgspec

Kind = Literal["class", "function", "method", "type", "module", "constant"]

# In lines. Larger definitions are cut along what they hold, and small neighbours join.
LONGEST = 60
_WINDOW = 50
_OVERLAP = 10
# From this size on, a piece takes no further definition in.
_AMPLE = 25


class Definition(msgspec.Struct, frozen=True, kw_only=True):
    """Something that a file defines, with its first and last line, from 1.

    Args:
        name: Its name, as it is written.
        kind: What it is.
        first: Its first line.
        last: Its last line.
        container: The name of what it lies in; empty at the top of the file.
    """

    name: str
    kind: Kind
    first: int
    last: int
    container: str = ""


class Piece(msgspec.Struct, frozen=True, kw_only=True):
    """A span of lines, from 1, with the places of its definitions in the file's list.

    Args:
        first: Its first line.
        last: Its last line.
        names: What is defined in it, or what it is a part of.
    """

    first: int
    last: int
    names: tuple[str, ...] = ()


def windows(lines: int) -> list[Piece]:
    """Cut a file of so many lines into windows that overlap."""
    step = _WINDOW - _OVERLAP
    starts = range(1, max(lines - _OVERLAP, 1) + 1, step)
    return [Piece(first=start, last=min(start + _WINDOW - 1, lines)) for start in starts]


def pieces(lines: int, definitions: Sequence[Definition]) -> list[Piece]:
    """Cut a file along its definitions, into pieces that follow each other and leave out nothing.

    Args:
        lines: How many lines the file has; at least one.
        definitions: What it defines, in the order of the first lines, outer ones first.
    """
    whole = [one for one in definitions if one.first <= one.last <= lines]
    units = _units(1, lines, whole, ())
    return list(_joined(units))


def _units(
    first: int, last: int, inside: Sequence[Definition], within: tuple[str, ...]
) -> Iterator[Piece]:
    """Yield the smallest spans that are not to be torn apart."""
    at = first
    place = 0
    while place < len(inside):
        outer = inside[place]
        place += 1
        start = place
        while place < len(inside) and inside[place].first <= outer.last:
            place += 1
        # What begins in the line where the one before ended belongs to that line's piece.
        begin, end = max(outer.first, at), min(outer.last, last)
        if begin > end:
            continue
        if begin > at:
            yield from _cut(at, begin - 1, within)
        held = inside[start:place]
        if end - begin < LONGEST:
            names = (outer.name, *(one.name for one in held))
            yield Piece(first=begin, last=end, names=names)
        else:
            yield from _units(begin, end, held, (outer.name,))
        at = end + 1
    if at <= last:
        yield from _cut(at, last, within)


def _cut(first: int, last: int, names: tuple[str, ...]) -> Iterator[Piece]:
    for start in range(first, last + 1, LONGEST):
        yield Piece(first=start, last=min(start + LONGEST - 1, last), names=names)


def _joined(units: Iterator[Piece]) -> Iterator[Piece]:
    piece: Piece | None = None
    for unit in units:
        if piece is None:
            piece = unit
        elif _belong_together(piece, unit):
            names = tuple(dict.fromkeys((*piece.names, *unit.names)))
            piece = Piece(first=piece.first, last=unit.last, names=names)
        else:
            yield piece
            piece = unit
    if piece is not None:
        yield piece


def _belong_together(piece: Piece, unit: Piece) -> bool:
    together = unit.last - piece.first + 1
    ample = bool(piece.names and unit.names) and piece.last - piece.first + 1 >= _AMPLE
    return together <= LONGEST and not ample

"""What is put into the catalogue of a workspace, and what is looked up there."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Mapping, Sequence
from typing import Literal

import msgspec

from codelab.retrieval.chunks.chunking import Definition, Kind

# How a file was cut into pieces: along its syntax tree, or into windows.
How = Literal["tree", "windows"]
Match = Literal["exact", "folded", "prefix"]
# Kinds are kept as their places here.
KINDS: tuple[Kind, ...] = ("class", "function", "method", "type", "module", "constant")
# Stand between a name and what it is qualified with.
QUALIFIERS = ":.#\\"
_QUALIFIER = re.compile(r"::|[.#\\]")


class Stat(msgspec.Struct, frozen=True):
    """What the file system says of a file; where it is the same, nobody reads the file again."""

    size: int
    mtime_ns: int
    ctime_ns: int
    inode: int
    device: int

    @classmethod
    def of(cls, found: os.stat_result) -> Stat:
        """Take what matters from the system's answer."""
        return cls(found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_ino, found.st_dev)


class EntryPiece(msgspec.Struct, frozen=True, kw_only=True):
    """A piece of a file that is put in.

    Args:
        first: Its first line, from 1.
        last: Its last line.
        names: What is defined in it; each is the name of one of the file's definitions.
        terms: The terms of its lines, in their order.
        digest: Of what an encoder is given, in hexadecimal; `text_digest` makes it.
    """

    first: int
    last: int
    names: Sequence[str]
    terms: Sequence[str]
    digest: str


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """A file with what was read in it.

    Args:
        path: Its path in the workspace.
        digest: Of its content, as hexadecimal SHA-256.
        language: The name of its language; empty where it is unknown.
        lines: How many it has.
        how: How it was cut.
        pieces: All its pieces, in their order.
        definitions: What it defines, in the order of its lines.
    """

    path: str
    stat: Stat
    digest: str
    language: str
    lines: int
    how: How
    pieces: Sequence[EntryPiece]
    definitions: Sequence[Definition]


class FoundPiece(msgspec.Struct, frozen=True, kw_only=True):
    """A piece of a file as it was read; `version` is the digest of the file's content."""

    id: int
    path: str
    version: str
    language: str
    first: int
    last: int
    names: tuple[str, ...]
    digest: str


class FoundSymbol(msgspec.Struct, frozen=True, kw_only=True):
    """Something that a file defines; `version` is the digest of the file's content."""

    path: str
    version: str
    language: str
    name: str
    kind: Kind
    first: int
    last: int
    container: str


class FoundFile(msgspec.Struct, frozen=True, kw_only=True):
    """A file of which something is known; without a digest and a `how` it was skipped."""

    path: str
    stat: Stat
    digest: str
    language: str
    lines: int
    how: str
    skipped: str


class Coverage(msgspec.Struct, frozen=True, kw_only=True):
    """How much of a workspace is in its index.

    Args:
        files: How many files can be found.
        lines: How many lines they have.
        size: How many bytes they have.
        pieces: How many pieces they were cut into.
        symbols: How many things they define.
        languages: How many files and lines there are of each language.
        how: How many files were cut along a tree, and how many into windows.
        skipped: How many files are left out, by the reason.
    """

    files: int
    lines: int
    size: int
    pieces: int
    symbols: int
    languages: Mapping[str, tuple[int, int]]
    how: Mapping[str, int]
    skipped: Mapping[str, int]


def text_digest(text: str) -> str:
    """Return what stands for a text that an encoder is given: the first half of its SHA-256."""
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:32]


def unqualified(name: str) -> tuple[str, str]:
    """Part a name into what it is qualified with and its last part: `a::b` into `a::` and `b`."""
    # Most names are not, which this tells soonest.
    if not _QUALIFIER.search(name):
        return "", name
    at = max(match.end() for match in _QUALIFIER.finditer(name))
    return (name[:at], name[at:]) if at < len(name) else ("", name)

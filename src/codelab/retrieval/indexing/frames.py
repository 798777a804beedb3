"""What the server and its indexer tell each other, and how it stands in their pipes."""

from __future__ import annotations

import struct

import msgspec

from codelab.retrieval.settings import Engine

# A log of git is the longest that is sent.
LONGEST = 64 * 1024 * 1024
HEAD = struct.Struct(">I")


class Place(msgspec.Struct, frozen=True, array_like=True):
    """A workspace with its folder and the folder of its index."""

    workspace_id: str
    root: str
    folder: str


class Begin(msgspec.Struct, frozen=True, tag=True):
    """Comes first: the engine, the folder of all indexes, and the hidden files agents may use."""

    engine: Engine
    folder: str
    allowed_hidden: tuple[str, ...]


class Command(msgspec.Struct, frozen=True, kw_only=True):
    """Something to be done; `number` comes back with its end."""

    place: Place
    number: int = 0


class Reconcile(Command, frozen=True, kw_only=True, tag=True):
    """Compare the index with the workspace and bring it up to date; or make it anew."""

    rebuild: bool = False


class Look(Command, frozen=True, kw_only=True, tag=True):
    """Look at some paths, files or folders, before anything else."""

    paths: tuple[str, ...]


class Compare(Command, frozen=True, kw_only=True, tag=True):
    """Say how many commits, from the newest, have to be told for their subjects to be known."""

    names: bytes


class Remember(Command, frozen=True, kw_only=True, tag=True):
    """Take in the subjects of commits, of which these are the names and the newest ones' log."""

    names: bytes
    log: bytes
    truncated: bool


class Avoid(Command, frozen=True, kw_only=True, tag=True):
    """Do without the syntax tree of a content, or without the whole of it."""

    digest: str
    wholly: bool


class Rest(Command, frozen=True, kw_only=True, tag=True):
    """Close the index for now."""


class Forget(Command, frozen=True, kw_only=True, tag=True):
    """Remove the index."""


class Working(msgspec.Struct, frozen=True, tag=True):
    """A file is taken apart from now on; without a digest: no longer."""

    place: Place
    digest: str = ""


class Progress(msgspec.Struct, frozen=True, tag=True):
    """So many of so many changed files of a workspace are done."""

    workspace_id: str
    done: int
    of: int


class Done(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """A command has come to its end.

    Args:
        number: Which.
        error: The code of what went wrong; empty: nothing.
        message: What went wrong, for people.
        looked_at: How many files had changed, by their times at least, or were gone.
        commits: How many commits have to be told.
        built_at: When the index was begun, in seconds since 1970.
        was_broken: Whether it had to be made anew because it could not be read.
    """

    number: int
    error: str = ""
    message: str = ""
    looked_at: int = 0
    commits: int = 0
    built_at: float = 0
    was_broken: bool = False


Order = Reconcile | Look | Compare | Remember | Avoid | Rest | Forget
Report = Working | Progress | Done

orders = msgspec.msgpack.Decoder(Begin | Order)
reports = msgspec.msgpack.Decoder(Report)
_encoder = msgspec.msgpack.Encoder()


def packed(frame: Begin | Order | Report) -> bytes:
    """Return a frame as it stands in a pipe: its length before it."""
    data = _encoder.encode(frame)
    return HEAD.pack(len(data)) + data

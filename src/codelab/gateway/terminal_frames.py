"""What a terminal's socket says besides the bytes: sizes, places in the output, the end."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec

from codelab.workspace.api import Ending, Size

Offset = Annotated[int, msgspec.Meta(ge=0, le=2**53)]


class _Frame(msgspec.Struct, frozen=True, kw_only=True, tag_field="type"):
    pass


class Shown(msgspec.Struct, frozen=True, kw_only=True):
    """How far the client has shown the output: the number of the next byte."""

    offset: Offset


class Resize(_Frame, frozen=True, kw_only=True, tag="resize"):
    """The client shows more or less than before."""

    data: Size


class Ack(_Frame, frozen=True, kw_only=True, tag="ack"):
    """The client has shown some output and can take more."""

    data: Shown


class ReadyData(msgspec.Struct, frozen=True, kw_only=True):
    """Where the output begins that follows.

    Args:
        offset: The number of its first byte; another one than was asked for means that what the
            client shows is not continued, and it begins anew.
        end: Everything before this byte was printed earlier.
        window: How many bytes come without an `ack`.
        cols: The terminal's size.
        rows: The terminal's size.
    """

    offset: int
    end: int
    window: int
    cols: int
    rows: int


class Ready(_Frame, frozen=True, kw_only=True, tag="ready"):
    """The first frame: the output follows, as binary frames."""

    data: ReadyData


class Exit(_Frame, frozen=True, kw_only=True, tag="exit"):
    """The last frame: nothing more comes."""

    data: Ending


ClientFrame = Resize | Ack

_decoder: msgspec.json.Decoder[ClientFrame] = msgspec.json.Decoder(ClientFrame)


def decode(text: str) -> ClientFrame:
    """Read a client's frame.

    Raises:
        msgspec.MsgspecError: It is none of ours.
    """
    return _decoder.decode(text)


def encode(frame: Ready | Exit) -> dict[str, Any]:
    """Write a frame as a message for the server underneath."""
    return {"type": "websocket.send", "text": msgspec.json.encode(frame).decode()}

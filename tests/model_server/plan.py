"""From a reply's frames to the exact writes on the connection, and how the answer ends."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from tests.model_server.script import Reply
from tests.model_server.wire import Frame

Ending = Literal["complete", "stall", "cut"]

_KEEP_ALIVE = b": keep-alive\r\n\r\n"
_SIZES = (1, 90, 2, 150, 3, 40, 200, 5)
_HELD_BACK = (4, 0, 9, 1)


@dataclass(frozen=True, slots=True)
class Step:
    """What is written for one frame: several pieces when the network is to tear it apart."""

    pieces: list[bytes]
    chunk: bool


@dataclass(frozen=True, slots=True)
class Plan:
    """The steps of an answer and its ending."""

    steps: list[Step]
    ending: Ending


def plan_stream(reply: Reply, frames: Sequence[Frame], failure: Frame, *, sse: bool) -> Plan:
    """The plan for a streamed reply; a cut, else a stall, else an error ends it early."""
    ending: Ending = "complete"
    chosen = list(frames)
    if reply.cut_after is not None:
        chosen, ending = _until(frames, reply.cut_after), "cut"
    elif reply.stall_after is not None:
        chosen, ending = _until(frames, reply.stall_after), "stall"
    elif reply.error_after is not None:
        chosen = [*_until(frames, reply.error_after), failure]
    if reply.split == "network":
        return Plan(_torn(chosen, sse=sse), ending)
    return Plan([Step([frame.data], frame.chunk) for frame in chosen], ending)


def _until(frames: Sequence[Frame], chunks: int) -> list[Frame]:
    """The frames up to the given number of chunks, or to the last chunk: never the answer's end."""
    places = [place for place, frame in enumerate(frames) if frame.chunk]
    if not places:
        return list(frames[:1])
    stop = places[0] if chunks == 0 else places[min(chunks, len(places)) - 1] + 1
    return list(frames[:stop])


def _torn(frames: Sequence[Frame], *, sse: bool) -> list[Step]:
    """The frames as a hostile network delivers them: a tail may only come with the next frame."""
    steps: list[Step] = []
    rest = b""
    for place, (frame, held) in enumerate(zip(frames, itertools.cycle(_HELD_BACK), strict=False)):
        data = rest + (_decorated(frame.data, place) if sse else frame.data)
        keep = len(data) if place == len(frames) - 1 else max(len(data) - held, 0)
        steps.append(Step(tear(data[:keep]), frame.chunk))
        rest = data[keep:]
    return steps


def _decorated(event: bytes, place: int) -> bytes:
    event = event.replace(b"\n", b"\r\n")
    return event + _KEEP_ALIVE if place % 2 == 0 else event


def tear(data: bytes) -> list[bytes]:
    """Uneven pieces, with a cut inside every multi-byte character and between every CR and LF."""
    cuts = {place + 1 for place, byte in enumerate(data) if byte >= 0xC0 or byte == 0x0D}
    place = 0
    for size in itertools.cycle(_SIZES):
        place += size
        if place >= len(data):
            break
        cuts.add(place)
    edges = [0, *sorted(cut for cut in cuts if cut < len(data)), len(data)]
    return [data[start:end] for start, end in itertools.pairwise(edges) if end > start]

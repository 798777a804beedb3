"""How bringing vectors stands, and what is decided on the way; pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Literal

import msgspec

# `incomplete`: all was tried, and some texts have no vector. `resting`: it failed, and goes on
# after a while.
State = Literal["waiting", "working", "resting", "incomplete", "complete"]

_FIRST_REST_S = 2.0
_LONGEST_REST_S = 300.0
# So many vectors too many are not worth looking for.
_SPARE, _SPARE_SHARE = 1000, 0.25
_RESTARTS_APART_S = 3600.0


class EmbeddingStatus(msgspec.Struct, frozen=True, kw_only=True):
    """How far the vectors of a workspace are.

    Args:
        model: The encoder's name.
        state: What happens now.
        done: How many pieces have a vector.
        total: How many should have one, as far as is known. What was replaced since all of them
            were looked at counts in both.
        refused: How many the model does not take.
        cost_usd: What it cost since the server started.
        error: What went wrong last, for people; empty once that is over.
        retry_in_s: How long it rests.
    """

    model: str
    state: State = "waiting"
    done: int = 0
    total: int = 0
    refused: int = 0
    cost_usd: float = 0.0
    error: str = ""
    retry_in_s: float = 0.0


def finished(status: EmbeddingStatus) -> EmbeddingStatus:
    """Say that there is nothing left to try: complete only if nothing lacks."""
    whole = status.done >= status.total and not status.refused
    if whole:
        return msgspec.structs.replace(status, state="complete", error="", retry_in_s=0.0)
    return msgspec.structs.replace(status, state="incomplete", retry_in_s=0.0)


def rest_s(failures: int, asked_s: float | None) -> float:
    """Say how long to rest after so many failures in a row, and at least as long as was asked."""
    own = min(_FIRST_REST_S * 2.0 ** min(failures - 1, 16), _LONGEST_REST_S)
    return max(own, asked_s or 0.0)


def is_worth_pruning(kept: int, retained: int) -> bool:
    """Tell whether there are many more vectors than pieces."""
    return kept > retained * (1 + _SPARE_SHARE) + _SPARE


def may_restart(now_s: float, last_s: float | None) -> bool:
    """Tell whether all vectors may be thrown away again.

    Two servers with different models of one name would otherwise do so without an end.
    """
    return last_s is None or now_s - last_s >= _RESTARTS_APART_S


def batches(texts: Mapping[str, str], most: int, most_characters: int) -> Iterator[dict[str, str]]:
    """Part texts into batches, of one at least, that are neither too many nor too long."""
    batch: dict[str, str] = {}
    room = most_characters
    for digest, text in texts.items():
        if batch and (len(batch) >= most or len(text) > room):
            yield batch
            batch, room = {}, most_characters
        batch[digest] = text
        room -= len(text)
    if batch:
        yield batch

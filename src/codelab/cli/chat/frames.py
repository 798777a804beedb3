"""Frames as the client reads them: it takes what it knows and passes over the rest."""

from __future__ import annotations

import uuid
from typing import Any

import msgspec


class Frame(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One frame, of either direction.

    Args:
        type: What it is, such as `token`.
        session_id: The session it belongs to.
        data: Its content.
        seq: Its place in the session's log, where it is durable.
        epoch: The log's generation.
        id: The client's own mark, which `ack` and `error` repeat.
    """

    type: str
    session_id: str | None = None
    data: dict[str, Any] = {}
    seq: int | None = None
    epoch: int | None = None
    id: str | None = None

    def text(self, name: str) -> str:
        """Return a text of the content, empty where there is none."""
        value = self.data.get(name)
        return value if isinstance(value, str) else ""

    def number(self, name: str) -> float:
        """Return a number of the content, zero where there is none."""
        value = self.data.get(name)
        return value if isinstance(value, int | float) else 0


def request(kind: str, session_id: str, **data: Any) -> Frame:
    """Make a frame that the server acknowledges and does once, however often it is sent."""
    return Frame(type=kind, session_id=session_id, data=data, id=uuid.uuid4().hex)

"""Remembers what was reviewed, so that the next review in a session can show what is new."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from typing import Protocol

_MOST_SESSIONS = 1000


class ClosedTurn(Protocol):
    """What the journal needs to know of CodeLab's event `TurnClosed`."""

    @property
    def session_id(self) -> str:
        """The session of the turn."""

    @property
    def stop_reason(self) -> str:
        """How it ended; `end` when the answer was finished."""


class Journal:
    """Per session, the state in which each file was last shown in a turn that came to its end.

    A turn that was cancelled or failed has reviewed nothing. It lives in memory: after a restart,
    or on another replica, the next review shows everything again, which is never wrong.
    """

    def __init__(self) -> None:
        self._shown: dict[str, dict[str, str]] = {}
        self._reviewed: OrderedDict[str, dict[str, str]] = OrderedDict()

    def note(self, session_id: str, states: Mapping[str, str]) -> None:
        """Note what the running turn was shown: the state of each file, by any key."""
        if session_id not in self._shown and len(self._shown) >= _MOST_SESSIONS:
            del self._shown[next(iter(self._shown))]
        self._shown.setdefault(session_id, {}).update(states)

    def reviewed(self, session_id: str) -> Mapping[str, str]:
        """Return the states that finished turns of this session have reviewed."""
        return self._reviewed.get(session_id, {})

    def close_turn(self, event: ClosedTurn) -> None:
        """Take over what the turn was shown, if it came to its end."""
        shown = self._shown.pop(event.session_id, None)
        if shown is None or event.stop_reason != "end":
            return
        self._reviewed.setdefault(event.session_id, {}).update(shown)
        self._reviewed.move_to_end(event.session_id)
        if len(self._reviewed) > _MOST_SESSIONS:
            self._reviewed.popitem(last=False)

"""Which sessions other replicas watch: copies of a session's frames are made for them only."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import msgspec

from codelab.kit.relay import Relay

ANNOUNCE_S = 5.0

_CHANNEL = "watched"
_FORGET_S = 4 * ANNOUNCE_S
_CHUNK = 1000


class _Announcement(msgspec.Struct, frozen=True, array_like=True):
    sessions: list[str]
    begun: bool


_decoder = msgspec.msgpack.Decoder(_Announcement)
_encoder = msgspec.msgpack.Encoder()


class Interest:
    """Tells the other replicas what is watched here, and remembers what is watched there.

    Args:
        relay: The way to the other replicas.
        clock: Seconds that never go back.
        on_begun: Called with a session that another replica has begun to watch.
    """

    def __init__(
        self, relay: Relay, *, clock: Callable[[], float], on_begun: Callable[[str], None]
    ) -> None:
        self._relay = relay
        self._clock = clock
        self._on_begun = on_begun
        self._until: dict[str, float] = {}
        relay.subscribe(_CHANNEL, self._hear)

    def exists(self, session_id: str) -> bool:
        """Tell whether another replica watches the session."""
        until = self._until.get(session_id)
        if until is None:
            return False
        if until > self._clock():
            return True
        del self._until[session_id]
        return False

    def announce(self, sessions: Iterable[str], *, begun: bool = False) -> None:
        """Tell the others what is watched here."""
        names = list(sessions)
        for start in range(0, len(names), _CHUNK):
            message = _Announcement(names[start : start + _CHUNK], begun)
            self._relay.publish(_CHANNEL, _encoder.encode(message))

    def forget_old(self) -> None:
        """Drop what has not been announced again for long."""
        now = self._clock()
        self._until = {name: until for name, until in self._until.items() if until > now}

    def _hear(self, payload: bytes) -> None:
        message = _decoder.decode(payload)
        until = self._clock() + _FORGET_S
        for session_id in message.sessions:
            self._until[session_id] = until
            if message.begun:
                self._on_begun(session_id)

"""From the bus to those who watch: local watchers at once, other replicas through the relay."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Sequence

import msgspec

from codelab.auth.api import Principal
from codelab.gateway.encoding import Item, awaited, context, expiring, state, stored
from codelab.gateway.interest import ANNOUNCE_S, Interest
from codelab.gateway.progress import Progress
from codelab.gateway.tokens import Pace, TokenBuffer
from codelab.gateway.watching import Sink, Watch
from codelab.hitl.events import ApprovalExpiring
from codelab.kit.bus import Bus
from codelab.kit.errors import CodeLabError
from codelab.kit.relay import MemoryRelay, Relay
from codelab.sessions.api import Sessions
from codelab.sessions.events import (
    ContextMeasured,
    FactsRecorded,
    ModelAwaited,
    SessionStateChanged,
    TokenStreamed,
    ToolOutputStreamed,
    TurnLetGo,
)

_copies = msgspec.msgpack.Encoder()
_copied = msgspec.msgpack.Decoder(list[Item])


class _Room:
    """The watchers of one session."""

    __slots__ = ("channel", "watches")

    def __init__(self, session_id: str) -> None:
        self.channel = f"session:{session_id}"
        self.watches: list[Watch] = []

    def hand_out(self, items: Sequence[Item]) -> None:
        """Give frames to every watcher here."""
        for watch in tuple(self.watches):
            for item in items:
                watch.live(item)

    def receive(self, payload: bytes) -> None:
        """Take copies from another replica."""
        self.hand_out(_copied.decode(payload))


class Stream:
    """Brings each session's frames to its watchers; a session that nobody watches costs nothing.

    Args:
        bus: Where this replica's events come from.
        relay: The way to and from the other replicas.
        sessions: Where missed frames are read from.
        pace: How long pieces of text may wait for company.
    """

    def __init__(
        self, bus: Bus, relay: Relay, sessions: Sessions, *, pace: Pace | None = None
    ) -> None:
        self._relay = relay
        self._sessions = sessions
        self._rooms: dict[str, _Room] = {}
        self._states: dict[str, Item] = {}
        self._waits: dict[str, Item] = {}
        self._progress = Progress()
        self._buffer = TokenBuffer(
            self._deliver_one,
            clock=time.monotonic,
            call_later=lambda delay, call: asyncio.get_running_loop().call_later(delay, call),
            pace=pace,
        )
        self._interest = Interest(relay, clock=time.monotonic, on_begun=self._watched_elsewhere)
        self._heartbeat: asyncio.Task[None] | None = None
        bus.subscribe(TokenStreamed, self._on_token)
        bus.subscribe(FactsRecorded, self._on_facts)
        bus.subscribe(ToolOutputStreamed, self._on_output)
        bus.subscribe(SessionStateChanged, self._on_state)
        bus.subscribe(ApprovalExpiring, self._on_expiring)
        bus.subscribe(ModelAwaited, self._on_awaited)
        bus.subscribe(ContextMeasured, self._on_measured)
        bus.subscribe(TurnLetGo, self._on_let_go)
        relay.on_reconnect(self._on_reconnect)

    async def start(self) -> None:
        """Begin to keep in step with the other replicas, where there can be any."""
        if not isinstance(self._relay, MemoryRelay):
            self._heartbeat = asyncio.create_task(self._keep_in_step())

    async def close(self) -> None:
        """Stop it."""
        if self._heartbeat is not None:
            self._heartbeat.cancel()
            await asyncio.gather(self._heartbeat, return_exceptions=True)

    def watch(self, session_id: str, principal: Principal, sink: Sink) -> Watch:
        """Begin to watch: frames are held back until `open_after` says where the client is."""
        watch = Watch(session_id, principal, sink, self._sessions, self._so_far)
        room = self._rooms.get(session_id)
        if room is None:
            room = self._rooms[session_id] = _Room(session_id)
            self._relay.subscribe(room.channel, room.receive)
            self._interest.announce((session_id,), begun=True)
        room.watches.append(watch)
        return watch

    def unwatch(self, watch: Watch) -> None:
        """End a watch."""
        watch.close()
        room = self._rooms.get(watch.session_id)
        if room is None or watch not in room.watches:
            return
        room.watches.remove(watch)
        if not room.watches:
            del self._rooms[watch.session_id]
            self._relay.unsubscribe(room.channel, room.receive)

    def _on_token(self, event: TokenStreamed) -> None:
        self._progress.add(event)
        if self._waits:
            self._waits.pop(event.session_id, None)
        if self._is_wanted(event.session_id):
            self._buffer.add(event)

    def _on_output(self, event: ToolOutputStreamed) -> None:
        if self._is_wanted(event.session_id):
            self._buffer.add(event)

    def _on_facts(self, event: FactsRecorded) -> None:
        self._progress.settle(event.session_id, event.entries)
        self._waits.pop(event.session_id, None)
        if self._is_wanted(event.session_id):
            # What was streamed before the fact arrives before it.
            self._buffer.flush(event.session_id)
            self._deliver(
                event.session_id, [stored(event.session_id, entry) for entry in event.entries]
            )

    def _on_state(self, event: SessionStateChanged) -> None:
        item = state(event)
        if event.state in ("idle", "error"):
            self._states.pop(event.session_id, None)
        else:
            self._states[event.session_id] = item
        if self._is_wanted(event.session_id):
            self._buffer.flush(event.session_id)
            self._deliver(event.session_id, (item,))

    def _on_expiring(self, event: ApprovalExpiring) -> None:
        # It is said once, so it goes to all: others may have begun to watch a moment ago.
        self._deliver(event.session_id, (expiring(event),), to_all=True)

    def _on_awaited(self, event: ModelAwaited) -> None:
        item = self._waits[event.session_id] = awaited(event)
        if self._is_wanted(event.session_id):
            self._deliver(event.session_id, (item,))

    def _on_measured(self, event: ContextMeasured) -> None:
        if self._is_wanted(event.session_id):
            self._deliver(event.session_id, (context(event),))

    def _on_let_go(self, event: TurnLetGo) -> None:
        # From here on another replica may know better; who comes now asks the store.
        self._states.pop(event.session_id, None)
        self._waits.pop(event.session_id, None)
        self._progress.forget(event.session_id)

    def _is_wanted(self, session_id: str) -> bool:
        return session_id in self._rooms or self._interest.exists(session_id)

    def _deliver_one(self, session_id: str, item: Item) -> None:
        self._deliver(session_id, (item,))

    def _deliver(self, session_id: str, items: Sequence[Item], *, to_all: bool = False) -> None:
        room = self._rooms.get(session_id)
        if room is not None:
            room.hand_out(items)
        if to_all or self._interest.exists(session_id):
            self._relay.publish(f"session:{session_id}", _copies.encode(items))

    def _so_far(self, session_id: str) -> list[Item]:
        self._buffer.flush(session_id)
        known = (self._states.get(session_id), self._waits.get(session_id))
        return [*self._progress.items(session_id), *(item for item in known if item)]

    def _watched_elsewhere(self, session_id: str) -> None:
        if items := self._so_far(session_id):
            self._relay.publish(f"session:{session_id}", _copies.encode(items))

    def _on_reconnect(self) -> None:
        self._interest.announce(tuple(self._rooms))
        for room in self._rooms.values():
            for watch in room.watches:
                watch.check(watch.join.cursor + 1)

    async def _keep_in_step(self) -> None:
        # A copy that was lost on the way leaves no trace when nothing follows it; so the log's
        # head is looked at from time to time.
        while True:
            await asyncio.sleep(ANNOUNCE_S)
            self._interest.forget_old()
            self._interest.announce(tuple(self._rooms))
            for session_id in tuple(self._rooms):
                with contextlib.suppress(CodeLabError):
                    await self._check(session_id)

    async def _check(self, session_id: str) -> None:
        room = self._rooms.get(session_id)
        if room is None:
            return
        record = await self._sessions.get(room.watches[0].principal, session_id)
        for watch in tuple(room.watches):
            watch.check(record.last_seq)

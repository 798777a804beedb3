"""Carries copies of events to other replicas; losing one loses nothing that is stored."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from typing import Any, Protocol

import structlog
from redis.asyncio import Redis
from redis.asyncio.client import PubSub
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from codelab.kit.ids import new_id

Receiver = Callable[[bytes], None]

_OUTBOX = 10_000
_BATCH = 200
_RECONNECT_S = 0.5
_SILENCE_S = 5.0
_LAST_WORDS_S = 1.0
_log = structlog.get_logger(__name__)


class Relay(Protocol):
    """A best-effort broadcast between replicas. A sender does not hear itself."""

    healthy: bool

    async def start(self) -> None:
        """Connect; does not fail when the other side is away."""

    async def close(self) -> None:
        """Disconnect."""

    def publish(self, channel: str, payload: bytes) -> None:
        """Send a copy to the other replicas' receivers of this channel; never blocks."""

    def subscribe(self, channel: str, receiver: Receiver) -> None:
        """Receive what the other replicas publish on this channel."""

    def unsubscribe(self, channel: str, receiver: Receiver) -> None:
        """Stop receiving."""

    async def settled(self, channel: str) -> None:
        """Wait until what is published on a subscribed channel from now on arrives here.

        Returns at once while the other side is away: `on_reconnect` calls back later.
        """

    def on_reconnect(self, callback: Callable[[], None]) -> None:
        """Call back when copies may have been missed, so that receivers read the store again."""


class MemoryRelay:
    """For one process: there is nobody else to tell."""

    healthy = True

    async def start(self) -> None:
        """Do nothing."""

    async def close(self) -> None:
        """Do nothing."""

    def publish(self, channel: str, payload: bytes) -> None:
        """Do nothing: local receivers hear the bus itself."""

    def subscribe(self, channel: str, receiver: Receiver) -> None:
        """Do nothing."""

    def unsubscribe(self, channel: str, receiver: Receiver) -> None:
        """Do nothing."""

    async def settled(self, channel: str) -> None:
        """Do nothing."""

    def on_reconnect(self, callback: Callable[[], None]) -> None:
        """Never calls back."""


def connect(redis_url: str, *, answer_s: float = _SILENCE_S) -> Redis:
    """Make a client whose calls end within seconds; it connects when it is first used.

    Args:
        redis_url: Where Redis is.
        answer_s: How long to wait for an answer, and as long again after one reconnection.
    """
    return Redis.from_url(
        redis_url,
        socket_connect_timeout=answer_s,
        socket_timeout=answer_s,
        retry=Retry(NoBackoff(), 1),
    )


async def disconnect(client: Redis) -> None:
    """Close a client's connections and let go of them.

    A pool that still holds connections, even closed ones, imports a module when it is thrown away.
    At the process's end that import waits for ever if a background thread was importing too.
    """
    await client.aclose()
    pool: Any = client.connection_pool
    pool.reset()


class RedisRelay:
    """Redis publish/subscribe, with one connection to send and one to receive.

    A copy may arrive twice when Redis went away while it was sent.
    """

    def __init__(self, client: Redis, *, prefix: str = "codelab:") -> None:
        self.healthy = False
        self._client = client
        self._prefix = prefix
        # Always subscribed; on it replicas tell that they had to drop copies.
        self._replicas = f"{prefix}replicas"
        self._origin = new_id().encode()
        self._receivers: dict[str, list[Receiver]] = {}
        self._confirmed: dict[str, asyncio.Event] = {}
        self._reconnected: list[Callable[[], None]] = []
        self._outbox: asyncio.Queue[tuple[str, bytes]] = asyncio.Queue(maxsize=_OUTBOX)
        self._dropped = False
        self._failing: set[str] = set()
        self._wanted = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """Start sending and receiving in the background."""
        self._tasks = [asyncio.create_task(self._send()), asyncio.create_task(self._receive())]

    async def close(self) -> None:
        """Send what still waits, if that takes no time, and close the connections."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_LAST_WORDS_S):
                await self._outbox.join()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await disconnect(self._client)

    def publish(self, channel: str, payload: bytes) -> None:
        """Queue a copy; when Redis is away too long, copies are dropped and receivers told so."""
        try:
            self._outbox.put_nowait((self._prefix + channel, self._origin + payload))
        except asyncio.QueueFull:
            self._dropped = True

    def subscribe(self, channel: str, receiver: Receiver) -> None:
        """Receive what the other replicas publish on this channel."""
        self._receivers.setdefault(self._prefix + channel, []).append(receiver)
        self._wanted.set()

    def unsubscribe(self, channel: str, receiver: Receiver) -> None:
        """Stop receiving."""
        name = self._prefix + channel
        receivers = self._receivers.get(name, [])
        if receiver in receivers:
            receivers.remove(receiver)
        if not receivers:
            self._receivers.pop(name, None)
            self._wanted.set()

    async def settled(self, channel: str) -> None:
        """Wait until Redis has confirmed the subscription, or is away."""
        if self.healthy:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_SILENCE_S):
                    await self._confirmation(self._prefix + channel).wait()

    def on_reconnect(self, callback: Callable[[], None]) -> None:
        """Call back each time receiving has started again."""
        self._reconnected.append(callback)

    async def _send(self) -> None:
        batch: list[tuple[str, bytes]] = []
        while True:
            if not batch:
                batch.append(await self._outbox.get())
            while not self._outbox.empty() and len(batch) < _BATCH:
                batch.append(self._outbox.get_nowait())
            try:
                await self._send_batch(batch)
            except (RedisError, OSError) as error:
                self._failed("send", error)
                await asyncio.sleep(_RECONNECT_S)
                continue
            self._works("send")
            for _ in batch:
                self._outbox.task_done()
            batch.clear()

    async def _send_batch(self, batch: list[tuple[str, bytes]]) -> None:
        dropped = self._dropped
        async with self._client.pipeline(transaction=False) as pipeline:
            for channel, payload in batch:
                pipeline.publish(channel, payload)
            if dropped:
                pipeline.publish(self._replicas, self._origin)
            await pipeline.execute()
        if dropped:
            self._dropped = False

    async def _receive(self) -> None:
        while True:
            try:
                async with self._client.pubsub() as pubsub:
                    await self._listen(pubsub)
            except Exception as error:
                cause = error.exceptions[0] if isinstance(error, ExceptionGroup) else error
                self._failed("receive", cause)
            self.healthy = False
            for confirmation in self._confirmed.values():
                confirmation.set()
            self._confirmed.clear()
            await asyncio.sleep(_RECONNECT_S)

    async def _listen(self, pubsub: PubSub) -> None:
        await pubsub.subscribe(self._replicas)
        connection: Any = pubsub.connection
        # The library would connect again by itself and not tell what was missed meanwhile.
        connection.retry = Retry(NoBackoff(), 0)
        self._wanted.clear()
        if first := set(self._receivers):
            await pubsub.subscribe(*first)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._read(pubsub, {self._replicas, *first}))
            tasks.create_task(self._follow(pubsub, first))

    async def _read(self, pubsub: PubSub, unconfirmed: set[str]) -> None:
        silent = False
        while True:
            message = await pubsub.get_message(timeout=_SILENCE_S)
            if message is None:
                if silent:
                    raise OSError("Redis does not answer a ping")
                silent = True
                await pubsub.ping()
                continue
            silent = False
            if message["type"] == "subscribe":
                channel = message["channel"].decode()
                self._confirmation(channel).set()
                if unconfirmed:
                    unconfirmed.discard(channel)
                    if not unconfirmed:
                        self._begin()
            elif message["type"] == "message":
                self._deliver(message["channel"].decode(), message["data"])

    async def _follow(self, pubsub: PubSub, subscribed: set[str]) -> None:
        """Tell Redis at once which channels are wanted, beside the reading."""
        while True:
            await self._wanted.wait()
            self._wanted.clear()
            wanted = set(self._receivers)
            if gone := subscribed - wanted:
                for channel in gone:
                    self._confirmed.pop(channel, None)
                await pubsub.unsubscribe(*gone)
            if added := wanted - subscribed:
                await pubsub.subscribe(*added)
            subscribed = wanted

    def _confirmation(self, channel: str) -> asyncio.Event:
        return self._confirmed.setdefault(channel, asyncio.Event())

    def _failed(self, what: str, error: BaseException) -> None:
        # It is tried again for as long as it takes, so only the change is worth a record.
        if what not in self._failing:
            self._failing.add(what)
            _log.warning(f"relay_{what}_failed", error_type=type(error).__name__)

    def _works(self, what: str) -> None:
        if what in self._failing:
            self._failing.remove(what)
            _log.info(f"relay_{what}_works_again")

    def _begin(self) -> None:
        self.healthy = True
        self._works("receive")
        self._tell_reconnected()

    def _tell_reconnected(self) -> None:
        for callback in self._reconnected:
            try:
                callback()
            except Exception:
                _log.exception("relay_callback_failed")

    def _deliver(self, channel: str, data: bytes) -> None:
        origin, payload = data[: len(self._origin)], data[len(self._origin) :]
        if origin == self._origin:
            return
        if channel == self._replicas:
            self._tell_reconnected()
            return
        for receiver in tuple(self._receivers.get(channel, ())):
            try:
                receiver(payload)
            except Exception:
                _log.exception("relay_receiver_failed", channel=channel)

"""What may be forgotten at any time: bytes under a key for a while, in memory or in Redis."""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol

import structlog
from redis.asyncio import Redis
from redis.exceptions import RedisError

from codelab.kit.crypto import Cipher, SealBroken, Signer
from codelab.kit.relay import connect, disconnect

_ANSWER_S = 0.5
# So long nobody waits for one that did not answer.
_AWAY_S = 2.0
# What an entry takes in memory besides its key and its value.
_ENTRY_BYTES = 300
_log = structlog.get_logger(__name__)


class Cache(Protocol):
    """Keeps bytes under keys; whatever goes wrong with it is a miss and never an error."""

    async def get(self, key: str) -> bytes | None:
        """Return what is kept under a key, or none."""

    async def put(self, key: str, value: bytes, ttl_s: float) -> None:
        """Keep a value for at most so long, more than 0 seconds; it may be gone sooner."""

    async def delete(self, key: str) -> None:
        """Forget what is kept under a key."""

    async def close(self) -> None:
        """Let go of connections and memory."""


def open_cache(
    namespace: str, redis_url: str, secrets: Sequence[str], *, memory_bytes: int
) -> Cache:
    """Make a cache: in memory, or where there is a Redis sealed in Redis, for all replicas.

    Args:
        namespace: What is kept there; keys of different namespaces never meet.
        redis_url: Where Redis is; empty for memory.
        secrets: The installation's secrets, the one for new values first.
        memory_bytes: How much memory may hold; Redis has a limit of its own.
    """
    if not redis_url:
        return MemoryCache(memory_bytes)
    redis = RedisCache(connect(redis_url, answer_s=_ANSWER_S), namespace)
    return SealedCache(redis, namespace, secrets)


class MemoryCache:
    """Keeps values in this process; when it is full, what was used longest ago goes first.

    Args:
        most_bytes: How much it holds, its own bookkeeping included.
    """

    def __init__(self, most_bytes: int) -> None:
        self._most_bytes = most_bytes
        self._held_bytes = 0
        # Until when each value counts, and the value; the one used last is at the end.
        self._entries: OrderedDict[str, tuple[float, bytes]] = OrderedDict()

    @property
    def held_bytes(self) -> int:
        """How much it holds at the moment."""
        return self._held_bytes

    async def get(self, key: str) -> bytes | None:
        """Return what is kept under a key, or none."""
        found = self._entries.get(key)
        if found is None:
            return None
        until, value = found
        if until <= time.monotonic():
            self._drop(key)
            return None
        self._entries.move_to_end(key)
        return value

    async def put(self, key: str, value: bytes, ttl_s: float) -> None:
        """Keep a value; one that is larger than all the room there is, is not kept."""
        self._drop(key)
        size = _size(key, value)
        if size > self._most_bytes:
            return
        while self._held_bytes + size > self._most_bytes:
            self._drop(next(iter(self._entries)))
        self._entries[key] = (time.monotonic() + ttl_s, value)
        self._held_bytes += size

    async def delete(self, key: str) -> None:
        """Forget what is kept under a key."""
        self._drop(key)

    async def close(self) -> None:
        """Forget everything."""
        self._entries.clear()
        self._held_bytes = 0

    def _drop(self, key: str) -> None:
        found = self._entries.pop(key, None)
        if found is not None:
            self._held_bytes -= _size(key, found[1])


class RedisCache:
    """Keeps values in Redis.

    Redis is asked for half a second at most; when it is away, nobody asks it again for two.

    Args:
        client: Whose connections are used; `close` closes them.
        namespace: What is kept there.
    """

    def __init__(self, client: Redis, namespace: str) -> None:
        self._client = client
        self._prefix = f"codelab:cache:{namespace}:"
        self._away_until = 0.0

    async def get(self, key: str) -> bytes | None:
        """Return what is kept under a key; none too when Redis is away."""
        value = await self._ask(lambda redis: redis.get(self._prefix + key))
        return value if isinstance(value, bytes) else None

    async def put(self, key: str, value: bytes, ttl_s: float) -> None:
        """Keep a value, if Redis is there."""
        ttl_ms = max(1, round(ttl_s * 1000))
        await self._ask(lambda redis: redis.set(self._prefix + key, value, px=ttl_ms))

    async def delete(self, key: str) -> None:
        """Forget what is kept under a key, if Redis is there."""
        await self._ask(lambda redis: redis.delete(self._prefix + key))

    async def close(self) -> None:
        """Close the connections."""
        await disconnect(self._client)

    async def _ask(self, command: Callable[[Redis], Awaitable[object]]) -> object:
        if time.monotonic() < self._away_until:
            return None
        try:
            async with asyncio.timeout(_ANSWER_S):
                return await command(self._client)
        except (RedisError, OSError, TimeoutError) as error:
            _log.warning("cache_away", error_type=type(error).__name__)
            self._away_until = time.monotonic() + _AWAY_S
            return None


class SealedCache:
    """Hides keys and values from whoever can read the cache inside, and notices forgeries.

    Args:
        inner: The cache that keeps what is sealed.
        namespace: What is kept there; a value moved from elsewhere does not count.
        secrets: The installation's secrets, the one for new values first.
    """

    def __init__(self, inner: Cache, namespace: str, secrets: Sequence[str]) -> None:
        self._inner = inner
        self._place = f"cache/{namespace}"
        self._cipher = Cipher(secrets)
        self._names = Signer(secrets, self._place)

    async def get(self, key: str) -> bytes | None:
        """Return what is kept under a key; none too when it was changed or belongs elsewhere."""
        name = self._names.sign(key)
        sealed = await self._inner.get(name)
        if sealed is None:
            return None
        try:
            return self._cipher.open(sealed, f"{self._place}/{name}")
        except SealBroken:
            _log.warning("cache_seal_broken")
            return None

    async def put(self, key: str, value: bytes, ttl_s: float) -> None:
        """Seal a value to its key and keep it."""
        name = self._names.sign(key)
        await self._inner.put(name, self._cipher.seal(value, f"{self._place}/{name}"), ttl_s)

    async def delete(self, key: str) -> None:
        """Forget what is kept under a key."""
        await self._inner.delete(self._names.sign(key))

    async def close(self) -> None:
        """Close the cache inside."""
        await self._inner.close()


def _size(key: str, value: bytes) -> int:
    return len(key) + len(value) + _ENTRY_BYTES

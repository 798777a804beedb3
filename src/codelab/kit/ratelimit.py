"""Limits per user and hour, counted in memory or, for several replicas, in Redis."""

from __future__ import annotations

import time
from collections import deque
from typing import Any

import structlog
from limits import RateLimitItem, RateLimitItemPerHour, RateLimitItemPerMinute
from limits.aio.storage import RedisStorage
from limits.aio.strategies import MovingWindowRateLimiter

from codelab.kit.errors import RateLimited
from codelab.kit.relay import connect, disconnect

_ANSWER_S = 2.0
# So long nobody waits for one that did not answer.
_AWAY_S = 2.0
_SWEEP_EVERY = 1000
_log = structlog.get_logger(__name__)


class RateLimiter:
    """Moving windows of an hour or a minute: for one process, or in Redis for all replicas."""

    def __init__(self, redis_url: str | None = None) -> None:
        self._windows: _MemoryWindows | _RedisWindows = (
            _RedisWindows(redis_url) if redis_url else _MemoryWindows()
        )

    async def close(self) -> None:
        """Close the connections, if there are any."""
        if isinstance(self._windows, _RedisWindows):
            await self._windows.close()

    async def hit(self, limit: str, per_hour: int, key: str) -> None:
        """Count one use against a limit per hour.

        Args:
            limit: The limit's name, in the words of the sentence that refuses.
            per_hour: How many uses an hour holds.
            key: Whose uses are counted.

        Raises:
            RateLimited: The limit is used up; says after how many seconds it is not.
        """
        await self._hit(RateLimitItemPerHour(per_hour, namespace=f"codelab/{limit}"), limit, key)

    async def hit_minute(self, limit: str, per_minute: int, key: str) -> None:
        """Count one use against a limit per minute; otherwise like `hit`."""
        await self._hit(
            RateLimitItemPerMinute(per_minute, namespace=f"codelab/{limit}"), limit, key
        )

    async def _hit(self, item: RateLimitItem, limit: str, key: str) -> None:
        wait_s = await self._windows.take(item, key)
        if wait_s is not None:
            raise RateLimited(
                f"The limit of {item.amount} for {limit.replace('_', ' ')} is used up.",
                retry_after_s=max(1.0, wait_s),
            )


class _MemoryWindows:
    """The times of the last uses, by limit and key.

    The library's own memory storage walks through all keys after every hit, each in a thread:
    27 ms of CPU with 300 keys.
    """

    def __init__(self) -> None:
        self._uses: dict[str, deque[float]] = {}
        self._ends: dict[str, float] = {}
        self._until_sweep = _SWEEP_EVERY

    async def take(self, item: RateLimitItem, key: str) -> float | None:
        """Count a use; return the seconds to wait when there is none left."""
        now, length_s = time.monotonic(), item.get_expiry()
        name = item.key_for(key)
        self._sweep(now)
        uses = self._uses.setdefault(name, deque())
        while uses and uses[0] <= now - length_s:
            uses.popleft()
        if len(uses) >= item.amount:
            return (uses[0] if uses else now) + length_s - now
        uses.append(now)
        self._ends[name] = now + length_s
        return None

    def _sweep(self, now: float) -> None:
        self._until_sweep -= 1
        if self._until_sweep:
            return
        for name in [name for name, end in self._ends.items() if end < now]:
            del self._ends[name]
            del self._uses[name]
        self._until_sweep = max(_SWEEP_EVERY, len(self._uses))


class _RedisWindows:
    """The same in Redis, by the `limits` library.

    While Redis is away each replica goes by the uses that it has counted itself: a turn that was
    accepted must not end because nobody can be asked how often its user has asked before.
    """

    def __init__(self, redis_url: str) -> None:
        self._own = _MemoryWindows()
        self._away_until = 0.0
        # It must answer soon or not at all: a request waits for it.
        self._client = connect(redis_url, answer_s=_ANSWER_S)
        pool: Any = self._client.connection_pool
        storage = RedisStorage("async+redis://", implementation="redispy", connection_pool=pool)
        self._limiter = MovingWindowRateLimiter(storage)

    async def close(self) -> None:
        """Close the connections."""
        await disconnect(self._client)

    async def take(self, item: RateLimitItem, key: str) -> float | None:
        """Count a use; return the seconds to wait when there is none left."""
        own = await self._own.take(item, key)
        if time.monotonic() < self._away_until:
            return own
        try:
            if await self._limiter.hit(item, key):
                return None
            window = await self._limiter.get_window_stats(item, key)
        except Exception as error:
            # The library passes its backend's own exceptions through, whichever backend it is.
            _log.warning("rate_limit_counted_here_only", error_type=type(error).__name__)
            self._away_until = time.monotonic() + _AWAY_S
            return own
        return window.reset_time - time.time()

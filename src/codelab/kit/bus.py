"""The in-process event bus: typed, synchronous to publish, bounded where work is queued."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import structlog

from codelab.kit.events import Event

E = TypeVar("E", bound=Event)
Handler = Callable[[Any], None]

_log = structlog.get_logger(__name__)


class Bus:
    """Hands each published event to the handlers of its type and of its base types.

    Handlers run at once, in the order of their subscription, and must not block. One that fails
    is counted and logged and never disturbs the publisher or the other handlers. Slow work goes
    through `subscribe_queue`, which has a bounded queue and a worker of its own.
    """

    def __init__(self) -> None:
        self.failures: Counter[str] = Counter()
        self.dropped: Counter[str] = Counter()
        self._handlers: list[tuple[type[Event], Handler]] = []
        self._resolved: dict[type[Event], tuple[Handler, ...]] = {}
        self._workers: list[asyncio.Task[None]] = []
        self._pending: list[tuple[asyncio.Queue[Any], Callable[[Any], Awaitable[None]]]] = []

    def subscribe(self, event_type: type[E], handler: Callable[[E], None]) -> None:
        """Call the handler for each event of this type or of one derived from it."""
        self._handlers.append((event_type, handler))
        self._resolved.clear()

    def subscribe_queue(
        self, event_type: type[E], handler: Callable[[E], Awaitable[None]], *, capacity: int = 1000
    ) -> None:
        """Call an asynchronous handler for one event after the other, off the publisher's path.

        Past `capacity` waiting events, further ones are dropped and counted in `dropped`.
        """
        queue: asyncio.Queue[E] = asyncio.Queue(maxsize=capacity)
        name = _name(handler)

        def enqueue(event: E) -> None:
            try:
                queue.put_nowait(event)
            except asyncio.QueueFull:
                self.dropped[name] += 1

        self._pending.append((queue, handler))
        self.subscribe(event_type, enqueue)

    def publish(self, event: Event) -> None:
        """Hand the event to its handlers; never raises."""
        kind = type(event)
        handlers = self._resolved.get(kind)
        if handlers is None:
            handlers = self._resolve(kind)
        for handler in handlers:
            try:
                handler(event)
            except Exception:
                self._failed(handler, kind)

    async def start(self) -> None:
        """Start the workers of the queues."""
        while self._pending:
            queue, handler = self._pending.pop()
            self._workers.append(asyncio.create_task(self._work(queue, handler)))

    async def close(self) -> None:
        """Stop the workers; what still waits in their queues is dropped."""
        for worker in self._workers:
            worker.cancel()
        await asyncio.gather(*self._workers, return_exceptions=True)
        self._workers.clear()

    def _resolve(self, kind: type[Event]) -> tuple[Handler, ...]:
        handlers = tuple(handler for wanted, handler in self._handlers if issubclass(kind, wanted))
        self._resolved[kind] = handlers
        return handlers

    async def _work(
        self, queue: asyncio.Queue[Any], handler: Callable[[Any], Awaitable[None]]
    ) -> None:
        while True:
            event = await queue.get()
            try:
                await handler(event)
            except Exception:
                self._failed(handler, type(event))

    def _failed(self, handler: Callable[..., Any], kind: type[Event]) -> None:
        name = _name(handler)
        self.failures[name] += 1
        _log.exception("event_handler_failed", handler=name, event_type=kind.__name__)


def _name(handler: Callable[..., Any]) -> str:
    return f"{handler.__module__}.{getattr(handler, '__qualname__', type(handler).__qualname__)}"

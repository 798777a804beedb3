"""All clients that listen, and the regular check that their users may still act."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from typing import Protocol

import msgspec
import structlog

from codelab.auth.api import Auth, Principal
from codelab.gateway.closing import CloseCode
from codelab.gateway.connection import Connection
from codelab.kit.errors import CodeLabError

CHECK_S = 20.0
_FAREWELL_S = 1.0
_log = structlog.get_logger(__name__)


class Answer(Protocol):
    """An answer over plain HTTP that goes on as long as its turn."""

    def end(self, code: CloseCode) -> None:
        """Tell the client why no more comes here, and end."""


class Presence:
    """Knows the open connections, and the answers that are being streamed.

    Args:
        auth: Says who may still act.
        on_change: Told how many connections there are.
        check_s: The seconds between two checks.
    """

    def __init__(
        self, auth: Auth, on_change: Callable[[int], None], *, check_s: float = CHECK_S
    ) -> None:
        self._auth = auth
        self._on_change = on_change
        self._check_s = check_s
        self._connections: set[Connection] = set()
        self._answers: dict[Answer, Principal] = {}
        self._dismissing = False
        self._task: asyncio.Task[None] | None = None

    @property
    def connections(self) -> int:
        """How many connections there are."""
        return len(self._connections)

    async def start(self) -> None:
        """Begin to check."""
        self._task = asyncio.create_task(self._check_for_ever())

    async def close(self) -> None:
        """Stop checking and close what is open."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        await self.dismiss()

    async def dismiss(self) -> None:
        """Send all clients away, those to come as well; wait a moment until they have heard."""
        self._dismissing = True
        for answer in tuple(self._answers):
            answer.end(CloseCode.STOPPING)
        connections = tuple(self._connections)
        for connection in connections:
            connection.outbox.close(CloseCode.STOPPING)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_FAREWELL_S):
                await asyncio.gather(*(connection.drained() for connection in connections))

    def add(self, connection: Connection) -> None:
        """Remember a connection."""
        self._connections.add(connection)
        self._on_change(len(self._connections))
        if self._dismissing:
            connection.outbox.close(CloseCode.STOPPING)

    def remove(self, connection: Connection) -> None:
        """Forget it."""
        self._connections.discard(connection)
        self._on_change(len(self._connections))

    def add_answer(self, answer: Answer, principal: Principal) -> None:
        """Remember a streamed answer, and whose it is."""
        self._answers[answer] = principal
        if self._dismissing:
            answer.end(CloseCode.STOPPING)

    def remove_answer(self, answer: Answer) -> None:
        """Forget it."""
        self._answers.pop(answer, None)

    def all(self) -> tuple[Connection, ...]:
        """Return the open connections."""
        return tuple(self._connections)

    async def check(self) -> None:
        """Close the connections of everybody whose sign-in has ended, and end their answers."""
        open_ones: list[tuple[Principal, Callable[[CloseCode], None]]] = [
            *((connection.principal, connection.outbox.close) for connection in self._connections),
            *((principal, answer.end) for answer, principal in self._answers.items()),
        ]
        by_sign_in: dict[Principal, list[Callable[[CloseCode], None]]] = {}
        for principal, end in open_ones:
            # What a sign-in is known by: its tokens come and go.
            sign_in = msgspec.structs.replace(principal, token_expires_at=None)
            by_sign_in.setdefault(sign_in, []).append(end)
        for principal, endings in by_sign_in.items():
            if not await self._may_act(principal):
                for end in endings:
                    end(CloseCode.SIGNED_OUT)

    async def _may_act(self, principal: Principal) -> bool:
        try:
            return await self._auth.is_active(principal)
        except CodeLabError as error:
            # A database that is away for a moment is no reason to end everybody's work.
            _log.warning("activity_check_failed", code=error.code)
            return True

    async def _check_for_ever(self) -> None:
        while True:
            await asyncio.sleep(self._check_s)
            try:
                await self.check()
            except Exception:
                _log.exception("activity_check_failed")

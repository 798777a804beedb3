"""A turn that this replica carries forward: its work can be interrupted, its conclusion cannot."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, Literal, TypeVar

from codelab.sessions.api import Lease

T = TypeVar("T")

# The user cancelled the turn, or this replica must not go on: it ends, or was overtaken.
Interruption = Literal["cancelled", "let_go"]


class Carried:
    """What happens to a turn here, lease after lease.

    Args:
        held: The lease that it is carried under at first.
    """

    def __init__(self, held: Lease) -> None:
        self.session_id = held.session_id
        self.interrupted: Interruption | None = None
        self.held = held
        self._work: asyncio.Task[Any] | None = None

    @property
    def is_working(self) -> bool:
        """Whether work goes on under the lease; otherwise it is being ended or given back."""
        return self._work is not None

    def interrupt(self, why: Interruption) -> None:
        """Stop the work; what concludes it goes on undisturbed. The first reason stands."""
        if self.interrupted is None:
            self.interrupted = why
            if self._work is not None:
                self._work.cancel()

    async def work(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Do work that can be interrupted.

        Raises:
            asyncio.CancelledError: It was interrupted, or had been before it began.
        """
        self._work = working = asyncio.create_task(coroutine)
        if self.interrupted is not None:
            working.cancel()
        try:
            return await working
        finally:
            self._work = None
            # An error keeps this frame, which must not keep the error: with it go long answers.
            del working

"""Whether whoever asked may still be answered: an answer may outlast the right to it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from codelab.auth.api import Principal
from codelab.auth.errors import Unauthenticated
from codelab.kit.errors import CodeLabError

CHECK_S = 20.0

MayAct = Callable[[Principal], Awaitable[bool]]

_log = structlog.get_logger(__name__)


class Permission:
    """Looks now and then whether principals may still act.

    Args:
        may_act: Tells whether one may.
        check_s: The seconds between two looks.
    """

    def __init__(self, may_act: MayAct, *, check_s: float = CHECK_S) -> None:
        self._may_act = may_act
        self._check_s = check_s

    async def withdrawn(self, principal: Principal) -> Unauthenticated:
        """Wait until the principal may not act any more, and return what to tell it."""
        while True:
            await asyncio.sleep(self._check_s)
            try:
                if await self._may_act(principal):
                    continue
            except CodeLabError as error:
                # A database that is away for a moment is no reason to end everybody's work.
                _log.warning("permission_check_failed", code=error.code)
                continue
            return Unauthenticated("This token, or its user, may not act any more.")

"""Says where texts are not valid while people write them."""

from __future__ import annotations

import asyncio

from codelab.auth.api import Principal
from codelab.kit.ratelimit import RateLimiter
from codelab.sdk.code.problems import Checked, checked
from codelab.workspace.service import Workspaces

# Editors ask after every pause of the typing; what is being checked takes a processor.
_PER_MINUTE = 120
_AT_ONCE = 2


class Checking:
    """Checks texts for those whose workspace they belong to, a few at a time.

    Args:
        workspaces: Whose they are.
        limiter: Counts checks per user.
    """

    def __init__(self, workspaces: Workspaces, limiter: RateLimiter) -> None:
        self._workspaces = workspaces
        self._limiter = limiter
        self._turns = asyncio.Semaphore(_AT_ONCE)

    async def check(
        self, principal: Principal, workspace_id: str, path: str, content: str
    ) -> Checked:
        """Find the problems of a text that need not have been saved."""
        await self._workspaces.get(principal, workspace_id)
        await self._limiter.hit_minute("syntax_checks", _PER_MINUTE, principal.user_id)
        async with self._turns:
            return await checked(path, content)

"""The way into a workspace for a human: whose it is, and how much they have done already."""

from __future__ import annotations

from codelab.auth.api import Principal
from codelab.kit.ratelimit import RateLimiter
from codelab.workspace.folder import Folder
from codelab.workspace.rules import Audience
from codelab.workspace.service import Workspaces

# Agents' tools count against the same limit.
FILE_OPERATIONS = "file_operations"

# What an interface asks by itself while somebody scrolls or types: names, never contents.
_LOOKS = "looks_at_file_names"
_LOOKS_PER_OPERATION = 20


class Entrance:
    """Checks whose workspace it is, counts the operation and opens the folder.

    Args:
        workspaces: Where the folders come from.
        limiter: Counts file operations per user.
        per_hour: How many operations a user has; of mere looks at names, twenty times as many.
    """

    def __init__(self, workspaces: Workspaces, limiter: RateLimiter, per_hour: int) -> None:
        self._workspaces = workspaces
        self._limiter = limiter
        self._per_hour = per_hour

    async def enter(self, principal: Principal, workspace_id: str) -> Folder:
        """Open a workspace for one operation on its files."""
        return await self._open(principal, workspace_id, FILE_OPERATIONS, self._per_hour)

    async def look_in(self, principal: Principal, workspace_id: str) -> Folder:
        """Open a workspace for one look at names."""
        per_hour = self._per_hour * _LOOKS_PER_OPERATION
        return await self._open(principal, workspace_id, _LOOKS, per_hour)

    async def count(self, principal: Principal) -> None:
        """Count one further operation.

        Raises:
            RateLimited: The limit is used up.
        """
        await self._limiter.hit(FILE_OPERATIONS, self._per_hour, principal.user_id)

    async def _open(
        self, principal: Principal, workspace_id: str, limit: str, per_hour: int
    ) -> Folder:
        await self._workspaces.get(principal, workspace_id)
        await self._limiter.hit(limit, per_hour, principal.user_id)
        return await self._workspaces.open(workspace_id, audience=Audience.HUMAN)

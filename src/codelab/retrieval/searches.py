"""What users may ask of indexes: each question names its project, and who asks it."""

from __future__ import annotations

import asyncio

import structlog

from codelab.auth.api import Principal
from codelab.kit.errors import CodeLabError
from codelab.retrieval.service import IndexStatus, Retrieval
from codelab.sdk.retrieval import Findings, SymbolPlaces
from codelab.sdk.workspace import Matches
from codelab.workspace.api import Explorer, Workspaces

_log = structlog.get_logger(__name__)


class Searches:
    """Answers users.

    Args:
        retrieval: The indexes.
        workspaces: Says who may open what.
        explorer: Finds lines, and counts who looks.
    """

    def __init__(self, retrieval: Retrieval, workspaces: Workspaces, explorer: Explorer) -> None:
        self._retrieval = retrieval
        self._workspaces = workspaces
        self._explorer = explorer
        self._rebuilding: dict[str, asyncio.Task[None]] = {}

    async def close(self) -> None:
        """Leave what is being made anew."""
        for task in self._rebuilding.values():
            task.cancel()
        await asyncio.gather(*self._rebuilding.values(), return_exceptions=True)

    async def lines(
        self, principal: Principal, workspace_id: str, pattern: str, path: str
    ) -> Matches:
        """Find the lines that match an expression.

        Raises:
            CodeLabError: It is no expression, or the folder may not be opened.
        """
        return await self._explorer.search(principal, workspace_id, pattern, path)

    async def code(
        self, principal: Principal, workspace_id: str, question: str, path: str, most: int
    ) -> Findings:
        """Find the code that a description is about.

        Raises:
            CodeLabError: The workspace may not be opened.
        """
        view = await self._explorer.enter(principal, workspace_id)
        code = self._retrieval.code(workspace_id, view)
        return await code.search(question, folder=path or ".", most=most)

    async def symbols(
        self, principal: Principal, workspace_id: str, name: str, most: int
    ) -> SymbolPlaces:
        """Find where something is defined.

        Raises:
            CodeLabError: The workspace may not be opened.
        """
        view = await self._explorer.enter(principal, workspace_id)
        return await self._retrieval.code(workspace_id, view).symbols(name, most=most)

    async def outline(self, principal: Principal, workspace_id: str, path: str) -> SymbolPlaces:
        """List what a file defines.

        Raises:
            CodeLabError: The workspace may not be opened.
        """
        view = await self._explorer.enter(principal, workspace_id)
        return await self._retrieval.outline(workspace_id, view, path)

    async def status(self, principal: Principal, workspace_id: str) -> IndexStatus:
        """Tell how far an index is.

        Raises:
            CodeLabError: The workspace may not be opened.
        """
        await self._workspaces.get(principal, workspace_id)
        return await self._retrieval.status(workspace_id)

    async def rebuild(self, principal: Principal, workspace_id: str) -> IndexStatus:
        """Begin to make an index anew, unless that is under way.

        Raises:
            CodeLabError: The workspace may not be opened, or this server makes no index.
        """
        await self._workspaces.get(principal, workspace_id)
        self._retrieval.require()
        if workspace_id not in self._rebuilding:
            task = asyncio.create_task(self._rebuild(workspace_id))
            self._rebuilding[workspace_id] = task
            task.add_done_callback(lambda _: self._rebuilding.pop(workspace_id, None))
            # So that the answer tells of it.
            await asyncio.sleep(0)
        return await self._retrieval.status(workspace_id)

    async def _rebuild(self, workspace_id: str) -> None:
        try:
            await self._retrieval.rebuild(workspace_id)
        except CodeLabError as error:
            _log.warning("index_not_rebuilt", code=error.code)

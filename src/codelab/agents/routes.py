"""What of a session its models are shown, over REST."""

from __future__ import annotations

from typing import Annotated, Any

from litestar import Request, Router, get, post
from litestar.params import PathParameter

from codelab.agents.api import Compaction, Compactions
from codelab.auth.api import Principal

SessionId = Annotated[str, PathParameter(max_length=64, pattern=r"^[0-9A-Za-z_-]+$")]
Seq = Annotated[int, PathParameter(ge=1, le=2**53)]

AuthenticatedRequest = Request[Principal, Any, Any]


def router(compactions: Compactions) -> Router:
    """Make the routes of compactions."""

    @get("/compactions", summary="List what was hidden from the model")
    async def list_compactions(
        session_id: SessionId, request: AuthenticatedRequest
    ) -> list[Compaction]:
        """Return the session's compactions, oldest first."""
        return await compactions.list_for(request.user, session_id)

    @post("/compact", summary="Hide the older messages from the model", status_code=200)
    async def compact(session_id: SessionId, request: AuthenticatedRequest) -> Compaction:
        """Hide what is older than the newest part, and have it summarised; the log keeps all."""
        return await compactions.compact(request.user, session_id)

    @post(
        "/compactions/{seq:int}/restore",
        summary="Show the model again what was hidden",
        status_code=204,
    )
    async def restore(session_id: SessionId, seq: Seq, request: AuthenticatedRequest) -> None:
        """Undo a compaction, and with it all later ones."""
        await compactions.restore(request.user, session_id, seq)

    return Router(
        "/sessions/{session_id:str}",
        route_handlers=[list_compactions, compact, restore],
        tags=["Sessions"],
    )

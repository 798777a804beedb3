"""What of a session its models are shown, and the way back to its checkpoints, over REST."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from litestar import Request, Router, get, post
from litestar.params import JSONBody, PathParameter

from codelab.agents.api import (
    Checkpoint,
    CheckpointPreview,
    Checkpoints,
    Compaction,
    Compactions,
    Restored,
)
from codelab.auth.api import Principal

SessionId = Annotated[str, PathParameter(max_length=64, pattern=r"^[0-9A-Za-z_-]+$")]
CheckpointId = Annotated[str, PathParameter(pattern="^[0-9a-f]{32}$")]
Seq = Annotated[int, PathParameter(ge=1, le=2**53)]

AuthenticatedRequest = Request[Principal, Any, Any]


class Restoration(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What goes back: the files, what models are shown of the conversation, or both."""

    files: bool = True
    conversation: bool = True


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


def checkpoint_router(checkpoints: Checkpoints) -> Router:
    """Make the routes of checkpoints."""

    @get("/", summary="List the places to which a session can go back")
    async def list_checkpoints(
        session_id: SessionId, request: AuthenticatedRequest
    ) -> list[Checkpoint]:
        """Return the session's checkpoints, oldest first."""
        return await checkpoints.list_for(request.user, session_id)

    @get("/{checkpoint_id:str}", summary="Show what going back would do")
    async def preview_checkpoint(
        session_id: SessionId, checkpoint_id: CheckpointId, request: AuthenticatedRequest
    ) -> CheckpointPreview:
        """Return the files that would go back, those left alone, and the messages hidden."""
        return await checkpoints.preview(request.user, session_id, checkpoint_id)

    @post("/{checkpoint_id:str}/restore", summary="Go back to a checkpoint", status_code=200)
    async def restore_checkpoint(
        session_id: SessionId,
        checkpoint_id: CheckpointId,
        data: JSONBody[Restoration],
        request: AuthenticatedRequest,
    ) -> Restored:
        """Put files back that are still as the session left them, and hide what was said since."""
        return await checkpoints.restore(
            request.user,
            session_id,
            checkpoint_id,
            files=data.files,
            conversation=data.conversation,
        )

    return Router(
        "/sessions/{session_id:str}/checkpoints",
        route_handlers=[list_checkpoints, preview_checkpoint, restore_checkpoint],
        tags=["Sessions"],
    )

"""Compactions, checkpoints and the review of changed files over REST."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from litestar import Request, Router, get, post, put
from litestar.params import JSONBody, PathParameter

from codelab.agents.api import (
    Checkpoint,
    CheckpointPreview,
    Checkpoints,
    Compaction,
    Compactions,
    Restored,
    ReviewedFile,
    Reviews,
)
from codelab.auth.api import Principal
from codelab.sessions.events import ApprovalStatus

SessionId = Annotated[str, PathParameter(max_length=64, pattern=r"^[0-9A-Za-z_-]+$")]
CheckpointId = Annotated[str, PathParameter(pattern="^[0-9a-f]{32}$")]
ApprovalId = Annotated[str, PathParameter()]
Seq = Annotated[int, PathParameter(ge=1, le=2**53)]

AuthenticatedRequest = Request[Principal, Any, Any]


# A file of 1 MB as JSON, each character escaped.
_LARGEST_REVIEW = 8 * 1024 * 1024


class ReviewedText(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a human has made of a file under review, and of which text.

    Args:
        text: What the file shall hold.
        before_hash: The hash that the review came with.
        feedback: What the agent is told besides the difference.
    """

    text: Annotated[str, msgspec.Meta(max_length=1_000_000)]
    before_hash: Annotated[str, msgspec.Meta(max_length=64)]
    feedback: Annotated[str, msgspec.Meta(max_length=10_000)] = ""


class ReviewAnswered(msgspec.Struct, frozen=True, kw_only=True):
    """What became of the request; the difference is what the agent is told."""

    id: str
    status: ApprovalStatus
    edit_diff: str


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


def review_router(reviews: Reviews) -> Router:
    """Make the routes by which a file is reviewed as text before a call may change it."""

    @get("/", summary="Show a file before and after a call")
    async def show_review(approval_id: ApprovalId, request: AuthenticatedRequest) -> ReviewedFile:
        """Return both texts whole; `stale` says that the file is not what it was when asked."""
        return await reviews.show(request.user, approval_id)

    @put("/", summary="Approve a call so that it writes the reviewed text")
    async def approve_review(
        approval_id: ApprovalId, data: JSONBody[ReviewedText], request: AuthenticatedRequest
    ) -> ReviewAnswered:
        """Approve exactly this text over what was reviewed; the agent is told the difference."""
        record = await reviews.approve(
            request.user, approval_id, data.text, data.before_hash, data.feedback
        )
        return ReviewAnswered(id=record.id, status=record.status, edit_diff=record.edit_diff)

    return Router(
        "/hitl/requests/{approval_id:str}/review",
        route_handlers=[show_review, approve_review],
        request_max_body_size=_LARGEST_REVIEW,
        tags=["Approvals"],
    )

"""Requests for approval over HTTP."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

import msgspec
from litestar import Request, Router, get, put
from litestar.params import JSONBody, PathParameter, QueryParameter

from codelab.auth.api import Principal
from codelab.hitl.approval import ApprovalRecord
from codelab.hitl.service import Hitl
from codelab.sessions.events import ApprovalStatus, Question

OwnRequest = Request[Principal, Any, Any]
ApprovalId = Annotated[str, PathParameter()]
Status = Annotated[ApprovalStatus | None, QueryParameter()]
Id = Annotated[str | None, QueryParameter(max_length=32)]
PageSize = Annotated[int, QueryParameter(ge=1, le=200)]


class Approve(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A yes; with parameters the call runs with these instead.

    Args:
        always: Whether the same call may run without asking for the rest of the session.
    """

    parameters: dict[str, Any] | None = None
    always: bool = False


class Reject(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A no, with what the agent should know."""

    feedback: Annotated[str, msgspec.Meta(max_length=10_000)] = ""


class Response(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a request.

    Args:
        by: A user's name, `policy`, `deadline` or `cancellation`.
        parameters: The parameters that the human edited, if they did.
    """

    by: str
    feedback: str
    parameters: dict[str, Any] | None
    response_time_ms: int


class ApprovalRequest(msgspec.Struct, frozen=True, kw_only=True):
    """A request for approval as its user sees it.

    Args:
        question: `run`: whether the call may run. `retry`: it was found started after a crash, and
            nobody knows its outcome; a yes runs it again, a no leaves it at that.
        reason: Why the policy has a human asked; empty where the tool asks by default.
    """

    id: str
    session_id: str
    call_id: str
    agent: str
    tool: str
    question: Question
    reason: str
    parameters: dict[str, Any]
    risk: str
    preview: str
    digest: str
    status: ApprovalStatus
    created_at: datetime
    expires_at: datetime
    responded_at: datetime | None
    response: Response | None


def router(hitl: Hitl) -> Router:
    """Make the routes."""

    @get("/")
    async def list_requests(
        request: OwnRequest,
        status: Status = None,
        session_id: Id = None,
        before: Id = None,
        limit: PageSize = 100,
    ) -> list[ApprovalRequest]:
        """List the user's requests for approval, newest first."""
        records = await hitl.list_for(
            request.user, status=status, session_id=session_id, before=before, limit=limit
        )
        return [_shown(record) for record in records]

    @get("/{approval_id:str}")
    async def get_request(request: OwnRequest, approval_id: ApprovalId) -> ApprovalRequest:
        """Return one request for approval."""
        return _shown(await hitl.get(request.user, approval_id))

    @put("/{approval_id:str}/approve")
    async def approve(
        request: OwnRequest, approval_id: ApprovalId, data: JSONBody[Approve | None] = None
    ) -> ApprovalRequest:
        """Approve the call as it was shown, or with edited parameters."""
        wanted = data or Approve()
        return _shown(
            await hitl.answer(
                request.user, approval_id, True, wanted.parameters, always=wanted.always
            )
        )

    @put("/{approval_id:str}/reject")
    async def reject(
        request: OwnRequest, approval_id: ApprovalId, data: JSONBody[Reject | None] = None
    ) -> ApprovalRequest:
        """Reject the call; the feedback goes to the agent."""
        feedback = data.feedback if data else ""
        return _shown(await hitl.answer(request.user, approval_id, False, feedback=feedback))

    return Router(
        path="/hitl/requests",
        route_handlers=[list_requests, get_request, approve, reject],
        tags=["Approvals"],
    )


def _shown(record: ApprovalRecord) -> ApprovalRequest:
    response = None
    if record.responded_by is not None:
        response = Response(
            by=record.responded_by,
            feedback=record.feedback,
            parameters=record.edited_parameters,
            response_time_ms=record.response_time_ms or 0,
        )
    return ApprovalRequest(
        id=record.id,
        session_id=record.session_id,
        call_id=record.call_id,
        agent=record.agent,
        tool=record.tool,
        question=record.question,
        reason=record.reason or "",
        parameters=record.parameters,
        risk=record.risk,
        preview=record.preview,
        digest=record.digest,
        status=record.status,
        created_at=record.created_at,
        expires_at=record.expires_at,
        responded_at=record.responded_at,
        response=response,
    )

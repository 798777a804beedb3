"""Sessions over REST."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

import msgspec
from litestar import Request, Router, delete, get, patch, post
from litestar.params import FromQuery, JSONBody, PathParameter, QueryParameter

from codelab.auth.api import Principal
from codelab.sessions.api import SessionRecord, Sessions
from codelab.sessions.history import HistoryPage, read_page

_PAGE = 500
_ID_PATTERN = r"^[0-9A-Za-z_-]+$"
_PLAIN = r"^[^\x00-\x1f\x7f]*$"

SessionId = Annotated[str, PathParameter(max_length=64, pattern=_ID_PATTERN)]
Id = Annotated[str, msgspec.Meta(max_length=64, pattern=_ID_PATTERN)]
Name = Annotated[str, msgspec.Meta(min_length=1, max_length=200, pattern=_PLAIN)]
AgentName = Annotated[str, msgspec.Meta(min_length=1, max_length=64, pattern=_PLAIN)]
Title = Annotated[str, msgspec.Meta(max_length=200, pattern=_PLAIN)]
Limit = Annotated[int, QueryParameter(ge=1, le=_PAGE)]
Seq = Annotated[int, QueryParameter(ge=0, le=2**53)]
Cursor = Annotated[str | None, QueryParameter(max_length=64, pattern=_ID_PATTERN)]

AuthenticatedRequest = Request[Principal, Any, Any]


class _Body(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    pass


class SessionCreation(_Body, frozen=True, kw_only=True):
    """A new session on a workspace; `agent` and `model` are what its messages go to by default."""

    workspace_id: Id
    title: Title = ""
    agent: AgentName | None = None
    model: Name | None = None


class SessionChange(_Body, frozen=True, kw_only=True):
    """What of a session is to be changed; what is left out stays."""

    title: Title | msgspec.UnsetType = msgspec.UNSET
    agent: AgentName | msgspec.UnsetType | None = msgspec.UNSET
    model: Name | msgspec.UnsetType | None = msgspec.UNSET
    archived: bool | msgspec.UnsetType = msgspec.UNSET


class Feedback(_Body, frozen=True, kw_only=True):
    """What the user thinks of a message."""

    message_id: Annotated[str, msgspec.Meta(max_length=32, pattern=_ID_PATTERN)]
    rating: Literal["up", "down"]
    comment: Annotated[str, msgspec.Meta(max_length=10_000)] = ""


class SessionView(msgspec.Struct, frozen=True, kw_only=True):
    """A session; `active_turn_id` is none while nothing is being worked on."""

    id: str
    workspace_id: str
    title: str
    agent: str | None
    model: str | None
    archived: bool
    created_at: datetime
    last_activity_at: datetime
    epoch: int
    last_seq: int
    active_turn_id: str | None


class SessionPage(msgspec.Struct, frozen=True, kw_only=True):
    """A page of sessions, newest first; `next` is the `before` of the following one."""

    sessions: list[SessionView]
    next: str | None


def router(sessions: Sessions) -> Router:
    """Make the routes of sessions."""

    @post("/", summary="Open a session")
    async def create_session(
        data: JSONBody[SessionCreation], request: AuthenticatedRequest
    ) -> SessionView:
        """Open a session on one of one's workspaces."""
        return _view(
            await sessions.create(
                request.user,
                data.workspace_id,
                title=data.title,
                agent=data.agent,
                model=data.model,
            )
        )

    @get("/", summary="List one's sessions")
    async def list_sessions(
        request: AuthenticatedRequest,
        before: Cursor = None,
        limit: Limit = 50,
        archived: FromQuery[bool] = False,
    ) -> SessionPage:
        """Return a page of one's sessions, newest first."""
        records = await sessions.list_for(
            request.user, archived=archived, before=before, limit=limit + 1
        )
        page = [_view(record) for record in records[:limit]]
        return SessionPage(sessions=page, next=page[-1].id if len(records) > limit else None)

    @get("/{session_id:str}", summary="Read a session")
    async def read_session(session_id: SessionId, request: AuthenticatedRequest) -> SessionView:
        """Return a session."""
        return _view(await sessions.get(request.user, session_id))

    @patch("/{session_id:str}", summary="Change a session")
    async def change_session(
        session_id: SessionId, data: JSONBody[SessionChange], request: AuthenticatedRequest
    ) -> SessionView:
        """Change a session's title, agent or model, or archive it."""
        changes = {
            name: value
            for name, value in msgspec.structs.asdict(data).items()
            if value is not msgspec.UNSET
        }
        return _view(await sessions.update(request.user, session_id, changes))

    @delete("/{session_id:str}", summary="Delete a session")
    async def delete_session(session_id: SessionId, request: AuthenticatedRequest) -> None:
        """Delete a session and everything in it; a running turn is cancelled."""
        await sessions.delete(request.user, session_id)

    @get("/{session_id:str}/history", summary="Read what was said and done")
    async def read_history(
        session_id: SessionId, request: AuthenticatedRequest, after: Seq = 0, limit: Limit = _PAGE
    ) -> HistoryPage:
        """Return messages and tool calls, oldest first."""
        return await read_page(sessions, request.user, session_id, after, limit)

    @post("/{session_id:str}/feedback", summary="Rate a message", status_code=204)
    async def give_feedback(
        session_id: SessionId, data: JSONBody[Feedback], request: AuthenticatedRequest
    ) -> None:
        """Rate a message; a later rating of the same message replaces the earlier."""
        await sessions.rate(request.user, session_id, data.message_id, data.rating, data.comment)

    return Router(
        "/sessions",
        route_handlers=[
            create_session,
            list_sessions,
            read_session,
            change_session,
            delete_session,
            read_history,
            give_feedback,
        ],
        tags=["Sessions"],
    )


def _view(record: SessionRecord) -> SessionView:
    return SessionView(**{name: getattr(record, name) for name in SessionView.__struct_fields__})

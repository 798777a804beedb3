"""Sessions over REST."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

import msgspec
from litestar import Request, Router, delete, get, patch, post
from litestar.openapi import ResponseSpec
from litestar.params import FromQuery, JSONBody, PathParameter, QueryParameter
from litestar.response import Stream

from codelab.auth.api import Principal
from codelab.sessions.api import SessionRecord, Sessions
from codelab.sessions.events import SessionState
from codelab.sessions.exporting import exported
from codelab.sessions.history import HistoryPage, ratings_of, read_page

_PAGE = 500
_ID_PATTERN = r"^[0-9A-Za-z_-]+$"
_MARKDOWN = "text/markdown"
_PLAIN = r"^[^\x00-\x1f\x7f]*$"

SessionId = Annotated[str, PathParameter(max_length=64, pattern=_ID_PATTERN)]
Id = Annotated[str, msgspec.Meta(max_length=64, pattern=_ID_PATTERN)]
Name = Annotated[str, msgspec.Meta(min_length=1, max_length=200, pattern=_PLAIN)]
AgentName = Annotated[str, msgspec.Meta(min_length=1, max_length=64, pattern=_PLAIN)]
Title = Annotated[str, msgspec.Meta(max_length=200, pattern=_PLAIN)]
Limit = Annotated[int, QueryParameter(ge=1, le=_PAGE)]
Seq = Annotated[int, QueryParameter(ge=0, le=2**53)]
SearchText = Annotated[str, QueryParameter(min_length=1, max_length=200)]
Format = Literal["markdown", "json"]
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


class Rewinding(_Body, frozen=True, kw_only=True):
    """The place in the log of the message that is undone, with all that follows."""

    before_seq: Annotated[int, msgspec.Meta(ge=1, le=2**53)]


class Rewound(msgspec.Struct, frozen=True, kw_only=True):
    """The conversation ends at `through_seq`; restoring the checkpoint undoes that."""

    restoration_id: str
    through_seq: int


class SessionView(msgspec.Struct, frozen=True, kw_only=True):
    """A session; `active_turn_id` is none while nothing is being worked on.

    While its `state` is `waiting`, a human has to answer before the turn goes on.
    """

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
    state: SessionState


class SessionPage(msgspec.Struct, frozen=True, kw_only=True):
    """A page of sessions, newest first; `next` is the `before` of the following one."""

    sessions: list[SessionView]
    next: str | None


class FoundSession(msgspec.Struct, frozen=True, kw_only=True):
    """A session in which a text was found.

    Args:
        session: The session.
        seq: Where the message is that has the text; 0 when the title has it.
        excerpt: The text with what stands around it; empty when the title has it.
    """

    session: SessionView
    seq: int
    excerpt: str


class FoundPage(msgspec.Struct, frozen=True, kw_only=True):
    """What a bounded part of the sessions holds; `next` is the `before` of the following part."""

    found: list[FoundSession]
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

    @get("/search", summary="Find sessions by their title or text")
    async def search_sessions(
        request: AuthenticatedRequest,
        text: SearchText,
        messages: FromQuery[bool] = False,
        archived: FromQuery[bool] = False,
        before: Cursor = None,
    ) -> FoundPage:
        """Look through a part of one's sessions, newest first: titles, or messages as well."""
        part = await sessions.search.find(
            request.user, text, messages=messages, archived=archived, before=before
        )
        found = [
            FoundSession(session=_view(one.session), seq=one.seq, excerpt=one.excerpt)
            for one in part.found
        ]
        return FoundPage(found=found, next=part.next)

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

    @post("/{session_id:str}/rewind", summary="Undo a message and what follows", status_code=200)
    async def rewind_session(
        session_id: SessionId, data: JSONBody[Rewinding], request: AuthenticatedRequest
    ) -> Rewound:
        """Show models nothing from one's message on; no file is touched."""
        record = await sessions.get(request.user, session_id)
        fact = await sessions.between.rewind(record, data.before_seq, by=request.user.name)
        return Rewound(restoration_id=fact.restoration_id, through_seq=fact.through_seq)

    @get(
        "/{session_id:str}/export",
        summary="Take a session along",
        media_type=_MARKDOWN,
        responses={200: ResponseSpec(None, description="Markdown or JSON", media_type=_MARKDOWN)},
    )
    async def export_session(
        session_id: SessionId, request: AuthenticatedRequest, format: FromQuery[Format] = "markdown"
    ) -> Stream:
        """Return all that was said and done, to be read by people or by programs."""
        record = await sessions.get(request.user, session_id)
        pieces = exported(sessions, request.user, record, as_json=format == "json")
        ending = "json" if format == "json" else "md"
        disposition = f'attachment; filename="session-{record.id}.{ending}"'
        return Stream(
            pieces,
            media_type="application/json" if format == "json" else _MARKDOWN,
            headers={"Content-Disposition": disposition, "X-Content-Type-Options": "nosniff"},
        )

    @post("/{session_id:str}/feedback", summary="Rate a message", status_code=204)
    async def give_feedback(
        session_id: SessionId, data: JSONBody[Feedback], request: AuthenticatedRequest
    ) -> None:
        """Rate a message; a later rating of the same message replaces the earlier."""
        await sessions.rate(request.user, session_id, data.message_id, data.rating, data.comment)

    @get("/{session_id:str}/feedback", summary="List the ratings of a session")
    async def list_feedback(session_id: SessionId, request: AuthenticatedRequest) -> dict[str, str]:
        """Return what was thought of the session's messages, `up` or `down`, by message."""
        return await ratings_of(sessions, request.user, session_id)

    return Router(
        "/sessions",
        route_handlers=[
            create_session,
            list_sessions,
            search_sessions,
            read_session,
            change_session,
            delete_session,
            read_history,
            rewind_session,
            export_session,
            give_feedback,
            list_feedback,
        ],
        tags=["Sessions"],
    )


def _view(record: SessionRecord) -> SessionView:
    names = [name for name in SessionView.__struct_fields__ if name != "state"]
    return SessionView(**{name: getattr(record, name) for name in names}, state=_state(record))


def _state(record: SessionRecord) -> SessionState:
    if record.active_turn_id is None:
        return "idle"
    return "processing" if record.lease_owner else "waiting"

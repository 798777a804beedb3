"""Sessions over REST."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Annotated, Any, Literal

import msgspec
from litestar import Request, Response, Router, delete, get, patch, post
from litestar.params import FromQuery, JSONBody, PathParameter, QueryParameter

from codelab.auth.api import Principal
from codelab.sessions.api import Sessions
from codelab.sessions.events import (
    ApprovalAnswered,
    AssistantMessageCompleted,
    Entry,
    MessageContext,
    ToolCallCompleted,
    ToolCallRequested,
    UserMessageReceived,
)
from codelab.sessions.repository import SessionRecord

_PAGE = 500
_LOOK_AHEAD_PAGES = 4
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


class HistoryItem(msgspec.Struct, kw_only=True, omit_defaults=True):
    """A message, or a tool call (`role` is `tool`) with its result as soon as it has one."""

    role: Literal["user", "assistant", "tool"]
    seq: int
    turn_id: str
    at: datetime
    message_id: str | None = None
    text: str = ""
    agent: str | None = None
    model: str | None = None
    context: MessageContext | None = None
    finish_reason: str | None = None
    rating: str | None = None
    call_id: str | None = None
    tool: str | None = None
    parameters: dict[str, Any] | None = None
    approval: str | None = None
    ok: bool | None = None
    output: str | None = None
    truncated: bool = False
    duration_ms: int | None = None
    task_id: str = ""


class HistoryPage(msgspec.Struct, frozen=True, kw_only=True):
    """A page of a session's history, oldest first; `next` is the `after` of the following one."""

    items: list[HistoryItem]
    next: int | None


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
        return await _history(sessions, request.user, session_id, after, limit)

    @post("/{session_id:str}/feedback", summary="Rate a message")
    async def give_feedback(
        session_id: SessionId, data: JSONBody[Feedback], request: AuthenticatedRequest
    ) -> Response[None]:
        """Rate a message; a later rating of the same message replaces the earlier."""
        await sessions.rate(request.user, session_id, data.message_id, data.rating, data.comment)
        return Response(None, status_code=204)

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


def history_of(entries: Iterable[Entry], ratings: dict[str, str]) -> list[HistoryItem]:
    """Turn entries of a log into messages and tool calls; a call's answers go to the call."""
    items: list[HistoryItem] = []
    calls: dict[str, HistoryItem] = {}
    for entry in entries:
        match entry.fact:
            case UserMessageReceived() | AssistantMessageCompleted() as fact:
                items.append(_message(entry, fact, ratings.get(fact.message_id)))
            case ToolCallRequested() as fact if fact.call_id in calls:
                calls[fact.call_id].parameters = fact.parameters
            case ToolCallRequested() as fact:
                calls[fact.call_id] = _call(entry, fact)
                items.append(calls[fact.call_id])
            case ApprovalAnswered() as fact if fact.call_id in calls:
                calls[fact.call_id].approval = fact.status
            case ToolCallCompleted() as fact if fact.call_id in calls:
                call = calls[fact.call_id]
                call.ok, call.output = fact.ok, fact.output
                call.truncated, call.duration_ms = fact.truncated, fact.duration_ms
    return items


async def _history(
    sessions: Sessions, principal: Principal, session_id: str, after: int, limit: int
) -> HistoryPage:
    entries = await sessions.entries(principal, session_id, after, limit)
    last = entries[-1].seq if len(entries) == limit else None
    # A call's result may be on a later page; it belongs to the call.
    position, pages = last, 0
    while position is not None and pages < _LOOK_AHEAD_PAGES and (open_ := _unanswered(entries)):
        more = await sessions.entries(principal, session_id, position, _PAGE)
        entries += [entry for entry in more if getattr(entry.fact, "call_id", None) in open_]
        position = more[-1].seq if len(more) == _PAGE else None
        pages += 1
    ratings = {
        given.message_id: given.rating for given in await sessions.feedback(principal, session_id)
    }
    return HistoryPage(items=history_of(entries, ratings), next=last)


def _unanswered(entries: Sequence[Entry]) -> set[str]:
    facts = [entry.fact for entry in entries]
    requested = {fact.call_id for fact in facts if isinstance(fact, ToolCallRequested)}
    return requested - {fact.call_id for fact in facts if isinstance(fact, ToolCallCompleted)}


def _message(
    entry: Entry, fact: UserMessageReceived | AssistantMessageCompleted, rating: str | None
) -> HistoryItem:
    item = HistoryItem(
        role="user",
        seq=entry.seq,
        turn_id=entry.turn_id,
        at=entry.at,
        message_id=fact.message_id,
        text=fact.text,
        agent=fact.agent,
        model=fact.model,
        rating=rating,
    )
    if isinstance(fact, UserMessageReceived):
        item.context = fact.context
    else:
        item.role, item.finish_reason, item.task_id = "assistant", fact.finish_reason, fact.task_id
    return item


def _call(entry: Entry, fact: ToolCallRequested) -> HistoryItem:
    return HistoryItem(
        role="tool",
        seq=entry.seq,
        turn_id=entry.turn_id,
        at=entry.at,
        agent=fact.agent,
        call_id=fact.call_id,
        tool=fact.tool,
        parameters=fact.parameters,
        approval="pending" if fact.requires_approval else None,
        task_id=fact.task_id,
    )


def _view(record: SessionRecord) -> SessionView:
    return SessionView(**{name: getattr(record, name) for name in SessionView.__struct_fields__})

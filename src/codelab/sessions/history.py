"""A session's log as people read it: messages, and tool calls with their results."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Literal

import msgspec

from codelab.auth.api import Principal
from codelab.sessions.api import Sessions
from codelab.sessions.between import Unseen
from codelab.sessions.events import (
    ApprovalAnswered,
    AssistantMessageCompleted,
    ContentAttached,
    Entry,
    MessageContext,
    ToolCallCompleted,
    ToolCallRequested,
    UserMessageReceived,
)

_PAGE = 500
_LOOK_AHEAD_PAGES = 4
_ALL_SEEN = Unseen()


class FoundLines(msgspec.Struct, frozen=True, kw_only=True):
    """Lines of a file that were found for a message, and that its model is shown."""

    path: str
    first: int
    last: int


class HistoryItem(msgspec.Struct, kw_only=True, omit_defaults=True):
    """A message, or a tool call (`role` is `tool`) with its result as soon as it has one.

    What is `hidden` was compacted, or undone by going back to a checkpoint: its model is not
    shown it any more, or only a note.
    """

    role: Literal["user", "assistant", "tool"]
    seq: int
    turn_id: str
    at: datetime
    message_id: str | None = None
    text: str = ""
    agent: str | None = None
    model: str | None = None
    context: MessageContext | None = None
    attached: tuple[str, ...] = ()
    found: tuple[FoundLines, ...] = ()
    finish_reason: str | None = None
    tried: tuple[str, ...] = ()
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
    hidden: bool = False


class HistoryPage(msgspec.Struct, frozen=True, kw_only=True):
    """A page of a session's history, oldest first; `next` is the `after` of the following one."""

    items: list[HistoryItem]
    next: int | None


def history_of(
    entries: Iterable[Entry], ratings: dict[str, str], unseen: Unseen = _ALL_SEEN
) -> list[HistoryItem]:
    """Turn entries of a log into messages and tool calls; a call's answers go to the call."""
    items: list[HistoryItem] = []
    calls: dict[str, HistoryItem] = {}
    for entry in entries:
        match entry.fact:
            case UserMessageReceived() | AssistantMessageCompleted() as fact:
                items.append(_message(entry, fact, ratings.get(fact.message_id)))
            case ContentAttached() as fact:
                _attach(items, fact)
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
    for item in items:
        item.hidden = unseen.hides(item.call_id or item.message_id, item.seq)
    return items


async def read_page(
    sessions: Sessions, principal: Principal, session_id: str, after: int, limit: int
) -> HistoryPage:
    """Read a page of the session's log as history.

    Args:
        sessions: Where the log is read.
        principal: Who asks.
        session_id: The session.
        after: The number that the page follows.
        limit: How many entries of the log the page covers.
    """
    entries, last = await read_entries(sessions, principal, session_id, after, limit)
    ratings = await ratings_of(sessions, principal, session_id)
    unseen = await sessions.between.unseen(session_id)
    return HistoryPage(items=history_of(entries, ratings, unseen), next=last)


async def read_entries(
    sessions: Sessions, principal: Principal, session_id: str, after: int, limit: int
) -> tuple[list[Entry], int | None]:
    """Read a page of the log, with those results of its calls that come later.

    Returns:
        The entries, and the place that the following page comes after; none at the end.
    """
    entries = await sessions.entries(principal, session_id, after, limit)
    last = entries[-1].seq if len(entries) == limit else None
    # A call's result may be on a later page; it belongs to the call.
    position, pages = last, 0
    while position is not None and pages < _LOOK_AHEAD_PAGES and (open_ := _unanswered(entries)):
        more = await sessions.entries(principal, session_id, position, _PAGE)
        entries += [entry for entry in more if getattr(entry.fact, "call_id", None) in open_]
        position = more[-1].seq if len(more) == _PAGE else None
        pages += 1
    return entries, last


async def ratings_of(sessions: Sessions, principal: Principal, session_id: str) -> dict[str, str]:
    """Return what was thought of the session's messages."""
    return {
        given.message_id: given.rating for given in await sessions.feedback(principal, session_id)
    }


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
        item.tried = fact.tried
    return item


def _attach(items: Iterable[HistoryItem], fact: ContentAttached) -> None:
    shown = [one for one in fact.attachments if not one.refused]
    paths = tuple(one.path for one in shown if one.kind != "found")
    found = tuple(
        FoundLines(path=one.path, first=one.first, last=one.last)
        for one in shown
        if one.kind == "found"
    )
    for item in items:
        if fact.to in (item.call_id, item.message_id):
            item.attached += paths
            item.found += found


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

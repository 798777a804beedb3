"""A whole session to take along, page by page: for people as Markdown, for programs as JSON."""

from __future__ import annotations

from collections.abc import AsyncIterator

import msgspec

from codelab.auth.api import Principal
from codelab.sessions.api import SessionRecord, Sessions
from codelab.sessions.events import ToolCallRequested
from codelab.sessions.history import HistoryItem, history_of, ratings_of, read_entries
from codelab.sessions.markdown import heading, written

_PAGE = 500
_VERSION = 1


async def exported(
    sessions: Sessions, principal: Principal, record: SessionRecord, *, as_json: bool
) -> AsyncIterator[bytes]:
    """Yield a session's title and everything that was said and done in it, oldest first."""
    if not as_json:
        yield heading(record).encode()
        async for item, preview in _items(sessions, principal, record.id):
            yield written(item, preview).encode()
        return
    about = {
        "version": _VERSION,
        "id": record.id,
        "title": record.title,
        "created_at": record.created_at,
        "workspace_id": record.workspace_id,
    }
    yield msgspec.json.encode(about)[:-1] + b',"items":['
    before = b"\n"
    async for item, preview in _items(sessions, principal, record.id):
        entry = msgspec.to_builtins(item) | ({"preview": preview} if preview else {})
        yield before + msgspec.json.encode(entry)
        before = b",\n"
    yield b"\n]}\n"


async def _items(
    sessions: Sessions, principal: Principal, session_id: str
) -> AsyncIterator[tuple[HistoryItem, str]]:
    """Yield messages and calls, these with what a human was shown of them before."""
    ratings = await ratings_of(sessions, principal, session_id)
    unseen = await sessions.between.unseen(session_id)
    after: int | None = 0
    while after is not None:
        entries, after = await read_entries(sessions, principal, session_id, after, _PAGE)
        previews = {
            entry.fact.call_id: entry.fact.preview
            for entry in entries
            if isinstance(entry.fact, ToolCallRequested)
        }
        for item in history_of(entries, ratings, unseen):
            yield item, previews.get(item.call_id or "", "")

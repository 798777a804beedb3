"""All of a user's data as a zip of JSON, made piece by piece while it is sent."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Any, Protocol, TypeVar

import msgspec
from litestar import Request, get
from litestar.handlers import HTTPRouteHandler
from litestar.response import Stream

from codelab.auth.api import Auth, Principal
from codelab.gateway.archive import archive
from codelab.hitl.api import Hitl, Rulebook
from codelab.llm.api import Models
from codelab.sessions.api import SessionRecord, Sessions
from codelab.sessions.errors import SessionNotFound
from codelab.workspace.api import Workspaces

_MEDIA_TYPE = "application/zip"
_HEADERS = {
    "Content-Disposition": 'attachment; filename="codelab-export.zip"',
    "Cache-Control": "no-store",
}
_PAGE = 100

_encode = msgspec.json.Encoder().encode


class Numbered(Protocol):
    """A record that pages are cut by."""

    @property
    def id(self) -> str:
        """Sorts by the time at which it was made."""
        ...


class EntriesOf(Protocol):
    """How the edge reads the audit log, which it does not know."""

    def __call__(
        self, user_id: str, *, before: str | None, limit: int
    ) -> Awaitable[Sequence[Numbered]]:
        """Read a page of a user's entries, newest first."""
        ...


N = TypeVar("N", bound=Numbered)


class Export:
    """Gathers what every module holds of a user; never more than a page of it at a time.

    Args:
        auth: Knows the account.
        workspaces: Knows the project folders; their files stay where they are.
        sessions: Knows what was said and done, and what the user thought of it.
        hitl: Knows what the user was asked.
        rules: Knows the rules that the user made.
        models: Knows what the user's model calls have used.
        recorded: Reads a page of a user's entries in the audit log, newest first.
    """

    def __init__(
        self,
        auth: Auth,
        workspaces: Workspaces,
        sessions: Sessions,
        hitl: Hitl,
        rules: Rulebook,
        models: Models,
        recorded: EntriesOf,
    ) -> None:
        self._auth = auth
        self._workspaces = workspaces
        self._sessions = sessions
        self._hitl = hitl
        self._rules = rules
        self._models = models
        self._recorded = recorded

    async def of(self, principal: Principal) -> AsyncIterator[bytes]:
        """Begin a user's export and return the pieces of the archive.

        Raises:
            UserNotFound: The user was deleted a moment ago.
        """
        profile = await self._auth.get_user(principal.user_id)
        workspaces = await self._workspaces.list(principal)
        return archive(
            {
                "profile.json": _whole(profile),
                "preferences.json": _whole(await self._auth.preferences.of(profile.id)),
                "tokens.json": _whole(await self._auth.api_tokens.list_for(profile.id)),
                "workspaces.json": _whole(workspaces),
                "sessions.json": self._sessions_with_logs(principal),
                "feedback.json": _array(self._feedback(principal)),
                "approvals.json": _array(self._approvals(principal)),
                "rules.json": _whole(await self._rules.list_all(principal)),
                "usage.json": _array(self._usage(principal)),
                "audit.json": _array(self._entries(principal)),
            }
        )

    async def _sessions_with_logs(self, principal: Principal) -> AsyncIterator[bytes]:
        before = b"["
        async for record in self._records(principal):
            yield before + b'{"session":' + _encode(record) + b',"log":'
            async for piece in _array(self._log(principal, record)):
                yield piece
            yield b"}"
            before = b",\n"
        yield b"[]" if before == b"[" else b"]"

    async def _records(self, principal: Principal) -> AsyncIterator[SessionRecord]:
        for archived in (False, True):

            async def page(before: str | None, archived: bool = archived) -> list[SessionRecord]:
                return await self._sessions.list_for(
                    principal, archived=archived, before=before, limit=_PAGE
                )

            async for record in _paged(page):
                yield record

    async def _log(self, principal: Principal, record: SessionRecord) -> AsyncIterator[object]:
        seq = 0
        # A session that is deleted meanwhile is left as far as it was read.
        with contextlib.suppress(SessionNotFound):
            while page := await self._sessions.entries(principal, record.id, seq, _PAGE):
                for entry in page:
                    yield entry
                seq = page[-1].seq

    async def _feedback(self, principal: Principal) -> AsyncIterator[object]:
        async for record in self._records(principal):
            with contextlib.suppress(SessionNotFound):
                for given in await self._sessions.feedback(principal, record.id):
                    yield given

    def _approvals(self, principal: Principal) -> AsyncIterator[object]:
        return _paged(lambda before: self._hitl.list_for(principal, before=before, limit=_PAGE))

    def _usage(self, principal: Principal) -> AsyncIterator[object]:
        return _paged(
            lambda before: self._models.calls_of(principal.user_id, before=before, limit=_PAGE)
        )

    def _entries(self, principal: Principal) -> AsyncIterator[object]:
        return _paged(lambda before: self._recorded(principal.user_id, before=before, limit=_PAGE))


def export_route(export: Export) -> HTTPRouteHandler:
    """Make the route that hands a user's data out."""

    @get(
        "/users/me/export",
        media_type=_MEDIA_TYPE,
        tags=["identity"],
        summary="Export one's data",
    )
    async def export_me(request: Request[Principal, Any, Any]) -> Stream:
        """Return all of one's data as a zip of JSON files."""
        pieces = await export.of(request.user)
        return Stream(pieces, media_type=_MEDIA_TYPE, headers=_HEADERS)

    return export_me


async def _whole(value: object) -> AsyncIterator[bytes]:
    yield _encode(value)


async def _array(items: AsyncIterator[object]) -> AsyncIterator[bytes]:
    before = b"["
    async for item in items:
        yield before + _encode(item)
        before = b",\n"
    yield b"[]" if before == b"[" else b"]"


async def _paged(page: Callable[[str | None], Awaitable[Sequence[N]]]) -> AsyncIterator[N]:
    """Read page after page, each from behind the last one's end."""
    before: str | None = None
    while found := await page(before):
        for item in found:
            yield item
        before = found[-1].id

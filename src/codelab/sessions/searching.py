"""Looks for text in a user's sessions. Titles and messages are sealed, so each is opened."""

from __future__ import annotations

import re

import msgspec

from codelab.auth.api import Principal
from codelab.kit.crypto import Cipher
from codelab.kit.db import Database
from codelab.sessions.events import AssistantMessageCompleted, Entry, UserMessageReceived
from codelab.sessions.log import SessionLog
from codelab.sessions.repository import SessionRecord, SessionRepository

# One request opens no more than this, and says where the next one goes on.
_TITLES = 2000
_SESSIONS = 200
_MESSAGES = 2000
# Of one session, the newest.
_OF_SESSION = 500
_AT_ONCE = 200
_AROUND = 80


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """A session that has the text: in the message at `seq`, or for 0 in its title."""

    session: SessionRecord
    seq: int = 0
    excerpt: str = ""


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """What a part of the sessions holds; `next` is where the following part begins, if any."""

    found: tuple[Found, ...]
    next: str | None


class SessionSearch:
    """Searches as far as one request may go.

    Args:
        db: The database.
        cipher: Opens what users and models wrote.
    """

    def __init__(self, db: Database, cipher: Cipher) -> None:
        self._db = db
        self._repository = SessionRepository(cipher)
        self._log = SessionLog(cipher)

    async def find(
        self,
        principal: Principal,
        text: str,
        *,
        messages: bool = False,
        archived: bool = False,
        before: str | None = None,
    ) -> Part:
        """Look through a part of the user's sessions, newest first.

        Args:
            principal: Whose sessions.
            text: What to look for, in whatever case.
            messages: Whether messages are looked through too, of each session the newest.
            archived: Whether it is about the archived sessions.
            before: The session that the part comes after.
        """
        wanted = text.casefold()
        found: list[Found] = []
        sessions = opened = 0
        while sessions < (_SESSIONS if messages else _TITLES) and opened < _MESSAGES:
            async with self._db.read() as db:
                records = await self._repository.of_user(
                    db, principal.user_id, archived=archived, before=before, limit=_AT_ONCE
                )
            for record in records:
                before, sessions = record.id, sessions + 1
                if wanted in record.title.casefold():
                    found.append(Found(session=record))
                elif messages:
                    hit, read = await self._in_messages(record, wanted)
                    found += [hit] if hit else []
                    opened += read
                    if opened >= _MESSAGES:
                        break
            if len(records) < _AT_ONCE and (not records or before == records[-1].id):
                return Part(found=tuple(found), next=None)
        return Part(found=tuple(found), next=before)

    async def _in_messages(self, record: SessionRecord, wanted: str) -> tuple[Found | None, int]:
        async with self._db.read() as db:
            entries = await self._log.messages(db, record.id, _OF_SESSION)
        for entry in entries:
            text = _text_of(entry)
            at = text.casefold().find(wanted)
            if at >= 0:
                return Found(
                    session=record, seq=entry.seq, excerpt=excerpt(text, at, len(wanted))
                ), len(entries)
        return None, len(entries)


def excerpt(text: str, at: int, length: int) -> str:
    """Return what stands around a place in a text, on one line."""
    start, end = max(0, at - _AROUND), at + length + _AROUND
    middle = re.sub(r"\s+", " ", text[start:end]).strip()
    return f"{'…' if start else ''}{middle}{'…' if end < len(text) else ''}"


def _text_of(entry: Entry) -> str:
    match entry.fact:
        case UserMessageReceived(text=text) | AssistantMessageCompleted(text=text):
            return text
    return ""

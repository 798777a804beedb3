"""The text so far of the messages that this process is streaming right now."""

from __future__ import annotations

from codelab.gateway.encoding import Item, pieces
from codelab.sessions.events import (
    AnswerRestarted,
    AssistantMessageCompleted,
    Entry,
    TokenStreamed,
    TurnEnded,
)

_Texts = dict[tuple[str, bool], list[TokenStreamed]]


class Progress:
    """Keeps what a client needs that joins in the middle of a message."""

    def __init__(self) -> None:
        self._sessions: dict[str, _Texts] = {}

    def add(self, event: TokenStreamed) -> None:
        """Keep one more piece."""
        texts = self._sessions.setdefault(event.session_id, {})
        key = (event.message_id, event.reasoning)
        events = texts.get(key)
        if events is None:
            texts[key] = [event]
        else:
            events.append(event)

    def settle(self, session_id: str, entries: tuple[Entry, ...]) -> None:
        """Forget the messages that the log has now."""
        texts = self._sessions.get(session_id)
        if texts is None:
            return
        for entry in entries:
            match entry.fact:
                case (
                    AssistantMessageCompleted(message_id=message_id)
                    | AnswerRestarted(message_id=message_id)
                ):
                    texts.pop((message_id, False), None)
                    texts.pop((message_id, True), None)
                case TurnEnded():
                    texts.clear()
        if not texts:
            del self._sessions[session_id]

    def forget(self, session_id: str) -> None:
        """Forget all messages of a session."""
        self._sessions.pop(session_id, None)

    def items(self, session_id: str) -> list[Item]:
        """Write the text so far of each message as a token frame with offset 0."""
        return [
            item
            for events in self._sessions.get(session_id, {}).values()
            if events[0].offset == 0
            for item in pieces(events[0], "".join(event.text for event in events))
        ]

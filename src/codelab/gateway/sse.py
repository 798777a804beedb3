"""One turn as server-sent events: the same frames as on the WebSocket."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable
from typing import Annotated, Any

import msgspec
from litestar import Request, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import JSONBody
from litestar.response import Stream as StreamResponse

from codelab.auth.api import Principal
from codelab.auth.errors import Unauthenticated
from codelab.gateway import client_frames
from codelab.gateway.client_frames import Chat, ChatContext, ChatData
from codelab.gateway.closing import CloseCode
from codelab.gateway.dispatch import Dispatcher
from codelab.gateway.encoding import Item, refusal
from codelab.gateway.outbox import MAX_BYTES, MAX_FRAMES
from codelab.gateway.presence import Presence
from codelab.gateway.stream import Stream
from codelab.kit.errors import CodeLabError

KEEP_ALIVE_S = 15.0

_MEDIA_TYPE = "text/event-stream"
_HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}


class ChatRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A message to the agents.

    Args:
        session_id: The session it belongs to.
        message: The message.
        agent: The agent to ask, or none for routing.
        model: The model to use, or none for the agent's own.
        context: What the user is looking at.
        id: A mark of the client's own; the same one twice starts one turn.
    """

    session_id: client_frames.Id
    message: Annotated[
        str, msgspec.Meta(min_length=1, max_length=client_frames.MAX_MESSAGE_CHARACTERS)
    ]
    agent: client_frames.Name | None = None
    model: client_frames.Name | None = None
    context: ChatContext | None = None
    id: client_frames.Mark | None = None

    def frame(self) -> Chat:
        """Return the frame that asks for the same."""
        data = ChatData(
            message=self.message, agent=self.agent, model=self.model, context=self.context
        )
        return Chat(id=self.id, session_id=self.session_id, data=data)


class StreamInterrupted(CodeLabError):
    """The answer ends before the turn does."""

    code = "stream_interrupted"
    retryable = True


class EventQueue:
    """The events of one turn that wait for one client; bounded like a socket's."""

    def __init__(self, *, max_characters: int = MAX_BYTES, max_events: int = MAX_FRAMES) -> None:
        self._max_characters = max_characters
        self._max_events = max_events
        self._waiting: deque[str] = deque()
        self._characters = 0
        self._ended = False
        self._changed = asyncio.Event()
        self._empty = asyncio.Event()
        self.on_end: Callable[[], None] = lambda: None

    def deliver(self, item: Item) -> None:
        """Take a frame; the turn's `done` is the last."""
        if self._ended:
            return
        self._put(item)
        if item.kind == "done":
            self._finish()
        elif self._characters > self._max_characters or len(self._waiting) > self._max_events:
            self.end(CloseCode.TOO_SLOW)

    def end(self, code: CloseCode) -> None:
        """End early; the client is told why, and reads the rest from the session's events."""
        if not self._ended:
            signed_out = code is CloseCode.SIGNED_OUT
            why = Unauthenticated(code.reason) if signed_out else StreamInterrupted(code.reason)
            self._put(Item("error", refusal(why)))
            self._finish()

    def _put(self, item: Item) -> None:
        number = f"id: {item.seq}\n" if item.seq else ""
        event = f"{number}event: {item.kind}\ndata: {item.frame}\n\n"
        self._waiting.append(event)
        self._characters += len(event)
        self._changed.set()

    def _finish(self) -> None:
        self._ended = True
        self.on_end()

    async def drained(self) -> None:
        """Wait until the client has taken what it was sent."""
        if self._waiting:
            self._empty.clear()
            await self._empty.wait()

    async def take(self) -> str | None:
        """Return what waits, a comment when nothing has come for long, none at the end."""
        if not self._waiting and not self._ended:
            self._changed.clear()
            try:
                await asyncio.wait_for(self._changed.wait(), KEEP_ALIVE_S)
            except TimeoutError:
                return ": still here\n\n"
        text = "".join(self._waiting)
        self._waiting.clear()
        self._characters = 0
        self._empty.set()
        return text or None


async def _events(queue: EventQueue) -> AsyncIterator[str]:
    try:
        while (text := await queue.take()) is not None:
            yield text
    finally:
        # The turn itself goes on: only this client stops listening.
        queue.on_end()


def chat_route(dispatcher: Dispatcher, stream: Stream, presence: Presence) -> HTTPRouteHandler:
    """Make the route that starts a turn and streams it."""

    @post(
        "/agent/chat",
        tags=["Agents"],
        status_code=200,
        summary="Start a turn and stream it",
        media_type=_MEDIA_TYPE,
    )
    async def chat(
        data: JSONBody[ChatRequest], request: Request[Principal, Any, Any]
    ) -> StreamResponse:
        """Start a turn; the answer is its frames as server-sent events, until `done`."""
        queue = EventQueue()
        turn, watch = await dispatcher.start_turn(request.user, data.frame(), queue)

        def on_end() -> None:
            stream.unwatch(watch)
            presence.remove_answer(queue)

        queue.on_end = on_end
        try:
            await dispatcher.open(watch, turn)
        except BaseException:
            queue.on_end()
            raise
        presence.add_answer(queue, request.user)
        return StreamResponse(_events(queue), media_type=_MEDIA_TYPE, headers=_HEADERS)

    return chat

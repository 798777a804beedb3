"""One session's conversation: messages out, frames in, approvals asked, turns cancelled."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import Iterator

from codelab.cli.chat.connection import Connection
from codelab.cli.chat.display import Display, Reply
from codelab.cli.chat.frames import Frame, request
from codelab.cli.chat.transcript import Call, Note, Transcript

_HISTORY_SHOWN = 20


class Conversation:
    """Keeps a session going between its server and its human.

    Args:
        connection: The session's frames.
        transcript: What they add up to.
        display: Shows and asks.
        history_to: The last `seq` that was there before.
    """

    def __init__(
        self,
        connection: Connection,
        transcript: Transcript,
        display: Display,
        *,
        history_to: int = 0,
    ) -> None:
        self._history_to = history_to
        self._connection = connection
        self._transcript = transcript
        self._display = display
        self._changed = asyncio.Event()
        self._notes: list[Note] = []
        self._asked: list[str] = []
        self._sent_answers: dict[str, str] = {}
        self._cancelling: asyncio.Future[None] | None = None
        self._reader = asyncio.create_task(self._read())

    async def catch_up(self) -> None:
        """Wait until what was said before has been read."""
        while self._transcript.last_seq < self._history_to:
            self._raise_if_lost()
            self._changed.clear()
            await self._changed.wait()
        self._show_notes()

    async def ask(self, text: str, agent: str | None = None, model: str | None = None) -> None:
        """Send a message and stay with its turn to the end."""
        chosen = {name: value for name, value in (("agent", agent), ("model", model)) if value}
        frame = request("chat", self._transcript.session_id, message=text, **chosen)
        self._asked.append(text)
        self._transcript.asked(frame.id)
        await self._connection.send(frame)
        await self.stay()

    async def stay(self) -> None:
        """Stay with the running turn, if there is one, until it ends."""
        with (
            self._cancelling_by_signal(),
            self._display.turn(self._transcript, self._interrupted),
        ):
            while self._transcript.busy:
                self._show_notes()
                self._raise_if_lost()
                waiting = self._next_question()
                if waiting is not None:
                    await self._question(waiting)
                    continue
                self._changed.clear()
                await self._changed.wait()
            self._show_notes()

    async def cancel(self) -> None:
        """Ask the server to stop the running turn."""
        await self._connection.send(request("cancel", self._transcript.session_id))

    async def close(self) -> None:
        """Leave; a turn that is running goes on without this client."""
        self._reader.cancel()
        await asyncio.gather(self._reader, return_exceptions=True)

    async def _read(self) -> None:
        try:
            async for frame in self._connection.frames():
                self._take(frame)
                self._changed.set()
        finally:
            self._changed.set()

    def _take(self, frame: Frame) -> None:
        if frame.type == "recovered" and frame.data.get("ok") is False:
            self._transcript.forget()
        if frame.type == "error" and frame.id in self._sent_answers:
            # The server did not take the answer, so the question stands, unless it is answered.
            del self._sent_answers[frame.id]
        note = self._transcript.apply(frame)
        if frame.seq is not None and frame.seq <= self._history_to:
            # Of what was there before, what people said is of interest, not how it came about.
            if note is not None and note.kind in ("user", "answer"):
                self._notes = [*self._notes, note][-_HISTORY_SHOWN:]
            return
        self._display.frame(frame)
        if note is not None and not self._is_own(note):
            self._notes.append(note)

    def _is_own(self, note: Note) -> bool:
        # What this human typed stands on the screen already.
        text = note.frame.text("text")
        if note.kind != "user" or text not in self._asked:
            return False
        self._asked.remove(text)
        return True

    def _show_notes(self) -> None:
        notes, self._notes = self._notes, []
        for note in notes:
            self._display.show(note)

    def _raise_if_lost(self) -> None:
        if self._reader.done() and (error := self._reader.exception()) is not None:
            raise error

    def _next_question(self) -> Call | None:
        answered = self._sent_answers.values()
        return next(
            (call for call in self._transcript.waiting if call.approval_id not in answered), None
        )

    async def _question(self, call: Call) -> None:
        """Ask until the human answers, or until somebody else has."""
        asking = asyncio.create_task(self._display.ask(call))
        try:
            while not asking.done() and call in self._transcript.waiting:
                self._raise_if_lost()
                self._changed.clear()
                changed = asyncio.create_task(self._changed.wait())
                await asyncio.wait({asking, changed}, return_when=asyncio.FIRST_COMPLETED)
                changed.cancel()
            if asking.done():
                await self._answer(call, asking.result())
        finally:
            asking.cancel()
            await asyncio.gather(asking, return_exceptions=True)

    async def _answer(self, call: Call, reply: Reply) -> None:
        frame = request(
            "tool_approval",
            self._transcript.session_id,
            approval_id=call.approval_id,
            approved=reply.approved,
            **({"parameters": reply.parameters} if reply.parameters is not None else {}),
            **({"feedback": reply.feedback} if reply.feedback else {}),
            **({"always": True} if reply.always else {}),
        )
        if frame.id is not None and call.approval_id is not None:
            self._sent_answers[frame.id] = call.approval_id
        await self._connection.send(frame)

    def _interrupted(self) -> None:
        if self._cancelling is not None:
            # The server has not stopped it so far: the second time, the program is left.
            raise KeyboardInterrupt
        self._cancelling = asyncio.ensure_future(self.cancel())

    @contextlib.contextmanager
    def _cancelling_by_signal(self) -> Iterator[None]:
        self._cancelling = None
        loop = asyncio.get_running_loop()
        with contextlib.suppress(NotImplementedError):
            loop.add_signal_handler(signal.SIGINT, self._interrupted)
        try:
            yield
        finally:
            with contextlib.suppress(NotImplementedError):
                loop.remove_signal_handler(signal.SIGINT)

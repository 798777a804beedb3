"""The display for a human at a terminal."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Iterator

import click
from prompt_toolkit import PromptSession
from prompt_toolkit.input import create_input
from rich.console import Console
from rich.live import Live

from codelab.cli.chat import render
from codelab.cli.chat.approvals import Action, action_for, editable, edited
from codelab.cli.chat.display import Reply
from codelab.cli.chat.frames import Frame
from codelab.cli.chat.transcript import Call, Note, Transcript

_REFRESH_S = 0.08
# Nobody has read a question earlier; what comes earlier was meant for something else.
_READING_S = 0.3
_INTERRUPT = "\x03"


class TerminalDisplay:
    """Streams Markdown, shows tools at work, and asks by single keys.

    Args:
        console: The terminal.
        complete: Gets the whole of a call that did not fit into its frame.
    """

    def __init__(self, console: Console, complete: Callable[[Call], Awaitable[Call]]) -> None:
        self._console = console
        self._complete = complete
        self._input = create_input()
        self._keys: asyncio.Queue[str] = asyncio.Queue()
        self._live: Live | None = None
        self._asking = False
        self._interrupted: Callable[[], None] | None = None

    @contextlib.contextmanager
    def turn(self, transcript: Transcript, interrupted: Callable[[], None]) -> Iterator[None]:
        """Show the turn's progress below what is printed, until it ends."""
        self._interrupted = interrupted
        self._live = Live(
            console=self._console,
            auto_refresh=False,
            transient=True,
            get_renderable=lambda: render.progress(transcript, self._console.height),
        )
        # The terminal is read key by key for the whole turn: what is typed must not disturb it.
        with self._input.raw_mode(), self._input.attach(self._pressed):
            self._live.start()
            ticking = asyncio.create_task(self._tick(self._live))
            try:
                yield
            finally:
                ticking.cancel()
                self._live.stop()
                self._live = None

    def frame(self, frame: Frame) -> None:
        """Do nothing: notes and the progress say it."""

    def show(self, note: Note) -> None:
        """Print what happened."""
        renderable = render.note(note)
        if renderable is not None:
            self._console.print(renderable)

    async def ask(self, call: Call) -> Reply:
        """Show the call and wait for a key."""
        if call.shortened:
            call = await self._complete(call)
        with self._quiet():
            self._console.print(render.approval(call))
            await asyncio.sleep(_READING_S)
            self._drop_keys()
            self._console.print(render.keys())
            while True:
                action = action_for(await self._keys.get())
                reply = await self._act(action, call) if action else None
                if reply is not None:
                    return reply

    async def _act(self, action: Action, call: Call) -> Reply | None:
        match action:
            case Action.APPROVE:
                return Reply(approved=True)
            case Action.ALWAYS:
                return Reply(approved=True, always=True)
            case Action.REJECT:
                return Reply(approved=False)
            case Action.FEEDBACK:
                return await self._reject_with_feedback()
            case Action.EDIT:
                return await self._edit(call)
            case Action.VIEW:
                self._console.print(render.approval(call, whole=True), render.keys())
        return None

    async def _reject_with_feedback(self) -> Reply | None:
        prompt: PromptSession[str] = PromptSession(input=self._input)
        try:
            feedback = await prompt.prompt_async("What should be different? ")
        except (EOFError, KeyboardInterrupt):
            self._console.print(render.hint("Not answered yet."))
            return None
        return Reply(approved=False, feedback=feedback.strip())

    async def _edit(self, call: Call) -> Reply | None:
        with self._input.detach(), self._input.cooked_mode():
            text = await asyncio.to_thread(click.edit, editable(call), extension=".json")
        try:
            return Reply(approved=True, parameters=edited(text))
        except ValueError as error:
            self._console.print(render.hint(f"{error} Choose again: {render.KEYS_HINT}"))
            return None

    @contextlib.contextmanager
    def _quiet(self) -> Iterator[None]:
        """Keep the progress off the screen while a question stands there."""
        self._asking = True
        if self._live is not None:
            self._live.stop()
        try:
            yield
        finally:
            self._asking = False
            if self._live is not None:
                self._live.start()

    async def _tick(self, live: Live) -> None:
        while True:
            if not self._asking:
                live.refresh()
            await asyncio.sleep(_REFRESH_S)

    def _pressed(self) -> None:
        self._take_keys()

    def _take_keys(self) -> bool:
        presses = self._input.read_keys()
        for press in presses:
            if press.data == _INTERRUPT and self._interrupted is not None:
                self._interrupted()
            else:
                self._keys.put_nowait(press.data)
        return bool(presses)

    def _drop_keys(self) -> None:
        # What the terminal still holds was typed too early as well.
        while self._take_keys():
            pass
        while not self._keys.empty():
            self._keys.get_nowait()

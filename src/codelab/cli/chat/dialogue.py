"""A conversation at a terminal: prompt, answer, prompt again."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from pathlib import Path

import msgspec
from prompt_toolkit import PromptSession
from rich.console import Console

from codelab.cli.chat import render, undo
from codelab.cli.chat.commands import HELP, Command, read_command
from codelab.cli.chat.conversation import Conversation
from codelab.cli.chat.identity import Identity
from codelab.cli.chat.lookups import compact, listed, uncompact
from codelab.cli.chat.printable import printable
from codelab.cli.chat.transcript import Transcript
from codelab.kit.errors import CodeLabError
from codelab.kit.invocation import as_called, spelled

_SESSIONS_SHOWN = 10


class Choices(msgspec.Struct):
    """What the human has chosen for the next messages."""

    agent: str | None = None
    model: str | None = None


class Dialogue:
    """Reads lines and does what they say.

    Args:
        conversation: The session.
        transcript: Its state.
        identity: Whose session it is.
        console: The terminal.
        choices: What was chosen on the command line.
    """

    def __init__(
        self,
        conversation: Conversation,
        transcript: Transcript,
        identity: Identity,
        console: Console,
        choices: Choices,
    ) -> None:
        self._conversation = conversation
        self._transcript = transcript
        self._identity = identity
        self._console = console
        self._choices = choices
        self._prompt: PromptSession[str] = PromptSession(
            bottom_toolbar=lambda: render.status(transcript).plain
        )

    async def run(self) -> None:
        """Go on until the human leaves."""
        interrupted = False
        while True:
            if self._transcript.busy:
                await self._conversation.stay()
            try:
                line = await self._prompt.prompt_async("> ")
            except EOFError:
                return
            except KeyboardInterrupt:
                if interrupted:
                    return
                interrupted = True
                self._say("Press Ctrl-C again, or type /quit, to leave.")
                continue
            interrupted = False
            command = read_command(line)
            if command is not None and command.name in ("/quit", "/exit"):
                return
            await self._do(command, line)

    async def _do(self, command: Command | None, line: str) -> None:
        try:
            if command is not None:
                await self._obey(command)
            elif line.strip():
                await self._conversation.ask(line, self._choices.agent, self._choices.model)
        except (CodeLabError, OSError) as error:
            self._say(str(error))

    async def _obey(self, command: Command) -> None:
        match command.name:
            case "/agent":
                self._choices.agent = command.argument.lstrip("@") or None
                self._say(f"Agent: {self._choices.agent or 'CodeLab chooses'}.")
            case "/model":
                self._choices.model = command.argument or None
                self._say(f"Model: {self._choices.model or 'CodeLab chooses'}.")
            case "/compact":
                self._say(await compact(self._identity, self._transcript.session_id))
            case "/uncompact":
                self._say(await uncompact(self._identity, self._transcript.session_id))
            case "/checkpoints":
                session_id = self._transcript.session_id
                for line in undo.lines_of(await undo.checkpoints(self._identity, session_id)):
                    self._say(line)
            case "/undo":
                session_id, ask = self._transcript.session_id, self._prompt.prompt_async
                going = undo.go_back(self._identity, session_id, command.argument, self._show, ask)
                self._say(await going)
            case "/sessions":
                found = listed(await self._identity.call("GET", "sessions"))
                for each in found[:_SESSIONS_SHOWN]:
                    self._say(f"{each['id']}  {each['title']}")
                again = spelled("chat --session ID", self._identity.server)
                self._say(f"Continue one with `{again}`.")
            case "/export":
                path = Path(command.argument or "codelab-export.zip")
                content = await self._identity.fetch("users/me/export")
                await asyncio.to_thread(path.write_bytes, content)
                self._say(f"Written: {path}.")
            case _:
                for line in HELP.values():
                    self._say(line)

    def _show(self, lines: Iterable[str]) -> None:
        self._console.print(render.diff_text(map(printable, lines)), soft_wrap=True)

    def _say(self, text: str) -> None:
        self._console.print(render.hint(as_called(text)), soft_wrap=True)

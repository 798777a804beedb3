"""What shows a conversation and asks its human, and the two ways that need no terminal."""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any, Protocol, TextIO

import msgspec

from codelab.cli.chat.frames import Frame
from codelab.cli.chat.printable import printable
from codelab.cli.chat.render import attached, call_title, restarted, waiting
from codelab.cli.chat.transcript import Call, Note, Transcript
from codelab.kit.invocation import spelled


class Reply(msgspec.Struct, frozen=True, kw_only=True):
    """A human's answer to a request for approval.

    Args:
        approved: Whether the call may run.
        always: Whether the same call may run without asking for the rest of the session.
        parameters: Edited parameters, if any.
        feedback: Why not.
    """

    approved: bool
    always: bool = False
    parameters: dict[str, Any] | None = None
    feedback: str = ""


class Display(Protocol):
    """Shows what happens and asks."""

    def turn(
        self, transcript: Transcript, interrupted: Callable[[], None]
    ) -> AbstractContextManager[None]:
        """Prepare for a turn, and tidy up after it.

        Args:
            transcript: The session, to show how it goes on.
            interrupted: To be called for Ctrl-C, where it comes as a key and not as a signal.
        """

    def frame(self, frame: Frame) -> None:
        """Show a frame as it came."""

    def show(self, note: Note) -> None:
        """Show what happened."""

    async def ask(self, call: Call) -> Reply:
        """Ask whether a call may run."""


class PlainDisplay:
    """Text without colours or keys, for pipes: answers to one stream, everything else to another.

    Args:
        approve_all: What to answer to requests for approval, since nobody can press a key.
        out: Where answers go.
        err: Where the rest goes.
    """

    def __init__(
        self, *, approve_all: bool, out: TextIO = sys.stdout, err: TextIO = sys.stderr
    ) -> None:
        self._approve_all = approve_all
        self._out = out
        self._err = err

    def turn(
        self, transcript: Transcript, interrupted: Callable[[], None]
    ) -> AbstractContextManager[None]:
        """Do nothing."""
        return nullcontext()

    def frame(self, frame: Frame) -> None:
        """Do nothing: notes say it."""

    def show(self, note: Note) -> None:
        """Write one line, or an answer."""
        if note.kind == "answer" and note.answer is not None:
            self._out.write(printable(note.answer.text.rstrip()) + "\n\n")
            self._out.flush()
        elif line := _line(note):
            self._say(line)

    async def ask(self, call: Call) -> Reply:
        """Approve or refuse everything, as it was decided on the command line."""
        if self._approve_all:
            return Reply(approved=True)
        self._say(
            f"[refused] {call_title(call).plain}: nobody can be asked without a terminal; "
            f"use --yes to approve everything, or run `{spelled('chat')}` in a terminal."
        )
        return Reply(approved=False, feedback="Nobody could be asked: there is no terminal.")

    def _say(self, text: str) -> None:
        self._err.write(printable(text) + "\n")
        self._err.flush()


class JsonDisplay(PlainDisplay):
    """Frames as they come, one a line."""

    def frame(self, frame: Frame) -> None:
        """Write the frame."""
        self._out.write(msgspec.json.encode(frame).decode() + "\n")
        self._out.flush()

    def show(self, note: Note) -> None:
        """Do nothing: frames say it."""


def _line(note: Note) -> str:
    """Say what happened in one line; nothing for what needs none."""
    frame = note.frame
    match note.kind:
        case "agent":
            return f"[{frame.text('to')}] {frame.text('reason')}"
        case "broken_off" if note.answer is not None:
            return f"[broken off] {note.answer.text}"
        case "restarted":
            return f"[again] {restarted(frame)}"
        case "attached":
            return attached(frame)
        case "waiting":
            return f"[waiting] {waiting(frame)}"
        case "result":
            title = call_title(note.call).plain if note.call else frame.text("tool")
            return f"[{'done' if frame.data.get('ok') is True else 'failed'}] {title}"
        case "approval" if note.call is not None:
            return f"[{frame.text('status')} by {frame.text('by')}] {note.call.tool}"
        case "error":
            return f"Error: {frame.text('message')}"
        case "done" if frame.text("stop_reason") != "end":
            return f"Stopped: {frame.text('stop_reason')}."
    return ""

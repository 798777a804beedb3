"""One terminal: a shell in a box, what it printed, and the one client that looks at it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from datetime import datetime
from typing import Literal

import msgspec
import structlog

from codelab.auth.api import Principal
from codelab.kit.clock import monotonic_ms, utc_now
from codelab.kit.ids import new_id
from codelab.workspace.folder import Folder
from codelab.workspace.terminals.pseudo_terminal import PseudoTerminal, Size
from codelab.workspace.terminals.scrollback import Scrollback

WINDOW = 256 * 1024
"""How many bytes a client may be sent that it has not said to have shown."""
MOST_INPUT = 1024 * 1024
"""How many bytes may wait for a program that doesn't read them."""

_PIECE = 32 * 1024
_KILLED = -9
_log = structlog.get_logger(__name__)

Reason = Literal["exited", "bound", "closed", "unused", "signed_out", "stopping", "failed"]


class Ending(msgspec.Struct, frozen=True, kw_only=True):
    """How a terminal ended.

    Args:
        exit_code: The shell's; -9 where it was killed.
        reason: By itself, by a bound of the box, by its user, unused for long, or with the server.
        detail: Which bound, in words.
    """

    exit_code: int
    reason: Reason
    detail: str = ""


class TerminalInfo(msgspec.Struct, frozen=True, kw_only=True):
    """A terminal as its user sees it; `ended` says how, once it has."""

    id: str
    workspace_id: str
    cols: int
    rows: int
    created_at: datetime
    connected: bool
    ended: Ending | None


class View:
    """One client's place in what a terminal prints.

    Args:
        terminal: What is looked at.
        offset: The number of the first byte that is sent.
    """

    def __init__(self, terminal: Terminal, offset: int) -> None:
        self.offset = offset
        self.shown = offset
        self.displaced = False
        self._terminal = terminal
        self._news = asyncio.Event()

    async def next(self) -> bytes | None:
        """Return what comes next, as soon as there is something; none: no more comes."""
        while not self.displaced:
            self._news.clear()
            if piece := self._terminal.scrollback.read(self.offset, _PIECE):
                self.offset += len(piece)
                return piece
            if self._terminal.ended:
                return None
            await self._news.wait()
        return None

    def acknowledge(self, offset: int) -> None:
        """Take note that the client has shown everything before this byte."""
        self.shown = max(self.shown, min(offset, self.offset))
        self._terminal.flow()

    def displace(self) -> None:
        """End: somebody else looks at the terminal now."""
        self.displaced = True
        self.wake()

    def wake(self) -> None:
        """Look again whether there is something."""
        self._news.set()


class Terminal:
    """A shell in the box of commands.

    Args:
        principal: Whose it is, and by which sign-in.
        workspace_id: Where it runs.
        size: How much the client shows.
        scrollback_bytes: How much is kept for a client that comes back.
        on_end: Told when a shell that ran has ended.
    """

    def __init__(
        self,
        principal: Principal,
        workspace_id: str,
        size: Size,
        scrollback_bytes: int,
        on_end: Callable[[Terminal, Ending], None],
    ) -> None:
        self.id = new_id()
        self.principal = principal
        self.workspace_id = workspace_id
        self.scrollback = Scrollback(scrollback_bytes)
        self.ended: Ending | None = None
        self.idle_since = time.monotonic()
        self._on_end = on_end
        self._started = time.monotonic()
        self._created_at = utc_now()
        self._size = size
        self._pty = PseudoTerminal(size, self._print)
        self._view: View | None = None
        self._reason: Reason = "exited"
        self._running: asyncio.Task[None] | None = None

    @property
    def duration_ms(self) -> int:
        """For how long it has been there."""
        return monotonic_ms(self._started)

    @property
    def is_watched(self) -> bool:
        """Whether a client looks at it."""
        return self._view is not None

    def info(self) -> TerminalInfo:
        """Describe it."""
        return TerminalInfo(
            id=self.id,
            workspace_id=self.workspace_id,
            cols=self._size.cols,
            rows=self._size.rows,
            created_at=self._created_at,
            connected=self.is_watched,
            ended=self.ended,
        )

    async def start(self, folder: Folder) -> None:
        """Start the shell; afterwards it runs, or an error says why not.

        Raises:
            SandboxUnavailable: Nothing here can keep it in a box.
        """
        started = asyncio.Event()
        self._pty.go_on()
        self._running = asyncio.create_task(self._run(folder, started))
        waiting = asyncio.create_task(started.wait())
        try:
            await asyncio.wait((self._running, waiting), return_when=asyncio.FIRST_COMPLETED)
        except asyncio.CancelledError:
            await self.end("closed")
            raise
        finally:
            waiting.cancel()
        if not started.is_set():
            await self._running

    def write(self, data: bytes) -> bool:
        """Type something; false when too much waits already."""
        if self._pty.waiting_bytes + len(data) > MOST_INPUT:
            return False
        self._pty.write(data)
        return True

    def resize(self, size: Size) -> None:
        """Tell the programs how much the client shows."""
        self._size = size
        self._pty.resize(size)

    def attach(self, offset: int) -> View:
        """Let a client look at it, from a byte on; who looked until now looks no more."""
        if self._view:
            self._view.displace()
        self._view = View(self, self.scrollback.place_for(offset))
        self.flow()
        return self._view

    def detach(self, view: View) -> None:
        """Take note that a client has gone."""
        if self._view is view:
            self._view = None
            self.idle_since = time.monotonic()
            self.flow()

    def flow(self) -> None:
        """Let the program print, or have it wait until the client has shown enough."""
        self._pty.watched = self.is_watched
        if self.ended:
            return
        if self._view and self.scrollback.end - self._view.shown >= WINDOW:
            self._pty.hold()
        else:
            self._pty.go_on()

    async def end(self, reason: Reason) -> None:
        """End everything that runs in it."""
        if self._running and not self._running.done():
            self._reason = reason
            self._running.cancel()
            await asyncio.wait((self._running,))

    async def _run(self, folder: Folder, started: asyncio.Event) -> None:
        ending = Ending(exit_code=_KILLED, reason="failed")
        try:
            ended = await folder.attend(self._pty.place, started.set)
            reason: Reason = "bound" if ended.stopped else "exited"
            ending = Ending(exit_code=ended.exit_code, reason=reason, detail=ended.stopped)
        except asyncio.CancelledError:
            ending = Ending(exit_code=_KILLED, reason=self._reason)
            raise
        except Exception:
            if not started.is_set():
                raise
            _log.exception("terminal_failed")
        finally:
            self._pty.drain()
            self._pty.close()
            self.ended = ending
            self.idle_since = time.monotonic()
            if self._view:
                self._view.wake()
            if started.is_set():
                self._on_end(self, ending)

    def _print(self, data: bytes) -> None:
        self.scrollback.append(data)
        if self._view:
            self._view.wake()
            self.flow()

"""The terminals of this process: who has which, and when they end."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable

import msgspec
import structlog

from codelab.auth.api import Principal
from codelab.kit.bus import Bus
from codelab.kit.errors import CodeLabError, NotFound, Unavailable
from codelab.workspace.errors import TerminalLimitReached, TerminalRefused
from codelab.workspace.events import TerminalClosed, TerminalOpened
from codelab.workspace.rules import Audience
from codelab.workspace.sandbox.layers import WORDS
from codelab.workspace.service import Workspaces
from codelab.workspace.terminals.permission import TerminalSetting, why_not
from codelab.workspace.terminals.pseudo_terminal import Size
from codelab.workspace.terminals.terminal import Ending, Reason, Terminal, TerminalInfo
from codelab.workspace.terminals.tickets import Tickets

_log = structlog.get_logger(__name__)

Renew = Callable[[Principal], Awaitable[Principal | None]]


class TerminalLimits(msgspec.Struct, frozen=True, kw_only=True):
    """Bounds of terminals.

    Args:
        per_user: How many a user may have at once.
        in_all: How many there may be in this process.
        unused_s: After how many seconds without a client one ends.
        check_s: The seconds between two looks at who may still have theirs.
        scrollback_bytes: How much of its output is kept.
    """

    per_user: int = 8
    in_all: int = 64
    unused_s: float = 600
    check_s: float = 20
    scrollback_bytes: int = 1024 * 1024


class TerminalList(msgspec.Struct, frozen=True, kw_only=True):
    """One's terminals in a project, and what may be had of them.

    Args:
        allowed: Whether one may be opened.
        reason: Why not, in words.
        layer: What keeps it in a box, in words.
        network: What it may reach, in words.
        limit: How many one may have at once.
        terminals: The oldest first.
    """

    allowed: bool
    reason: str
    layer: str
    network: str
    limit: int
    terminals: list[TerminalInfo]


class Terminals:
    """Opens, finds and ends terminals.

    Args:
        workspaces: Says who may use which folder, and opens it.
        renew: Returns a principal as it is now; none: it may not act any more.
        bus: Told of terminals that were opened and that have ended.
        setting: Who may have terminals.
        limits: Their bounds.
    """

    def __init__(
        self,
        workspaces: Workspaces,
        renew: Renew,
        bus: Bus,
        *,
        setting: TerminalSetting = "on",
        limits: TerminalLimits | None = None,
    ) -> None:
        self._workspaces = workspaces
        self._renew = renew
        self._bus = bus
        self._setting = setting
        self._limits = limits or TerminalLimits()
        self._terminals: dict[str, Terminal] = {}
        self._tickets = Tickets()
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begin to look after them."""
        self._task = asyncio.create_task(self._check_for_ever())

    async def close(self) -> None:
        """End all of them."""
        if self._task:
            self._task.cancel()
            await asyncio.wait((self._task,))
        gone = tuple(self._terminals.values())
        await asyncio.gather(*(self._remove(one, "stopping") for one in gone))

    async def list(self, principal: Principal, workspace_id: str) -> TerminalList:
        """Return one's terminals in a workspace, and whether one may be opened.

        Raises:
            NotFound: There is no such workspace, or it is somebody else's.
        """
        await self._workspaces.get(principal, workspace_id)
        folder = await self._workspaces.open(workspace_id, audience=Audience.HUMAN)
        standing = await self._workspaces.sandbox()
        reason = why_not(self._setting, principal)
        if not reason and standing.layer == "none":
            reason = standing.sentence()
        return TerminalList(
            allowed=not reason,
            reason=reason,
            layer=WORDS[standing.layer],
            network=folder.network(),
            limit=self._limits.per_user,
            terminals=[
                one.info() for one in self._of(principal) if one.workspace_id == workspace_id
            ],
        )

    async def open(self, principal: Principal, workspace_id: str, size: Size) -> TerminalInfo:
        """Start a shell in a workspace.

        Raises:
            NotFound: There is no such workspace, or it is somebody else's.
            TerminalRefused: This user may have none.
            TerminalLimitReached: They have as many as they may.
            SandboxUnavailable: Nothing here can keep it in a box.
        """
        await self._workspaces.get(principal, workspace_id)
        if reason := why_not(self._setting, principal):
            raise TerminalRefused(reason)
        folder = await self._workspaces.open(workspace_id, audience=Audience.HUMAN)
        self._make_room(principal)
        try:
            kept = self._limits.scrollback_bytes
            terminal = Terminal(principal, workspace_id, size, kept, self._tell)
        except OSError:
            raise Unavailable("This machine has no terminal left. Try again later.") from None
        self._terminals[terminal.id] = terminal
        try:
            await terminal.start(folder)
        except BaseException:
            self._terminals.pop(terminal.id, None)
            raise
        self._bus.publish(
            TerminalOpened(
                terminal_id=terminal.id, workspace_id=workspace_id, user_id=principal.user_id
            )
        )
        return terminal.info()

    async def end(self, principal: Principal, workspace_id: str, terminal_id: str) -> None:
        """End a terminal and all that runs in it.

        Raises:
            NotFound: There is none here, or it is somebody else's.
        """
        await self._remove(self._found(principal, workspace_id, terminal_id), "closed")

    def ticket(self, principal: Principal, workspace_id: str, terminal_id: str) -> str:
        """Make a ticket that opens a terminal's socket once.

        Raises:
            NotFound: There is none here, or it is somebody else's.
        """
        self._found(principal, workspace_id, terminal_id)
        return self._tickets.issue(principal, terminal_id)

    async def redeem(self, ticket: str, terminal_id: str) -> Principal | None:
        """Return whose ticket it was, if they may still act; it works once."""
        principal = self._tickets.redeem(ticket, terminal_id)
        return await self._renew(principal) if principal else None

    def enter(self, principal: Principal, workspace_id: str, terminal_id: str) -> Terminal:
        """Return a terminal for a client to look at.

        Raises:
            NotFound: There is none here, or it is somebody else's.
            TerminalRefused: This user may have none.
        """
        if reason := why_not(self._setting, principal):
            raise TerminalRefused(reason)
        return self._found(principal, workspace_id, terminal_id)

    async def check(self) -> None:
        """End those that nobody uses, or whose user may not act any more."""
        for terminal in tuple(self._terminals.values()):
            if not await self._may_stay(terminal):
                await self._remove(terminal, "signed_out")
            elif not terminal.is_watched and self._idle_s(terminal) > self._limits.unused_s:
                await self._remove(terminal, "unused")

    async def _may_stay(self, terminal: Terminal) -> bool:
        try:
            principal = await self._renew(terminal.principal)
            if principal is None or why_not(self._setting, principal):
                return False
            await self._workspaces.get(principal, terminal.workspace_id)
        except NotFound:
            return False
        except CodeLabError as error:
            # A database that is away for a moment is no reason to end everybody's work.
            _log.warning("terminal_check_failed", code=error.code)
        return True

    async def _remove(self, terminal: Terminal, reason: Reason) -> None:
        self._terminals.pop(terminal.id, None)
        await terminal.end(reason)

    def _tell(self, terminal: Terminal, ending: Ending) -> None:
        self._bus.publish(
            TerminalClosed(
                terminal_id=terminal.id,
                workspace_id=terminal.workspace_id,
                user_id=terminal.principal.user_id,
                reason=ending.reason,
                exit_code=ending.exit_code,
                duration_ms=terminal.duration_ms,
            )
        )

    def _make_room(self, principal: Principal) -> None:
        own = self._of(principal)
        if len(own) >= self._limits.per_user and not self._forget_ended(own):
            raise TerminalLimitReached(
                f"You have {len(own)} terminals, and more are not allowed. Close one first."
            )
        everybody = tuple(self._terminals.values())
        if len(everybody) >= self._limits.in_all and not self._forget_ended(everybody):
            raise Unavailable("All terminals of this server are in use. Try again later.")

    def _forget_ended(self, terminals: tuple[Terminal, ...]) -> bool:
        # Of one that ended there are only its last words, and who looks at them keeps them.
        oldest = next((one for one in terminals if one.ended), None)
        return oldest is not None and self._terminals.pop(oldest.id, None) is not None

    def _of(self, principal: Principal) -> tuple[Terminal, ...]:
        user_id = principal.user_id
        return tuple(t for t in self._terminals.values() if t.principal.user_id == user_id)

    def _found(self, principal: Principal, workspace_id: str, terminal_id: str) -> Terminal:
        terminal = self._terminals.get(terminal_id)
        is_own = terminal is not None and terminal.principal.user_id == principal.user_id
        if terminal is None or not is_own or terminal.workspace_id != workspace_id:
            raise NotFound(
                "There is no such terminal (any more). It may have ended, or run in another "
                "process of this server."
            )
        return terminal

    def _idle_s(self, terminal: Terminal) -> float:
        return time.monotonic() - terminal.idle_since

    async def _check_for_ever(self) -> None:
        while True:
            await asyncio.sleep(self._limits.check_s)
            try:
                await self.check()
            except Exception:
                _log.exception("terminal_check_failed")

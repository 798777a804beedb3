"""Terminals over HTTP: what there is, opening, ending, and tickets for their sockets."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from litestar import Request, Router, delete, get, post
from litestar.di import NamedDependency, Provide
from litestar.params import JSONBody, PathParameter

from codelab.auth.api import Principal
from codelab.workspace.terminals.pseudo_terminal import Size
from codelab.workspace.terminals.service import TerminalList, Terminals
from codelab.workspace.terminals.terminal import TerminalInfo
from codelab.workspace.terminals.tickets import TICKET_S

OwnRequest = Request[Principal, Any, Any]
TerminalsService = NamedDependency[Terminals]
Id = Annotated[str, PathParameter(pattern="^[0-9a-f]{32}$")]


class TerminalTicket(msgspec.Struct, frozen=True, kw_only=True):
    """Opens the terminal's socket once, within so many seconds."""

    ticket: str
    expires_in: int = TICKET_S


@get("/workspaces/{workspace_id:str}/terminals")
async def list_terminals(
    workspace_id: Id, request: OwnRequest, terminals: TerminalsService
) -> TerminalList:
    """List one's terminals in a workspace, and say whether one may be opened."""
    return await terminals.list(request.user, workspace_id)


@post("/workspaces/{workspace_id:str}/terminals")
async def open_terminal(
    workspace_id: Id, data: JSONBody[Size], request: OwnRequest, terminals: TerminalsService
) -> TerminalInfo:
    """Start a shell in the workspace's box."""
    return await terminals.open(request.user, workspace_id, data)


@delete("/workspaces/{workspace_id:str}/terminals/{terminal_id:str}")
async def end_terminal(
    workspace_id: Id, terminal_id: Id, request: OwnRequest, terminals: TerminalsService
) -> None:
    """End a terminal and all that runs in it."""
    await terminals.end(request.user, workspace_id, terminal_id)


@post("/workspaces/{workspace_id:str}/terminals/{terminal_id:str}/ticket", status_code=200)
async def terminal_ticket(
    workspace_id: Id, terminal_id: Id, request: OwnRequest, terminals: TerminalsService
) -> TerminalTicket:
    """Issue a ticket that opens this terminal's WebSocket."""
    return TerminalTicket(ticket=terminals.ticket(request.user, workspace_id, terminal_id))


def router(terminals: Terminals) -> Router:
    """Make the routes, to be mounted under the API's path."""
    return Router(
        path="/",
        route_handlers=[list_terminals, open_terminal, end_terminal, terminal_ticket],
        dependencies={"terminals": Provide(lambda: terminals, sync_to_thread=False)},
        tags=["terminals"],
    )

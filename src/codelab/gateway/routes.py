"""The edge's own routes: durable frames, agents, tools, and what Prometheus reads."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import msgspec
from litestar import MediaType, Request, Response, get
from litestar.handlers import HTTPRouteHandler
from litestar.params import PathParameter, QueryParameter

from codelab.agents.api import AgentInfo
from codelab.auth.api import PUBLIC, Auth, Principal, bearer_token
from codelab.gateway import metrics as measurements
from codelab.gateway.encoding import stored
from codelab.gateway.metrics import Metrics
from codelab.kit.errors import Forbidden
from codelab.sdk.tool import Category, Risk
from codelab.sessions.api import Sessions

if TYPE_CHECKING:
    from codelab.agents.api import Agents
    from codelab.tools.api import Tools

_MOST = 500

SessionId = Annotated[str, PathParameter(max_length=64, pattern=r"^[0-9A-Za-z_-]+$")]
Seq = Annotated[int, QueryParameter(ge=0, le=2**53)]
Limit = Annotated[int, QueryParameter(ge=1, le=_MOST)]


class EventPage(msgspec.Struct, frozen=True, kw_only=True):
    """Durable frames after a number, as the WebSocket sends them.

    Args:
        events: The frames.
        epoch: The log's epoch; frames of another one are to be dropped.
        last_seq: How far the log reaches.
        next: The `after` of the following page; none at the end.
    """

    events: list[dict[str, Any]]
    epoch: int
    last_seq: int
    next: int | None


class ToolInfo(msgspec.Struct, frozen=True, kw_only=True):
    """A tool as users see it; `protected` says that a human is asked by default."""

    name: str
    description: str
    parameters: dict[str, Any]
    category: Category
    risk: Risk
    protected: bool


def events_route(sessions: Sessions) -> HTTPRouteHandler:
    """Make the route that catches up without a socket."""

    @get("/sessions/{session_id:str}/events", tags=["Sessions"], summary="Read durable frames")
    async def read_events(
        session_id: SessionId,
        request: Request[Principal, Any, Any],
        after: Seq = 0,
        limit: Limit = 200,
    ) -> EventPage:
        """Return the durable frames that follow a number."""
        record = await sessions.get(request.user, session_id)
        entries = await sessions.entries(request.user, session_id, after, limit)
        frames = [msgspec.json.decode(stored(session_id, entry).frame) for entry in entries]
        return EventPage(
            events=frames,
            epoch=record.epoch,
            last_seq=record.last_seq,
            next=entries[-1].seq if len(entries) == limit else None,
        )

    return read_events


def agents_route(agents: Agents) -> HTTPRouteHandler:
    """Make the route that lists the agents."""

    @get("/agents", tags=["Agents"], summary="List the agents", sync_to_thread=False)
    def list_agents() -> list[AgentInfo]:
        """Return the agents of this server."""
        return list(agents.list())

    return list_agents


def tools_route(tools: Tools) -> HTTPRouteHandler:
    """Make the route that lists the tools."""
    infos = [
        ToolInfo(
            name=tool.name,
            description=tool.description,
            parameters=msgspec.json.schema(tool.parameters),
            category=tool.category,
            risk=tool.risk,
            protected=tool.protected,
        )
        for tool in tools.all()
    ]

    @get("/tools", tags=["Agents"], summary="List the tools", sync_to_thread=False)
    def list_tools() -> list[ToolInfo]:
        """Return the tools of this server; each agent may use some of them."""
        return infos

    return list_tools


def metrics_route(metrics: Metrics, auth: Auth) -> HTTPRouteHandler:
    """Make the route for Prometheus: it signs in as an administrator or as a service."""

    @get(
        "/metrics",
        opt=PUBLIC,
        tags=["Operations"],
        summary="Read the measurements",
        media_type=_TYPE,
    )
    async def read_metrics(request: Request[Any, Any, Any]) -> Response[bytes]:
        """Return the measurements in Prometheus's text format."""
        secret = request.headers.get("x-internal-secret")
        if secret is not None:
            auth.internal_principal(secret)
        else:
            token = bearer_token(request.headers.get("authorization"))
            principal = await auth.authenticate(token)
            if not principal.is_admin:
                raise Forbidden("Only administrators and services may read the measurements.")
        await metrics.refresh()
        return Response(
            metrics.render(), media_type=MediaType.TEXT, headers={"Content-Type": _TYPE}
        )

    return read_metrics


_TYPE = measurements.CONTENT_TYPE

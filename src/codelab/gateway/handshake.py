"""How a WebSocket begins: who may open one, and how a refusal is said."""

from __future__ import annotations

from collections.abc import Sequence
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qs

import structlog
from litestar.types import Scope, Send

from codelab.gateway import origin
from codelab.gateway.closing import CloseCode
from codelab.gateway.observing import headers_of
from codelab.gateway.problems import problem_body, problem_of
from codelab.kit.errors import CodeLabError, Forbidden, InvalidInput

_log = structlog.get_logger(__name__)


class OriginRefused(Forbidden):
    """A page of another site tried to open a socket."""

    code = "origin_refused"
    title = "Origin refused"


class UpgradeNeeded(InvalidInput):
    """A plain request came to the socket's address."""

    code = "upgrade_required"
    title = "This address speaks WebSocket only"
    status = HTTPStatus.UPGRADE_REQUIRED


class Gate:
    """Looks at handshakes.

    Args:
        allowed_origins: Origins besides the server's own whose pages may connect.
    """

    def __init__(self, allowed_origins: Sequence[str]) -> None:
        self._origins = {parsed for text in allowed_origins if (parsed := origin.parse(text))}

    def check(self, scope: Scope, subprotocol: str) -> None:
        """Refuse pages of other sites, and clients that speak something else.

        Raises:
            OriginRefused: The page's origin is not allowed.
            InvalidInput: The client offers other subprotocols only.
        """
        origins, hosts = headers_of(scope, b"origin"), headers_of(scope, b"host")
        if not origin.is_allowed(origins, hosts, scope["scheme"] == "wss", self._origins):
            raise OriginRefused(
                "Pages of this origin may not connect. "
                "An administrator can allow it in CODELAB_ALLOWED_ORIGINS."
            )
        offered: Any = scope.get("subprotocols")
        if offered and subprotocol not in offered:
            raise InvalidInput(f"This server speaks the subprotocol {subprotocol}.")


def query_of(scope: Scope) -> dict[str, str]:
    """Read the address's query; of a name that comes twice, the first counts."""
    query = parse_qs(scope["query_string"].decode("latin-1"))
    return {name: values[0] for name, values in query.items()}


async def accept(scope: Scope, send: Send, subprotocol: str) -> None:
    """Accept a handshake."""
    offered: Any = scope.get("subprotocols") or ()
    message: Any = {
        "type": "websocket.accept",
        "subprotocol": subprotocol if subprotocol in offered else None,
        "headers": [],
    }
    await send(message)


async def reject(scope: Scope, send: Send, error: CodeLabError) -> None:
    """Refuse a handshake, with a problem where the server can."""
    _log.info("handshake_refused", path=scope["path"], code=error.code)
    if "websocket.http.response" not in (scope.get("extensions") or {}):
        await send({"type": "websocket.close", "code": CloseCode.REFUSED, "reason": error.title})
        return
    problem = problem_of(error)
    headers = [(b"content-type", b"application/problem+json")]
    headers += [(name.lower().encode(), value.encode()) for name, value in problem.headers.items()]
    start: Any = {
        "type": "websocket.http.response.start",
        "status": problem.body.status,
        "headers": headers,
    }
    await send(start)
    body: Any = {"type": "websocket.http.response.body", "body": problem_body(problem.body)}
    await send(body)

"""One structured record and one measurement per request, and the headers every answer has."""

from __future__ import annotations

import time
from typing import Any

import structlog
from litestar.enums import ScopeType
from litestar.types import ASGIApp, Message, Receive, Scope, Send

from codelab.auth.api import Auth
from codelab.gateway.metrics import Metrics
from codelab.gateway.problems import request_id_of
from codelab.kit.clock import monotonic_ms
from codelab.kit.request_context import RequestContext, current_request, handling

_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_LONGEST_AGENT = 500
_QUIET = ("/health", "/metrics")
_log = structlog.get_logger(__name__)


class Observed:
    """Wraps the whole application.

    Args:
        app: The application.
        metrics: Where measurements go.
        auth: Knows which proxies are believed about a client's address.
    """

    def __init__(self, app: ASGIApp, metrics: Metrics, auth: Auth) -> None:
        self._app = app
        self._metrics = metrics
        self._auth = auth

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, or one connection."""
        # The server's own start and end come through here too.
        if "headers" not in scope:
            await self._app(scope, receive, send)
            return
        with handling(self._client(scope)):
            if scope["type"] == ScopeType.HTTP:
                await self._serve(scope, receive, send)
            else:
                await self._app(scope, receive, send)

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = time.monotonic()
        request_id = request_id_of(scope)
        status = 500

        async def send_observed(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = _with_defaults(message.get("headers", ()), scope, request_id)
                self._measure(scope, status, time.monotonic() - started)
            await send(message)

        with structlog.contextvars.bound_contextvars(request_id=request_id):
            try:
                await self._app(scope, receive, send_observed)
            finally:
                self._record(scope, status, started)

    def _client(self, scope: Scope) -> RequestContext:
        peer = scope.get("client")
        forwarded = ",".join(headers_of(scope, b"x-forwarded-for"))
        return RequestContext(
            address=self._auth.address_of(peer[0] if peer else None, forwarded),
            user_agent=" ".join(headers_of(scope, b"user-agent"))[:_LONGEST_AGENT],
        )

    def _measure(self, scope: Scope, status: int, seconds: float) -> None:
        method, route = _method(scope), _route(scope)
        self._metrics.http.labels(method, route, str(status)).observe(seconds)
        if status >= 500:
            self._metrics.http_errors.labels(method, route).inc()
        if status == 429:
            self._metrics.rate_limited.inc()

    def _record(self, scope: Scope, status: int, started: float) -> None:
        route = _route(scope)
        # The template and never the address: addresses hold tickets and names of files.
        record = _log.debug if route.startswith(_QUIET) else _log.info
        record(
            "request",
            method=_method(scope),
            route=route,
            status=status,
            duration_ms=monotonic_ms(started),
            user_id=getattr(scope.get("user"), "user_id", None),
            address=current_request().address,
        )


def headers_of(scope: Any, name: bytes) -> list[str]:
    """Return all of a request's headers of one name (in lower case)."""
    return [value.decode("latin-1") for key, value in scope["headers"] if key == name]


def _method(scope: Any) -> str:
    method: str = scope["method"]
    return method if method in _METHODS else "other"


def _route(scope: Any) -> str:
    template: str | None = scope.get("path_template")
    return template or "unmatched"


def _with_defaults(headers: Any, scope: Scope, request_id: str) -> list[tuple[bytes, bytes]]:
    all_headers = [(bytes(name).lower(), value) for name, value in headers]
    present = {name for name, _ in all_headers}
    defaults = {
        b"x-request-id": request_id.encode(),
        b"x-content-type-options": b"nosniff",
        b"referrer-policy": b"no-referrer",
    }
    if scope["path"].startswith(("/api/", "/v1/")):
        defaults[b"cache-control"] = b"no-store"
    return all_headers + [pair for pair in defaults.items() if pair[0] not in present]

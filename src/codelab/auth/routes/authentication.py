"""The middleware that finds out who is behind a request."""

from __future__ import annotations

from typing import Any

from litestar import Request
from litestar.connection import ASGIConnection
from litestar.enums import ScopeType
from litestar.middleware import AbstractAuthenticationMiddleware, AuthenticationResult
from litestar.types import ASGIApp, Middleware

from codelab.auth.access import PUBLIC, api_credential, bearer_token
from codelab.auth.service import Auth
from codelab.kit.request_context import current_request


class BearerAuthentication(AbstractAuthenticationMiddleware):
    """Sets `request.user` to the principal of the access token, or refuses the request.

    Routes with `opt=PUBLIC` are left alone, and so are WebSockets: they authenticate themselves,
    because a browser cannot send the header with them.
    """

    def __init__(self, app: ASGIApp, auth: Auth) -> None:
        (opt_key,) = PUBLIC
        super().__init__(app, exclude_from_auth_key=opt_key, scopes={ScopeType.HTTP})
        self._auth = auth

    async def authenticate_request(
        self, connection: ASGIConnection[Any, Any, Any, Any]
    ) -> AuthenticationResult:
        """Authenticate the request.

        Raises:
            Unauthenticated: It has no good access token.
        """
        token = bearer_token(connection.headers.get("authorization"))
        principal = await self._auth.authenticate(token)
        return AuthenticationResult(user=principal, auth=principal)


class ApiAuthentication(BearerAuthentication):
    """The same for `/v1`, which API tokens open too."""

    async def authenticate_request(
        self, connection: ASGIConnection[Any, Any, Any, Any]
    ) -> AuthenticationResult:
        """Authenticate the request.

        Raises:
            Unauthenticated: It has no good API token or access token.
            SignInThrottled: There were too many wrong ones from its address lately.
        """
        token = api_credential(connection.headers)
        principal = await self._auth.authenticate_api(token, address=current_request().address)
        return AuthenticationResult(user=principal, auth=principal)


def api_authentication(auth: Auth) -> Middleware:
    """Make the middleware for the router that holds `/v1`."""

    def wrap(app: ASGIApp) -> ASGIApp:
        return ApiAuthentication(app, auth)

    return wrap


def authentication(auth: Auth) -> Middleware:
    """Make the middleware for the router that holds the API."""

    # Routers copy what they are given, all the way down; a function is left as it is.
    def wrap(app: ASGIApp) -> ASGIApp:
        return BearerAuthentication(app, auth)

    return wrap


def address_of(request: Request[Any, Any, Any], auth: Auth) -> str:
    """Find the client's address: the socket's peer, or what a trusted proxy says."""
    peer = request.client.host if request.client else None
    return auth.address_of(peer, ",".join(request.headers.getall("x-forwarded-for", [])))

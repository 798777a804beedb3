"""How a route says whom it lets in; nothing here depends on the web framework."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Protocol

from codelab.auth.errors import Unauthenticated
from codelab.kit.errors import Forbidden

PUBLIC: Final[dict[str, Any]] = {"exclude_from_auth": True}
"""A route's `opt` that lets everybody in without an access token."""


class HasUser(Protocol):
    """A connection whose principal the authentication middleware has set."""

    @property
    def user(self) -> Any:
        """The principal."""


def admins_only(connection: HasUser, handler: object) -> None:
    """Guard a route so that it lets administrators in and nobody else.

    Raises:
        Forbidden: The principal is no administrator.
    """
    if not connection.user.is_admin:
        raise Forbidden("Only administrators may do this.")


def bearer_token(header: str | None) -> str:
    """Take the token out of an `Authorization` header.

    Raises:
        Unauthenticated: There is none, or it is of another kind.
    """
    scheme, _, token = (header or "").strip().partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise Unauthenticated("Sign in first: this needs an access token.")
    return token.strip()


def api_credential(headers: Mapping[str, str]) -> str:
    """Take the token out of the headers that OpenAI's clients and others know it by.

    Raises:
        Unauthenticated: There is none.
    """
    token = headers.get("api-key") or headers.get("x-api-key")
    if token and not headers.get("authorization"):
        return token.strip()
    try:
        return bearer_token(headers.get("authorization"))
    except Unauthenticated:
        raise Unauthenticated(
            "This needs an API token, as in `Authorization: Bearer codelab_...`."
        ) from None

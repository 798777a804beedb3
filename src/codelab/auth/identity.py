"""The values that stand for people and for what they hold."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

import msgspec

Role = Literal["user", "admin"]

_SCHEME = "Bearer"


class Principal(msgspec.Struct, frozen=True, kw_only=True):
    """Who acts.

    Args:
        user_id: The user.
        name: The user's name as it is shown.
        role: What the user may do.
        token_expires_at: When the access token ends; none for a principal without one.
        family_id: The sign-in that this principal comes from; empty for one without.
        api_token_id: The API token that it comes from; empty for one without.
    """

    user_id: str
    name: str
    role: Role = "user"
    token_expires_at: datetime | None = None
    family_id: str = ""
    api_token_id: str = ""

    @property
    def is_admin(self) -> bool:
        """Whether this is an administrator."""
        return self.role == "admin"


class User(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody with an account here.

    Args:
        last_seen_at: When the user last signed in or went on with a sign-in, to the quarter hour.
    """

    id: str
    name: str = msgspec.field(name="username")
    role: Role = "user"
    disabled: bool = False
    created_at: datetime
    last_seen_at: datetime | None = None


class TokenPair(msgspec.Struct, frozen=True, kw_only=True):
    """What a sign-in gives: `expires_in` are the seconds of the access token."""

    access_token: str
    refresh_token: str
    token_type: str = _SCHEME
    expires_in: int

    def __repr__(self) -> str:
        return f"TokenPair(expires_in={self.expires_in})"


class ApiToken(msgspec.Struct, frozen=True, kw_only=True):
    """A token of a user's as it is listed: what it is called, never what it is.

    Args:
        last_used_at: Written at most once a minute.
        expires_at: None for one that lasts until it is deleted.
    """

    id: str
    name: str
    created_at: datetime
    last_used_at: datetime | None = None
    expires_at: datetime | None = None

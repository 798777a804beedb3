"""What happened to identities, told after it was committed.

`user_id` is whom it happened to, `by` the user who did it; `by` is none where nobody was signed in
(the setup link, the command line, CodeLab itself).
"""

from __future__ import annotations

from typing import Literal

from codelab.auth.identity import Role
from codelab.kit.events import Event


class AuthEvent(Event, frozen=True, kw_only=True):
    """Something about an identity.

    Args:
        user_id: The user; none when a sign-in named nobody who exists.
        address: The client's network address, empty where there is none.
    """

    user_id: str | None
    address: str = ""


class UserSignedIn(AuthEvent, frozen=True, kw_only=True):
    """A name and a password were right."""

    name: str
    family_id: str


class SignInFailed(AuthEvent, frozen=True, kw_only=True):
    """A password or an API token was wrong; `name` is empty unless such a user exists.

    What was typed in place of a name may be a password, so it is not told.
    """

    name: str = ""
    reason: Literal["unknown_user", "wrong_password", "disabled", "api_token"]


class UserSignedOut(AuthEvent, frozen=True, kw_only=True):
    """A sign-in was ended by its user, or all of them were."""

    family_id: str
    everywhere: bool = False


class RefreshTokenReused(AuthEvent, frozen=True, kw_only=True):
    """A used refresh token came again: all tokens of that sign-in were revoked."""

    family_id: str


class UserCreated(AuthEvent, frozen=True, kw_only=True):
    """There is a new user."""

    name: str
    role: Role
    by: str | None = None


class RoleChanged(AuthEvent, frozen=True, kw_only=True):
    """A user has another role."""

    role: Role
    by: str | None = None


class UserDisabled(AuthEvent, frozen=True, kw_only=True):
    """A user may no longer sign in and lost all sign-ins and API tokens."""

    by: str | None = None


class UserEnabled(AuthEvent, frozen=True, kw_only=True):
    """A user may sign in again."""

    by: str | None = None


class PasswordChanged(AuthEvent, frozen=True, kw_only=True):
    """A user has another password and lost all earlier sign-ins and API tokens."""

    by: str | None = None


class UserDeleted(AuthEvent, frozen=True, kw_only=True):
    """A user and all that was theirs is gone."""

    name: str
    by: str | None = None


class ApiTokenCreated(AuthEvent, frozen=True, kw_only=True):
    """A user has a further API token; `name` is what the user calls it."""

    token_id: str
    name: str
    by: str | None = None


class ApiTokenDeleted(AuthEvent, frozen=True, kw_only=True):
    """An API token works no more."""

    token_id: str
    name: str
    by: str | None = None

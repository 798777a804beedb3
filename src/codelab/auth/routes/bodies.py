"""The bodies that the routes take; everything in them is bounded."""

from __future__ import annotations

from typing import Annotated

import msgspec

from codelab.auth.api_tokens import LONGEST_NAME as LONGEST_TOKEN_NAME
from codelab.auth.api_tokens import MOST_DAYS
from codelab.auth.identity import Role
from codelab.auth.policy import LONGEST_NAME, LONGEST_PASSWORD

Name = Annotated[str, msgspec.Meta(min_length=1, max_length=LONGEST_NAME)]
Password = Annotated[str, msgspec.Meta(min_length=1, max_length=LONGEST_PASSWORD)]
Token = Annotated[str, msgspec.Meta(min_length=1, max_length=256)]
Id = Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{32}$")]


class Credentials(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A sign-in."""

    username: Name
    password: Password


class RefreshToken(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A refresh token to be exchanged."""

    refresh_token: Token


class SignOut(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A sign-out; the refresh token stands in for an access token that has expired."""

    refresh_token: Token | None = None


class FirstAdministrator(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The setup, with the token of the setup link."""

    token: Token
    username: Name
    password: Password


class PasswordChange(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A change of one's own password."""

    current_password: Password
    new_password: Password


class Farewell(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The end of one's own account, confirmed by the password."""

    password: Password


class NewUser(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A user whom an administrator adds."""

    username: Name
    password: Password
    role: Role = "user"


class UserChange(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What an administrator changes of a user; what is not given stays.

    `id` names the user when the path does not.
    """

    id: Id | None = None
    role: Role | None = None
    disabled: bool | None = None
    password: Password | None = None


class TokenWanted(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An API token that a user wants; without `expires_days` it lasts until it is deleted."""

    name: Annotated[str, msgspec.Meta(min_length=1, max_length=LONGEST_TOKEN_NAME)] = "token"
    expires_days: Annotated[int, msgspec.Meta(ge=1, le=MOST_DAYS)] | None = None


class Ticket(msgspec.Struct, frozen=True):
    """A ticket for one WebSocket and its life in seconds."""

    ticket: str
    expires_in: int


class Me(msgspec.Struct, frozen=True):
    """Who one is."""

    id: str
    username: str
    role: Role

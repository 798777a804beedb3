"""What can go wrong with identity."""

from __future__ import annotations

from typing import ClassVar

from codelab.kit.errors import CodeLabError, Conflict, Forbidden, NotFound, RateLimited


class Unauthenticated(CodeLabError):
    """Nobody is known to be behind the request; why is not told."""

    code = "unauthenticated"
    title = "Sign-in needed"
    status = 401
    headers: ClassVar[dict[str, str]] = {"WWW-Authenticate": "Bearer"}


class WrongPassword(Forbidden):
    """The principal is known, and typed a password that is not theirs.

    This is no 401: a client would take that for an expired token and try again.
    """

    code = "wrong_password"
    title = "The password is wrong"


class SignInThrottled(RateLimited):
    """Too many wrong passwords in a minute."""

    code = "sign_in_throttled"
    title = "Too many failed sign-ins"


class UserNotFound(NotFound):
    """There is no such user."""

    code = "user_not_found"
    title = "User not found"


class NameTaken(Conflict):
    """Somebody has this user name, perhaps in other letter case."""

    code = "name_taken"
    title = "The user name is taken"


class LastAdministrator(Conflict):
    """Without this user nobody could administer the installation."""

    code = "last_administrator"
    title = "The last administrator stays"


class SetupClosed(Conflict):
    """There is a user already, so there is nothing to set up."""

    code = "setup_closed"
    title = "CodeLab is set up already"


class SetupTokenInvalid(Forbidden):
    """The setup link is wrong, or a newer one replaced it."""

    code = "setup_token_invalid"
    title = "The setup link does not work"


class TokenNotFound(NotFound):
    """The user has no such API token."""

    code = "api_token_not_found"
    title = "API token not found"


class TooManyTokens(Conflict):
    """The user has as many API tokens as one may have."""

    code = "too_many_api_tokens"
    title = "Too many API tokens"

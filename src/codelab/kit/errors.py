"""The one root of every error that CodeLab raises on purpose."""

from __future__ import annotations

from typing import ClassVar


class CodeLabError(Exception):
    """A condition with a stable code and a sentence that says what to do about it.

    Subclasses name the condition and set the class attributes. The message is shown to users,
    so it never holds a secret or a path outside the workspace.

    Args:
        message: One or two plain sentences.
        field: The input field that is wrong, in dotted form, where there is one.
        retry_after_s: After how many seconds another try makes sense.
    """

    code: ClassVar[str] = "internal"
    title: ClassVar[str] = "Something went wrong"
    status: ClassVar[int] = 500
    retryable: ClassVar[bool] = False

    def __init__(
        self, message: str, *, field: str | None = None, retry_after_s: float | None = None
    ) -> None:
        super().__init__(message)
        self.message = message
        self.field = field
        self.retry_after_s = retry_after_s


class InvalidInput(CodeLabError):
    """The request is well-formed but a value in it is not acceptable."""

    code = "invalid_input"
    title = "Invalid input"
    status = 422


class NotFound(CodeLabError):
    """The thing does not exist, or belongs to somebody else: the answer is the same."""

    code = "not_found"
    title = "Not found"
    status = 404


class Conflict(CodeLabError):
    """The thing is not in a state in which this can be done."""

    code = "conflict"
    title = "Conflict"
    status = 409


class Forbidden(CodeLabError):
    """The principal is known and may not do this."""

    code = "forbidden"
    title = "Forbidden"
    status = 403


class Unavailable(CodeLabError):
    """Something that CodeLab depends on is away for the moment."""

    code = "unavailable"
    title = "Temporarily unavailable"
    status = 503
    retryable = True


class DatabaseUnavailable(Unavailable):
    """The database is away: what was not committed has not happened."""

    code = "database_unavailable"


class RateLimited(CodeLabError):
    """A limit per user and hour is used up."""

    code = "rate_limited"
    title = "Too many requests"
    status = 429
    retryable = True

"""What can go wrong with the model; the server knows these conditions by their codes."""

from __future__ import annotations

from codelab.sdk.errors import CodeLabError


class NotInstalled(CodeLabError):
    """The weights or the program that runs them are not installed."""

    code = "model_missing"
    title = "The trial model is not installed"
    status = 502


class KeyRefused(CodeLabError):
    """Somebody else's server answers at the address."""

    code = "model_auth_failed"
    title = "The provider refused the key"
    status = 502


class ContextTooLong(CodeLabError):
    """The conversation is longer than the model's window."""

    code = "context_too_long"
    title = "The conversation is too long for the model"
    status = 422


class RequestRefused(CodeLabError):
    """The model's server does not accept the request."""

    code = "model_refused"
    title = "The provider refused the request"
    status = 502


class NotRunning(CodeLabError):
    """The model's server did not start, or is gone; the next call starts it again."""

    code = "model_unreachable"
    title = "The provider cannot be reached"
    status = 502
    retryable = True


class ServerFailed(CodeLabError):
    """The model's server had a failure of its own."""

    code = "model_failed"
    title = "The provider failed"
    status = 502
    retryable = True


class AnswerBroken(CodeLabError):
    """The answer broke off before its end."""

    code = "model_interrupted"
    title = "The answer broke off"
    status = 502
    retryable = True

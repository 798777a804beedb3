"""From litellm's exceptions to our conditions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from codelab.kit.clock import utc_now
from codelab.llm.errors import (
    ContextTooLong,
    ModelError,
    ModelFailed,
    ModelInterrupted,
    ModelTimeout,
    ModelUnreachable,
)
from codelab.llm.providers.failures import ProviderFailure, condition_of, read_retry_after


def condition_of_exception(
    error: Exception, name: str, secrets: Iterable[str], *, started: bool
) -> ModelError:
    """Name the condition behind one of litellm's exceptions.

    Args:
        error: The exception; litellm's carry a status and the provider's headers.
        name: The model's name in the catalogue.
        secrets: Values that must not be quoted.
        started: Whether a part of the answer has come already.
    """
    if isinstance(error, ModelError):
        return error
    kind, status = type(error).__name__, getattr(error, "status_code", None)
    if kind == "ContextWindowExceededError":
        return ContextTooLong(f"The conversation is too long for {name}.")
    if kind == "Timeout":
        return ModelTimeout(f"{name} did not answer in time.")
    if started:
        return ModelInterrupted(f"The answer of {name} broke off before its end.")
    if kind == "APIConnectionError":
        return ModelUnreachable(f"The provider of {name} cannot be reached.")
    if not isinstance(status, int) or status < 400:
        return ModelFailed(f"The provider of {name} gave an answer that cannot be understood.")
    failure = ProviderFailure(
        status=status,
        message=str(getattr(error, "message", "")),
        retry_after_s=read_retry_after(_headers_of(error), utc_now()),
    )
    return condition_of(failure, name, secrets)


def _headers_of(error: Exception) -> Mapping[str, str]:
    headers = getattr(error, "litellm_response_headers", None)
    if headers is None:
        headers = getattr(getattr(error, "response", None), "headers", None)
    return {str(name).lower(): str(value) for name, value in dict(headers or {}).items()}

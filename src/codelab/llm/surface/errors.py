"""Errors in OpenAI's own shape, by the codes that its clients know."""

from __future__ import annotations

import math

import msgspec

from codelab.kit.errors import CodeLabError

# OpenAI's names of conditions that clients act on; all other codes are ours.
_CODES = {
    "model_unknown": "model_not_found",
    "context_too_long": "context_length_exceeded",
    "unauthenticated": "invalid_api_key",
    "budget_exhausted": "insufficient_quota",
    "model_filtered": "content_filter",
    "rate_limited": "rate_limit_exceeded",
    "sign_in_throttled": "rate_limit_exceeded",
}
_KINDS = {402: "insufficient_quota", 403: "permission_error", 429: "rate_limit_error"}
# What we say otherwise: a provider's refusal of the request is its sender's to mend.
_STATUSES = {"model_unknown": 404, "model_refused": 400}
# Clients wait so long at most before they try again by themselves.
_LONGEST_WAIT_S = 60


class OpenAIProblem(msgspec.Struct, frozen=True, kw_only=True):
    """What went wrong, in OpenAI's words.

    Args:
        code: OpenAI's code where there is one for the condition, else ours.
    """

    message: str
    type: str
    param: str | None
    code: str


class OpenAIError(msgspec.Struct, frozen=True, kw_only=True):
    """An error as OpenAI's clients read it."""

    error: OpenAIProblem


def problem_of(error: CodeLabError) -> OpenAIProblem:
    """Describe an error."""
    status = status_of(error)
    kind = "invalid_request_error" if status < 500 else "server_error"
    return OpenAIProblem(
        message=error.message,
        type=_KINDS.get(status, kind),
        param=error.field,
        code=_CODES.get(error.code, error.code),
    )


def error_body(error: CodeLabError) -> bytes:
    """Write an error as a document."""
    return msgspec.json.encode(OpenAIError(error=problem_of(error)))


def status_of(error: CodeLabError) -> int:
    """Return the status that OpenAI's clients expect."""
    status = _STATUSES.get(error.code, error.status)
    # OpenAI's clients know 400 where ours say 422.
    return 400 if status == 422 else status


def headers_of(error: CodeLabError) -> dict[str, str]:
    """Return the headers by which clients decide whether to try again, and when."""
    headers: dict[str, str] = dict(getattr(error, "headers", {}))
    wait_s = error.retry_after_s
    if wait_s is not None:
        headers["Retry-After"] = str(max(1, math.ceil(wait_s)))
    # OpenAI's clients repeat whatever failed with 429 or 5xx unless they are told not to.
    if not error.retryable or (wait_s is not None and wait_s > _LONGEST_WAIT_S):
        headers["x-should-retry"] = "false"
    return headers

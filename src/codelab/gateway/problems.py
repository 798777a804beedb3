"""Errors as clients see them: RFC 9457 problem details with a stable code, never a trace."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any

import msgspec
import structlog
from litestar import Request, Response
from litestar.exceptions import HTTPException, ValidationException
from litestar.types import ExceptionHandlersMap

from codelab.gateway.field_names import dotted, plain
from codelab.kit.errors import CodeLabError
from codelab.kit.ids import new_id

AnyRequest = Request[Any, Any, Any]
Answering = Callable[[AnyRequest, Exception], Response[bytes]]

MEDIA_TYPE = "application/problem+json"

_CODES = {
    400: "malformed_request",
    401: "unauthenticated",
    403: "forbidden",
    404: "not_found",
    405: "method_not_allowed",
    413: "too_large",
    415: "unsupported_media_type",
    422: "invalid_input",
    429: "rate_limited",
    503: "unavailable",
}
_log = structlog.get_logger(__name__)


class FieldError(msgspec.Struct, frozen=True, kw_only=True):
    """A field that is wrong, in dotted form."""

    field: str
    message: str


class Problem(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A problem detail.

    Args:
        type: The kind of problem as a URI.
        title: The kind of problem in words.
        status: The HTTP status.
        detail: What happened this time and what to do about it.
        code: The kind of problem, for programs; it never changes.
        errors: The fields that are wrong.
        request_id: The number under which the server's log has the details.
    """

    type: str
    title: str
    status: int
    detail: str
    code: str
    errors: tuple[FieldError, ...] = ()
    request_id: str | None = None


class ProblemAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """A problem and the headers that go with it."""

    body: Problem
    headers: dict[str, str]


def problem_of(error: Exception, request_id: str | None = None) -> ProblemAnswer:
    """Describe an error; an unknown one is described by its number only."""
    match error:
        case CodeLabError():
            return _of_ours(error)
        case ValidationException():
            return _of_validation(error)
        case HTTPException(status_code=status) if status < 500:
            return _of_litestar(error)
        case RecursionError():
            return ProblemAnswer(
                body=_problem(
                    422,
                    "invalid_input",
                    "Invalid input",
                    "It is nested too deeply.",
                    (),
                    request_id,
                ),
                headers={},
            )
    body = _problem(
        500, "internal", "Something went wrong", "The server's log has the details.", (), request_id
    )
    return ProblemAnswer(body=body, headers={})


def problem_body(problem: Problem) -> bytes:
    """Write a problem as JSON."""
    return msgspec.json.encode(problem)


def exception_handlers(elsewhere: Mapping[str, Answering] = {}) -> ExceptionHandlersMap:
    """Make the handlers that the application is built with.

    Args:
        elsewhere: What answers instead at addresses that begin with a path, and speak otherwise.
            What no route takes, an unknown method for example, comes here from there too.
    """

    def answer(request: AnyRequest, error: Exception) -> Response[bytes]:
        path = f"{request.scope['path']}/"
        for start, theirs in elsewhere.items():
            if path.startswith(f"{start}/"):
                return theirs(request, error)
        return _answer(request, error)

    return {CodeLabError: answer, HTTPException: answer, Exception: answer}


def request_id_of(scope: Any) -> str:
    """Return the number of a request, giving it one if it has none yet."""
    number: str = scope.setdefault("state", {}).setdefault("request_id", new_id())
    return number


def _answer(request: AnyRequest, error: Exception) -> Response[bytes]:
    request_id = request_id_of(request.scope)
    answer = problem_of(error, request_id)
    if answer.body.code == "internal":
        _log.error("request_failed", request_id=request_id, exc_info=error)
    return Response(
        content=problem_body(answer.body),
        status_code=answer.body.status,
        media_type=MEDIA_TYPE,
        headers=answer.headers,
    )


def _of_ours(error: CodeLabError) -> ProblemAnswer:
    headers: dict[str, str] = dict(getattr(error, "headers", {}))
    if error.retry_after_s is not None:
        headers["Retry-After"] = str(max(1, math.ceil(error.retry_after_s)))
    fields = (FieldError(field=error.field, message=error.message),) if error.field else ()
    body = _problem(error.status, error.code, error.title, error.message, fields)
    return ProblemAnswer(body=body, headers=headers)


def _of_validation(error: ValidationException) -> ProblemAnswer:
    found: list[Any] = error.extra if isinstance(error.extra, list) else []
    fields = tuple(_field_error(one) for one in found if isinstance(one, dict))
    detail = "; ".join(f"{one.field}: {one.message}" for one in fields)
    body = _problem(422, "invalid_input", "Invalid input", detail or "Invalid input.", fields)
    return ProblemAnswer(body=body, headers={})


def _field_error(found: dict[str, Any]) -> FieldError:
    sentence, named = dotted(str(found.get("message", "")))
    # The body itself is called `data` by the framework.
    key = plain(str(found.get("key", "")))
    key = "" if key == "data" else key
    field = ".".join(part for part in (key, named) if part)
    return FieldError(field=field or "body", message=sentence)


def _of_litestar(error: HTTPException) -> ProblemAnswer:
    status = error.status_code
    title = HTTPStatus(status).phrase
    detail = error.detail if status in (400, 405, 415) else f"{title}."
    body = _problem(status, _CODES.get(status, "refused"), title, detail)
    return ProblemAnswer(body=body, headers=dict(error.headers or {}))


def _problem(
    status: int,
    code: str,
    title: str,
    detail: str,
    errors: tuple[FieldError, ...] = (),
    request_id: str | None = None,
) -> Problem:
    return Problem(
        type=f"urn:codelab:problem:{code}",
        title=title,
        status=status,
        detail=detail,
        code=code,
        errors=errors,
        request_id=request_id,
    )

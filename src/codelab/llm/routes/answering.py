"""How every route in OpenAI's form reads a request, answers it, and refuses it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import msgspec
import structlog
from litestar import Request, Response
from litestar.exceptions import HTTPException
from litestar.openapi import ResponseSpec
from litestar.response import Stream
from litestar.types import ExceptionHandlersMap

from codelab.kit.errors import CodeLabError, InvalidInput, NotFound
from codelab.llm.accounting.calls import Attribution
from codelab.llm.service import Models
from codelab.llm.surface.errors import OpenAIError, error_body, headers_of, status_of
from codelab.llm.surface.streamed_answer import EventWriter, StreamedAnswer
from codelab.sdk.model import Completion, ModelRequest

T = TypeVar("T")
AnyRequest = Request[Any, Any, Any]

JSON = "application/json"
LARGEST_BODY = 16 * 1024 * 1024

_REFUSALS = (400, 401, 402, 403, 404, 405, 409, 413, 429, 500, 502, 503, 504)
_REFUSAL = ResponseSpec(OpenAIError, generate_examples=False, description="OpenAI's own error.")
REFUSALS = {status: _REFUSAL for status in _REFUSALS}

_log = structlog.get_logger(__name__)


class ClientGone(CodeLabError):
    """Nobody waits for the answer any more."""

    code = "client_gone"
    title = "The client has left"
    status = 499


class AddressUnknown(NotFound):
    """There is nothing at an address of `/v1`."""


class MethodUnknown(CodeLabError):
    """An address does not take this method."""

    code = "method_not_allowed"
    title = "Method not allowed"
    status = 405


class BodyTooLarge(CodeLabError):
    """A request is larger than any may be."""

    code = "too_large"
    title = "Too large"
    status = 413


async def read_body(request: AnyRequest, kind: type[T]) -> T:
    """Read the body.

    Raises:
        InvalidInput: It is not what it should be; names the field.
    """
    try:
        return msgspec.json.decode(await request.body(), type=kind)
    except msgspec.ValidationError as error:
        problem, _, place = str(error).partition(" - at `$.")
        raise InvalidInput(f"{problem}.", field=place.rstrip("`") or None) from None
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise InvalidInput("The body is not valid JSON.") from None


class Caller(msgspec.Struct, frozen=True):
    """Who asks.

    Args:
        attribution: On whose account.
        withdrawn: Waits until the caller may not ask any more, and returns why; none for one who
            always may.
    """

    attribution: Attribution
    withdrawn: Callable[[], Awaitable[CodeLabError]] | None = None


async def whole(
    models: Models, request: AnyRequest, ours: ModelRequest, caller: Caller
) -> Completion:
    """Run a call to its end, unless the client leaves before, or may not ask any more."""
    work = asyncio.ensure_future(
        models.stream(
            ours,
            lambda delta: None,
            attribution=caller.attribution,
            fresh=_wants_fresh(request),
        )
    )
    ended: list[CodeLabError] = []

    def end(reason: CodeLabError) -> None:
        ended.append(reason)
        work.cancel()

    _end_when_withdrawn(caller, work, end)
    try:
        return await _unless_gone(request, work)
    except asyncio.CancelledError:
        if not ended:
            raise
        raise ended[0] from None


async def streamed(
    models: Models,
    request: AnyRequest,
    ours: ModelRequest,
    caller: Caller,
    writer: EventWriter,
) -> Stream:
    """Answer with a stream once the call has begun; a failure before that has its status."""
    answer = StreamedAnswer(writer)
    work = asyncio.ensure_future(
        models.stream(ours, answer.add, attribution=caller.attribution, fresh=_wants_fresh(request))
    )
    answer.follow(work)
    _end_when_withdrawn(caller, work, answer.end)
    if serving := asyncio.current_task():
        # The client may leave before anybody has asked for the first frame.
        serving.add_done_callback(lambda done: work.cancel())
    began = asyncio.ensure_future(answer.began())
    try:
        await _unless_gone(request, began)
    except BaseException:
        work.cancel()
        raise
    return Stream(
        answer.frames(), media_type="text/event-stream", headers={"Cache-Control": "no-store"}
    )


def refuse(request: AnyRequest, error: Exception) -> Response[bytes]:
    """Answer an error in OpenAI's shape."""
    ours = _ours(request, error)
    return Response(
        error_body(ours), status_code=status_of(ours), media_type=JSON, headers=headers_of(ours)
    )


def _ours(request: AnyRequest, error: Exception) -> CodeLabError:
    if isinstance(error, CodeLabError):
        return error
    if isinstance(error, HTTPException) and error.status_code < 500:
        return _of_framework(error.status_code)
    if isinstance(error, RecursionError):
        return InvalidInput("It is nested too deeply.")
    request_id = request.scope.get("state", {}).get("request_id")
    _log.error("request_failed", request_id=request_id, exc_info=error)
    return CodeLabError(f"Something went wrong; the server's log has it under {request_id}.")


def _of_framework(status: int) -> CodeLabError:
    match status:
        case 404:
            return AddressUnknown("There is nothing at this address.")
        case 405:
            return MethodUnknown("This address does not take this method.")
        case 413:
            return BodyTooLarge(f"At most {LARGEST_BODY // 1024**2} MB can be sent at once.")
    return InvalidInput("The request is not valid.")


def _wants_fresh(request: AnyRequest) -> bool:
    """Tell whether an answer from the cache will not do, as HTTP says it."""
    return "no-cache" in request.headers.get("Cache-Control", "")


def _end_when_withdrawn(
    caller: Caller, work: asyncio.Future[Completion], end: Callable[[CodeLabError], None]
) -> None:
    if caller.withdrawn is None:
        return
    waiting = asyncio.ensure_future(caller.withdrawn())

    def look(done: asyncio.Future[CodeLabError]) -> None:
        if not done.cancelled():
            end(done.result())

    waiting.add_done_callback(look)
    work.add_done_callback(lambda done: waiting.cancel())


async def _unless_gone(request: AnyRequest, work: asyncio.Future[T]) -> T:
    """Wait for the work; give it up when the client leaves."""
    leaving = asyncio.ensure_future(_departure(request))
    try:
        either: list[asyncio.Future[Any]] = [work, leaving]
        await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        if not work.done():
            raise ClientGone("The client has left.")
        return work.result()
    finally:
        leaving.cancel()
        work.cancel()


async def _departure(request: AnyRequest) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


ON_ERROR: ExceptionHandlersMap = {CodeLabError: refuse, HTTPException: refuse, Exception: refuse}

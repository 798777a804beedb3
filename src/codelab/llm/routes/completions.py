"""OpenAI's chat completions, for service callers."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import msgspec
from litestar import Request, Response, post
from litestar.exceptions import HTTPException
from litestar.handlers import HTTPRouteHandler
from litestar.openapi import ResponseSpec
from litestar.response import Stream

from codelab.auth.api import PUBLIC, Principal
from codelab.kit.errors import CodeLabError, InvalidInput
from codelab.llm.accounting.calls import Attribution
from codelab.llm.service import Models
from codelab.llm.surface.chat import (
    AnswerWriter,
    ChatCompletionRequest,
    OpenAIError,
    error_body,
    read_request,
)
from codelab.llm.surface.streamed_answer import StreamedAnswer
from codelab.sdk.model import ModelRequest

T = TypeVar("T")
Authorise = Callable[[Mapping[str, str]], Principal]
AnyRequest = Request[Any, Any, Any]

_JSON = "application/json"
_LARGEST_BODY = 16 * 1024 * 1024
_REFUSALS = (400, 401, 404, 413, 429, 500, 502, 503, 504)
_REFUSAL = ResponseSpec(OpenAIError, generate_examples=False, description="OpenAI's own error.")


class ClientGone(CodeLabError):
    """Nobody waits for the answer any more."""

    code = "client_gone"
    title = "The client has left"
    status = 499


def completions_route(models: Models, authorise: Authorise) -> HTTPRouteHandler:
    """Make the route.

    Args:
        models: The model layer.
        authorise: Finds out which service calls from the request's headers; raises a
            `CodeLabError` for those that may not.
    """

    @post(
        "/llm/chat/completions",
        tags=["models"],
        summary="OpenAI's chat completions, for service callers",
        status_code=200,
        opt=PUBLIC,
        request_max_body_size=_LARGEST_BODY,
        exception_handlers={CodeLabError: _refuse, HTTPException: _refuse},
        media_type=_JSON,
        responses={status: _REFUSAL for status in _REFUSALS},
    )
    async def chat_completions(request: AnyRequest) -> Response[Any]:
        """Answer OpenAI's request with any model of the catalogue, streamed or whole."""
        authorise(request.headers)
        asked = _decode(await request.body())
        ours = read_request(asked)
        # A service is nobody's account: its calls are recorded without a user and not limited.
        attribution = Attribution()
        if asked.stream:
            return await _stream(models, request, asked, ours, attribution)
        work = models.stream(ours, lambda delta: None, attribution=attribution)
        completion = await _unless_gone(request, asyncio.ensure_future(work))
        return Response(AnswerWriter(asked.model).whole(completion), media_type=_JSON)

    return chat_completions


async def _stream(
    models: Models,
    request: AnyRequest,
    asked: ChatCompletionRequest,
    ours: ModelRequest,
    attribution: Attribution,
) -> Stream:
    with_usage = bool(asked.stream_options and asked.stream_options.include_usage)
    answer = StreamedAnswer(AnswerWriter(asked.model, with_usage=with_usage))
    work = asyncio.ensure_future(models.stream(ours, answer.add, attribution=attribution))
    answer.follow(work)
    # A failure before the first piece is answered with its status, not within a stream.
    began = asyncio.ensure_future(answer.began())
    try:
        await _unless_gone(request, began)
    except BaseException:
        work.cancel()
        raise
    return Stream(
        answer.frames(), media_type="text/event-stream", headers={"Cache-Control": "no-store"}
    )


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


def _decode(body: bytes) -> ChatCompletionRequest:
    try:
        return msgspec.json.decode(body, type=ChatCompletionRequest)
    except msgspec.ValidationError as error:
        problem, _, place = str(error).partition(" - at `$.")
        raise InvalidInput(f"{problem}.", field=place.rstrip("`") or None) from None
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise InvalidInput("The body is not valid JSON.") from None


def _refuse(request: AnyRequest, error: Exception) -> Response[bytes]:
    """Answer an error in OpenAI's shape."""
    ours = error if isinstance(error, CodeLabError) else InvalidInput("The request is not valid.")
    headers = {}
    if ours.retry_after_s is not None:
        headers["Retry-After"] = str(max(1, math.ceil(ours.retry_after_s)))
    # OpenAI's clients know 400 and 404 where ours say 422.
    status = error.status_code if isinstance(error, HTTPException) else ours.status
    if ours.code == "model_unknown":
        status = 404
    return Response(
        error_body(ours),
        status_code=400 if status == 422 else status,
        media_type=_JSON,
        headers=headers,
    )

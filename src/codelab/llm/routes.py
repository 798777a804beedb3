"""The module's HTTP routes: models, usage, and OpenAI's chat completions for service callers."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Mapping
from typing import Annotated, Any, TypeVar

import msgspec
from litestar import Request, Response, Router, get, post
from litestar.exceptions import HTTPException
from litestar.openapi import ResponseSpec
from litestar.params import FromQuery, QueryParameter
from litestar.response import Stream

from codelab.auth.api import PUBLIC, Principal
from codelab.kit.errors import CodeLabError, Forbidden, InvalidInput
from codelab.llm.accounting.calls import Attribution
from codelab.llm.accounting.repository import UsageFilter, UsageGroup, UsageSum
from codelab.llm.accounting.standing import Standing
from codelab.llm.circuits import RestingModel
from codelab.llm.service import Models
from codelab.llm.surface.chat import (
    AnswerWriter,
    ChatCompletionRequest,
    OpenAIError,
    error_body,
    read_request,
)
from codelab.llm.surface.streamed_answer import StreamedAnswer
from codelab.sdk.model import ModelInfo, ModelRequest, Usage

T = TypeVar("T")
Authorise = Callable[[Mapping[str, str]], Principal]
OwnRequest = Request[Principal, Any, Any]
AnyRequest = Request[Any, Any, Any]
Day = Annotated[str | None, QueryParameter(pattern=r"^\d{4}-\d{2}-\d{2}$")]

Name = Annotated[str | None, QueryParameter(min_length=1, max_length=200)]

_JSON = "application/json"
_LARGEST_BODY = 16 * 1024 * 1024
_REFUSALS = (400, 401, 402, 404, 413, 429, 500, 502, 503, 504)
_REFUSAL = ResponseSpec(OpenAIError, generate_examples=False, description="OpenAI's own error.")


class ClientGone(CodeLabError):
    """Nobody waits for the answer any more."""

    code = "client_gone"
    title = "The client has left"
    status = 499


class ModelsOffered(msgspec.Struct, frozen=True, kw_only=True):
    """The models of this server.

    Args:
        models: What may be chosen.
        roles: Which model serves which role.
        configured: Whether there is any.
        advice: What to set when something is missing.
        resting: Models that have just failed and are not asked for the moment.
    """

    models: list[ModelInfo]
    roles: dict[str, str]
    configured: bool
    advice: str
    resting: list[RestingModel]


class UsageReport(msgspec.Struct, frozen=True, kw_only=True):
    """What calls have used, by group and in all."""

    group: UsageGroup
    sums: list[UsageSum]
    total: Usage


class SpendingLimits(msgspec.Struct, frozen=True, kw_only=True):
    """What one may still spend.

    Args:
        caps: How each cap stands that is set.
        requests_per_hour: How many calls of models a user may make within an hour.
    """

    caps: list[Standing]
    requests_per_hour: int


def router(models: Models, authorise: Authorise) -> Router:
    """Make the routes.

    Args:
        models: The model layer.
        authorise: Finds out which service calls from the request's headers; raises a
            `CodeLabError` for those that may not.
    """

    @get("/models", tags=["models"], summary="List the models")
    async def list_models() -> ModelsOffered:
        """List what models this server offers, and what to set when it offers none."""
        health = models.health()
        return ModelsOffered(
            models=models.catalogue(),
            roles=models.roles(),
            configured=health.configured,
            advice=health.advice,
            resting=models.resting(),
        )

    @get("/usage", tags=["models"], summary="Add up what model calls have used")
    async def usage(
        request: OwnRequest,
        group: FromQuery[UsageGroup] = "day",
        since: Day = None,
        until: Day = None,
        session_id: Name = None,
        agent: Name = None,
        model: Name = None,
        everybody: FromQuery[bool] = False,
    ) -> UsageReport:
        """Add up one's own calls, or as an administrator everybody's, by group."""
        if (everybody or group == "user") and not request.user.is_admin:
            raise Forbidden("Only administrators may see what others use.")
        chosen = UsageFilter(
            user_id=None if everybody or group == "user" else request.user.user_id,
            session_id=session_id,
            agent=agent,
            model=model,
            since=since,
            until=until,
        )
        sums = await models.usage(group, chosen)
        return UsageReport(group=group, sums=sums, total=_total(sums))

    @get("/usage/limits", tags=["models"], summary="See what may still be spent")
    async def limits(request: OwnRequest, session_id: Name = None) -> SpendingLimits:
        """Say how the caps stand on what one's own model calls may cost.

        What the whole server has spent is told to administrators only.
        """
        caps = await models.standing(request.user.user_id, session_id=session_id or "")
        shown = [cap for cap in caps if cap.scope != "server" or request.user.is_admin]
        return SpendingLimits(caps=shown, requests_per_hour=models.requests_per_hour)

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
        work = models.stream(
            ours, lambda delta: None, attribution=attribution, fresh=_wants_fresh(request)
        )
        completion = await _unless_gone(request, asyncio.ensure_future(work))
        return Response(AnswerWriter(asked.model).whole(completion), media_type=_JSON)

    return Router("/", route_handlers=[list_models, usage, limits, chat_completions])


async def _stream(
    models: Models,
    request: AnyRequest,
    asked: ChatCompletionRequest,
    ours: ModelRequest,
    attribution: Attribution,
) -> Stream:
    with_usage = bool(asked.stream_options and asked.stream_options.include_usage)
    answer = StreamedAnswer(AnswerWriter(asked.model, with_usage=with_usage))
    work = asyncio.ensure_future(
        models.stream(ours, answer.add, attribution=attribution, fresh=_wants_fresh(request))
    )
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


def _wants_fresh(request: AnyRequest) -> bool:
    """Tell whether an answer from the cache will not do, as HTTP says it."""
    return "no-cache" in request.headers.get("Cache-Control", "")


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


def _total(sums: list[UsageSum]) -> Usage:
    total = Usage()
    for one in sums:
        total = total.plus(
            Usage(
                input_tokens=one.input_tokens,
                output_tokens=one.output_tokens,
                cached_tokens=one.cached_tokens,
                cache_write_tokens=one.cache_write_tokens,
                cost_usd=one.cost_usd,
                estimated=one.estimated,
            )
        )
    return total


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

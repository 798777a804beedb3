"""OpenAI's chat completions: for service callers, and what `/v1` shares with them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from litestar import Response, post
from litestar.handlers import HTTPRouteHandler

from codelab.auth.api import PUBLIC, Principal
from codelab.kit.errors import InvalidInput
from codelab.llm.accounting.calls import Attribution
from codelab.llm.errors import ModelUnknown
from codelab.llm.routes.answering import (
    JSON,
    LARGEST_BODY,
    ON_ERROR,
    REFUSALS,
    AnyRequest,
    Caller,
    read_body,
    streamed,
    whole,
)
from codelab.llm.service import Models
from codelab.llm.surface.chat import ChatCompletionRequest, read_request
from codelab.llm.surface.chat_answer import AnswerWriter

Authorise = Callable[[Mapping[str, str]], Principal]


CHAT: dict[str, Any] = {"request_body": ChatCompletionRequest, "may_stream": True}
"""A route's `opt` that describes its body and its answer."""


async def complete(models: Models, request: AnyRequest, caller: Caller) -> Response[Any]:
    """Answer OpenAI's request with any model of the catalogue, streamed or whole."""
    asked = await read_body(request, ChatCompletionRequest)
    ours = read_request(asked)
    require_chat(models, asked.model)
    if asked.stream:
        with_usage = bool(asked.stream_options and asked.stream_options.include_usage)
        writer = AnswerWriter(asked.model, with_usage=with_usage)
        return await streamed(models, request, ours, caller, writer)
    completion = await whole(models, request, ours, caller)
    return Response(AnswerWriter(asked.model).whole(completion), media_type=JSON)


def require_chat(models: Models, name: str) -> None:
    """Refuse a model that cannot hold a conversation.

    Raises:
        InvalidInput: It makes vectors out of texts.
    """
    if kind_of(models, name) == "embedding":
        raise InvalidInput(f"{name} makes embeddings and does not answer.", field="model")


def kind_of(models: Models, name: str) -> str:
    """Say what a model answers with; empty for one that is not known, or not yet."""
    try:
        return models.info(name).kind
    except ModelUnknown:
        return ""


def service_completions(models: Models, authorise: Authorise) -> HTTPRouteHandler:
    """Make the route for service callers.

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
        opt=PUBLIC | CHAT,
        request_max_body_size=LARGEST_BODY,
        exception_handlers=ON_ERROR,
        responses=REFUSALS,
    )
    async def chat_completions(request: AnyRequest) -> Response[Any]:
        """Answer OpenAI's request with any model of the catalogue, streamed or whole."""
        authorise(request.headers)
        # A service is nobody's account: its calls are recorded without a user and not limited.
        return await complete(models, request, Caller(Attribution()))

    return chat_completions

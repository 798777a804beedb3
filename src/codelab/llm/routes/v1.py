"""`/v1`: the models for every program that speaks OpenAI's protocol, on its user's account."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from litestar import Request, Response, Router, get, post, route
from litestar.exceptions import MethodNotAllowedException, NotFoundException
from litestar.params import PathParameter
from litestar.types import Method, Middleware

from codelab.auth.api import Principal
from codelab.kit.errors import InvalidInput
from codelab.llm.accounting.calls import Attribution
from codelab.llm.errors import ModelUnknown
from codelab.llm.providers.embeddings import embedding_request, vectors_of
from codelab.llm.routes.answering import (
    JSON,
    LARGEST_BODY,
    ON_ERROR,
    REFUSALS,
    Caller,
    read_body,
    streamed,
    whole,
)
from codelab.llm.routes.completions import CHAT, complete, kind_of, require_chat
from codelab.llm.routes.permission import Permission
from codelab.llm.service import Models
from codelab.llm.surface.embeddings import EmbeddingRequest, texts_of, write_embeddings
from codelab.llm.surface.responses import ResponseRequest, read_response
from codelab.llm.surface.responses_events import ResponseEvents
from codelab.llm.surface.responses_output import ResponseDocument
from codelab.sdk.model import ModelInfo

OwnRequest = Request[Principal, Any, Any]

ModelId = Annotated[str, PathParameter(max_length=512)]

_AGENT = "api"
_ALL: list[Method] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "TRACE"]


class Model(msgspec.Struct, frozen=True, kw_only=True):
    """A model in OpenAI's form; when it was made nobody here knows."""

    id: str
    object: str = "model"
    created: int = 0
    owned_by: str


class ModelList(msgspec.Struct, frozen=True, kw_only=True):
    """All models in OpenAI's form."""

    object: str = "list"
    data: list[Model]


def v1_router(models: Models, authentication: Middleware, permission: Permission) -> Router:
    """Make the routes.

    Args:
        models: The model layer.
        authentication: Sets the request's user by an API token or an access token.
        permission: Looks whether that still holds while an answer comes.
    """

    @get("/models", summary="List the models in OpenAI's form", responses=REFUSALS)
    async def list_models() -> ModelList:
        """List the models of this server."""
        return ModelList(data=[_model(info) for info in models.catalogue()])

    @get("/models/{model_id:path}", summary="Describe a model in OpenAI's form", responses=REFUSALS)
    async def get_model(model_id: ModelId) -> Model:
        """Describe a model of this server."""
        # The framework keeps the stroke before what may hold further ones.
        name = model_id.removeprefix("/")
        if name not in models.health().models:
            raise ModelUnknown(f"There is no model named {name!r}.", field="model")
        return _model(models.info(name))

    @post(
        "/chat/completions",
        summary="Complete a conversation",
        status_code=200,
        opt=CHAT,
        responses=REFUSALS,
    )
    async def chat_completions(request: OwnRequest) -> Response[Any]:
        """Answer a conversation with any model of this server, streamed or whole."""
        return await complete(models, request, _caller(request, permission))

    @post(
        "/responses",
        summary="Respond to a conversation",
        status_code=200,
        opt={"request_body": ResponseRequest, "may_stream": True},
        responses=REFUSALS,
    )
    async def responses(request: OwnRequest) -> Response[Any]:
        """Answer a conversation in the form of OpenAI's responses; nothing is stored."""
        asked = await read_body(request, ResponseRequest)
        read = read_response(asked)
        require_chat(models, asked.model)
        document = ResponseDocument(asked, read)
        if asked.stream:
            events = ResponseEvents(document)
            return await streamed(models, request, read.ours, _caller(request, permission), events)
        completion = await whole(models, request, read.ours, _caller(request, permission))
        return Response(document.whole(completion), media_type=JSON)

    @post(
        "/embeddings",
        summary="Make vectors for texts",
        status_code=200,
        opt={"request_body": EmbeddingRequest},
        responses=REFUSALS,
    )
    async def embeddings(request: OwnRequest) -> Response[Any]:
        """Make vectors for texts with a model that is made for it."""
        asked = await read_body(request, EmbeddingRequest)
        texts = texts_of(asked)
        if kind_of(models, asked.model) == "chat":
            raise InvalidInput(
                f"{asked.model} makes no embeddings, as far as is known here; if it does, its "
                "model_info says mode: embedding.",
                field="model",
            )
        ours = embedding_request(asked.model, texts, asked.dimensions)
        completion = await whole(models, request, ours, _caller(request, permission))
        document = write_embeddings(asked, completion, vectors_of(completion))
        return Response(document, media_type=JSON)

    known = ["/models", "/models/{model_id:path}"]
    taking = ["/chat/completions", "/responses", "/embeddings"]

    @route(known, http_method=["POST", "PUT", "PATCH", "DELETE", "TRACE"], include_in_schema=False)
    async def not_for_reading(request: OwnRequest) -> None:
        """Refuse a method."""
        raise MethodNotAllowedException

    @route(taking, http_method=["GET", "PUT", "PATCH", "DELETE", "TRACE"], include_in_schema=False)
    async def not_for_asking(request: OwnRequest) -> None:
        """Refuse a method."""
        raise MethodNotAllowedException

    @route(["/", "/{rest:path}"], http_method=_ALL, include_in_schema=False)
    async def nowhere(request: OwnRequest) -> None:
        """Refuse an address."""
        raise NotFoundException

    return Router(
        "/v1",
        route_handlers=[
            list_models,
            get_model,
            chat_completions,
            responses,
            embeddings,
            not_for_reading,
            not_for_asking,
            nowhere,
        ],
        middleware=[authentication],
        exception_handlers=ON_ERROR,
        request_max_body_size=LARGEST_BODY,
        tags=["OpenAI"],
    )


def _model(info: ModelInfo) -> Model:
    return Model(id=info.name, owned_by=info.provider or "codelab")


def _caller(request: OwnRequest, permission: Permission) -> Caller:
    who = request.user
    attribution = Attribution(user_id=who.user_id, agent=_AGENT)
    return Caller(attribution, lambda: permission.withdrawn(who))

"""Models that administrators add while the server runs, and trying one out."""

from __future__ import annotations

import time
from typing import Annotated, Any

import msgspec
from litestar import Request, Router, delete, get, patch, post
from litestar.exceptions import NotFoundException
from litestar.params import JSONBody, PathParameter

from codelab.auth.api import Principal, admins_only
from codelab.kit.errors import CodeLabError, Conflict
from codelab.llm.accounting.calls import Attribution
from codelab.llm.catalog.added_models import AddedModels, ShownModel
from codelab.llm.catalog.overview import Overview
from codelab.llm.providers.embeddings import embedding_request
from codelab.llm.service import Models
from codelab.sdk.messages import UserMessage
from codelab.sdk.model import Delta, ModelRequest

AdminRequest = Request[Principal, Any, Any]
ModelName = Annotated[str, PathParameter(min_length=1, max_length=200)]
Rest = Annotated[str, PathParameter(max_length=400)]
_TEST = "/test"
_QUESTION = "Answer with the one word: yes"
# Some models think before they write, and all of it counts.
_MOST_TOKENS = 64


class NewModel(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A model to be added, in the form of the models file.

    Args:
        name: What it is called in the catalogue.
        litellm_params: What litellm is told.
        model_info: What is known of it, such as prices and the window.
    """

    name: str
    litellm_params: dict[str, Any]
    model_info: dict[str, Any] = {}


class ModelChange(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A change of an added model.

    Args:
        litellm_params: The parameters that change; null takes one away, `[set]` leaves a secret.
        model_info: What is known of it, in the place of what was.
    """

    litellm_params: dict[str, Any] = {}
    model_info: dict[str, Any] | None = None


class Trial(msgspec.Struct, frozen=True, kw_only=True):
    """What came of one short call.

    Args:
        ok: Whether an answer came to its end.
        latency_ms: How long the call took.
        first_token_ms: Until the first piece of the answer; none when there was no piece.
        code: What went wrong, or empty.
        message: The sentence that says so.
    """

    ok: bool
    latency_ms: int
    first_token_ms: int | None = None
    code: str = ""
    message: str = ""


def administration(models: Models, added: AddedModels) -> Router:
    """Make the routes.

    Args:
        models: The model layer.
        added: The models that administrators have added.
    """

    @get("/", summary="List the models that were added")
    async def list_added() -> list[ShownModel]:
        """List the models that administrators have added; secrets read `[set]`."""
        return await added.list_all()

    @get("/overview", summary="See the whole catalogue")
    async def overview() -> Overview:
        """List all models with prices and where each comes from, and who asks which."""
        await models.discovered()
        return models.overview()

    @post("/", summary="Add a model")
    async def add_model(request: AdminRequest, data: JSONBody[NewModel]) -> ShownModel:
        """Add a model, for everybody and at once."""
        if models.is_taken(data.name):
            raise Conflict(f"There is a model named {data.name} already.", field="name")
        return await added.add(
            data.name, data.litellm_params, data.model_info, by=request.user.user_id
        )

    @patch("/{name:str}", summary="Change a model that was added")
    async def change_model(
        request: AdminRequest, name: ModelName, data: JSONBody[ModelChange]
    ) -> ShownModel:
        """Change a model that was added; its key must come anew with another address."""
        return await added.change(
            name, data.litellm_params, data.model_info, by=request.user.user_id
        )

    @delete("/{name:str}", summary="Take a model away that was added")
    async def remove_model(request: AdminRequest, name: ModelName) -> None:
        """Take a model away that was added."""
        await added.remove(name, by=request.user.user_id)

    @post("/{name:str}/test", status_code=200, summary="Try a model out")
    async def test_model(request: AdminRequest, name: ModelName) -> Trial:
        """Make one short call to any model of the catalogue, without another in its place."""
        await models.discovered()
        return await _try_out(models, name, request.user.user_id)

    # A model of the file may have strokes in its name, which one of these addresses has not.
    @post("/{name:str}/{rest:path}", status_code=200, include_in_schema=False)
    async def test_model_with_strokes(request: AdminRequest, name: ModelName, rest: Rest) -> Trial:
        """Do the same for a model with strokes in its name."""
        whole = f"{name}{rest}"
        if not whole.endswith(_TEST):
            raise NotFoundException
        await models.discovered()
        return await _try_out(models, whole.removesuffix(_TEST), request.user.user_id)

    return Router(
        "/admin/models",
        guards=[admins_only],
        route_handlers=[
            list_added,
            overview,
            add_model,
            change_model,
            remove_model,
            test_model,
            test_model_with_strokes,
        ],
        tags=["models"],
    )


async def _try_out(models: Models, name: str, user_id: str) -> Trial:
    if models.info(name).kind == "embedding":
        asked = embedding_request(name, [_QUESTION], None)
    else:
        asked = ModelRequest(
            model=name, messages=(UserMessage(text=_QUESTION),), max_output_tokens=_MOST_TOKENS
        )
    started = time.monotonic()
    first: list[int] = []

    def passed_ms() -> int:
        return round((time.monotonic() - started) * 1000)

    def take(delta: Delta) -> None:
        if not first:
            first.append(passed_ms())

    by = Attribution(user_id=user_id, session_id="", turn_id="", agent="")
    code = message = ""
    try:
        await models.try_out(asked, take, by)
    except CodeLabError as error:
        code, message = error.code, error.message
    return Trial(
        ok=not code,
        latency_ms=passed_ms(),
        first_token_ms=first[0] if first else None,
        code=code,
        message=message,
    )
